"""`python -m benchmarks.run_load`: `opencrm run` on a SQLite file under everything at once, for a minute.

Eight readers and four writers over REST, an import of its own process, and 100,000 tasks whose deadlines lie ahead,
of which one comes due every second. Prints errors, the longest wait of a request, and the latest deadline.
"""

from __future__ import annotations

import argparse
import csv
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs

from benchmarks import ids
from opencrm import CRM, Contact, Create, records
from opencrm.embed import issue_token

TASK = [
    "id",
    "title",
    "title_key",
    "state",
    "due_at",
    "wakes_at",
    "owner_id",
    "unit_id",
    "created_at",
    "created_by",
    "updated_at",
    "version",
]


@attrs.define
class Load:
    """What requests came to.

    Attributes:
        statuses: How many answers of which status, by reader and writer; 0 for none.
        longest: Seconds of the longest request, by reader and writer.
    """

    port: int
    token: str
    contacts: list[str]
    statuses: Counter[tuple[str, int]] = attrs.Factory(Counter)
    longest: Counter[str] = attrs.Factory(Counter)
    stop: threading.Event = attrs.Factory(threading.Event)
    lock: threading.Lock = attrs.Factory(threading.Lock)

    def read(self) -> None:
        """Read pages until stopped."""
        while not self.stop.is_set():
            self._send("reader", "GET", "/api/v1/contacts?limit=50", None)

    def write(self) -> None:
        """Change contacts until stopped."""
        number = 0
        while not self.stop.is_set():
            number += 1
            path = f"/api/v1/contacts/{self.contacts[number % len(self.contacts)]}"
            self._send("writer", "PATCH", path, {"description": f"{threading.get_ident()} {number}"})

    def _send(self, who: str, method: str, path: str, body: dict[str, str] | None) -> None:
        begun = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException):
            status = 0
        finally:
            connection.close()
        taken = time.perf_counter() - begun
        with self.lock:
            self.statuses[who, status] += 1
            self.longest[who] = max(self.longest[who], taken)  # type: ignore[assignment]


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser("python -m benchmarks.run_load", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--timers", type=int, default=100_000)
    parser.add_argument("--imported", type=int, default=20_000)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="opencrm-load-") as text:
        _measure(Path(text), given)


def _measure(folder: Path, given: argparse.Namespace) -> None:
    url, port = f"sqlite:///{folder / 'load.db'}", _free_port()
    crm = CRM(url)
    token, contacts, owner, unit = _set_up(crm)
    log = (folder / "log").open("wb")
    server = _opencrm(url, log, "run", "--port", str(port))
    _wait_for(port)
    _fill(crm, [datetime(2100, 1, 1, tzinfo=UTC)] * given.timers, (owner, unit))
    first = datetime.now(UTC) + timedelta(seconds=5)  # noqa: TID251
    _fill(crm, [first + timedelta(seconds=at) for at in range(given.seconds)], (owner, unit))
    load = Load(port, token, contacts)
    threads = [threading.Thread(target=it) for it in [load.read] * 8 + [load.write] * 4]
    bringing = _opencrm(url, log, "import", "contact", str(_file(folder, given.imported)))
    for thread in threads:
        thread.start()
    latest = _watch(crm, given.seconds, first)
    load.stop.set()
    for thread in threads:
        thread.join()
    imported = bringing.wait(300)
    server.send_signal(signal.SIGTERM)
    server.wait(60)
    crm.close()
    told = (folder / "log").read_text()
    print(f"requests: { {f'{who} {status}': number for (who, status), number in sorted(load.statuses.items())} }")
    print(f"longest request of a reader {load.longest['reader']:.2f} s, of a writer {load.longest['writer']:.2f} s")
    print(f"latest deadline: {latest:.2f} s after its instant, of one a second among {given.timers:,}")
    print(
        f"import ended with {imported}; 'locked' in the logs: {told.count('locked')} times; server: {server.returncode}"
    )


def _watch(crm: CRM, seconds: int, first: datetime) -> float:
    """Return how late the latest of the deadlines was noticed, by the journal's lines of the tasks."""
    time.sleep(seconds)
    sql = (
        "SELECT t.due_at, j.at FROM crm_task t JOIN crm_journal j ON j.record_id = t.id "
        "WHERE t.rung > 0 AND j.entity = 'task' AND j.kind = 'changed'"
    )
    with crm.database.read() as tx:
        rows = tx.connection.exec_driver_sql(sql).fetchall()
    due = int((datetime.now(UTC) - first).total_seconds())  # noqa: TID251
    print(f"deadlines that came due: about {due}, noticed: {len(rows)}")
    return max(((_instant(at) - _instant(due)).total_seconds() for due, at in rows), default=0.0)


def _instant(text: Any) -> datetime:
    return datetime.fromisoformat(text)


def _fill(crm: CRM, deadlines: list[datetime], place: tuple[str, str]) -> None:
    """Store tasks."""
    names = ids.many(len(deadlines))
    several = [_row(id, place, at) for id, at in zip(names, deadlines, strict=True)]
    sql = f"INSERT INTO crm_task ({', '.join(TASK)}) VALUES ({', '.join('?' * len(TASK))})"
    with crm.database.write() as tx:
        tx.connection.exec_driver_sql(sql, several)
        tx.wakes = True


def _row(id: str, place: tuple[str, str], at: datetime) -> tuple[Any, ...]:
    text, now = at.isoformat(timespec="microseconds"), "2026-01-01T00:00:00.000000+00:00"
    return (id, "Call", "call", "open", text, text, *place, now, "user:x", now, 1)


def _set_up(crm: CRM) -> tuple[str, list[str], str, str]:
    owner = crm.init(owner="Olive Owner", email="olive@example.com")
    with crm.work(owner) as work:
        made = records.create(work, [Create(Contact, name=f"Contact {at}") for at in range(200)])
        unit = str(work.rights.home)
        return issue_token(work, owner.id, label="load"), [it.record_id for it in made], owner.id, unit


def _file(folder: Path, rows: int) -> Path:
    path = folder / "imported.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([["name"], *([f"Imported {at}"] for at in range(rows))])
    return path


def _opencrm(url: str, log: Any, *arguments: str) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-c",
        "import sys; from opencrm.cli import main; sys.exit(main())",
        "--db",
        url,
        *arguments,
    ]
    return subprocess.Popen(command, stdout=log, stderr=log, env=dict(os.environ))


def _wait_for(port: int) -> None:
    for _ in range(600):
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the server does not answer")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


if __name__ == "__main__":
    main()
