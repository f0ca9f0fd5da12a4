"""Many open inboxes against one serving process: does looking every second slow the requests of others?

    python benchmarks/inboxes.py [--pollers 200] [--seconds 15]

A server process of `opencrm run` on SQLite; pollers ask for `/v1/inbox` once a second with `If-None-Match`, each over a
connection that stays open; beside them one client reads a deal again and again. Prints how long its requests take with
nobody looking, and with everybody looking.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from opencrm import CRM, Create, Deal, User, records
from opencrm.embed import issue_token
from opencrm.services.process.notifying import Told, tell

_PORT = 8799


def prepare(path: Path, pollers: int) -> tuple[str, list[str], str]:
    """Make a workspace with people who were told something; return the owner's key, theirs, and a deal."""
    crm = CRM(f"sqlite:///{path}")
    owner = crm.init(owner="Ann", email="ann@example.com")
    with crm.work(owner) as work:
        [deal] = records.create(work, [Create(Deal, title="Windows")])
        wanted = [Create(User, name=f"p{at}", email=f"p{at}@example.com") for at in range(pollers)]
        people = records.create(work, wanted)
        told = [Told(one.record_id, "Look at {title}", "deal", deal.record_id) for one in people for _ in range(20)]
        tell(work, told)
        keys = [issue_token(work, one.record_id, label="b") for one in people]
        key = issue_token(work, owner.id, label="b")
    crm.close()
    return key, keys, deal.record_id


class Client:
    """One connection that stays open."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str, tag: str | None = None) -> tuple[int, str | None]:
        """Ask; return the status and the tag."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", _PORT)
        reader, writer = self._streams
        match = f"If-None-Match: {tag}\r\n" if tag else ""
        writer.write(f"GET /api{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._key}\r\n{match}\r\n".encode())
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in head.split("\r\n")[1:])}
        await reader.readexactly(int(fields.get("content-length", "0")))
        if fields.get("connection") == "close":
            writer.close()
            self._streams = None
        return int(head.split()[1]), fields.get("etag")


async def poll(key: str, delay: float, seen: list[tuple[int, float]], until: float) -> None:
    """Look every second."""
    await asyncio.sleep(delay)
    client, tag = Client(key), None
    while time.monotonic() < until:
        begun = time.monotonic()
        status, tag = await client.get("/v1/inbox", tag)
        seen.append((status, time.monotonic() - begun))
        await asyncio.sleep(max(0.0, 1 - (time.monotonic() - begun)))


async def ask(key: str, deal: str, until: float) -> list[float]:
    """Read a deal ten times a second, as a person's page does."""
    client, found = Client(key), []
    while time.monotonic() < until:
        begun = time.monotonic()
        status, _ = await client.get(f"/v1/deals/{deal}")
        assert status == 200, status
        found.append(time.monotonic() - begun)
        await asyncio.sleep(0.1)
    return found


def told(name: str, seconds: list[float]) -> None:
    """Print how long requests took."""
    ordered = sorted(seconds)
    p95 = ordered[int(len(ordered) * 0.95)]
    print(f"{name}: n={len(seconds)} median={statistics.median(seconds) * 1000:.1f} ms p95={p95 * 1000:.1f} ms")


async def measure(key: str, keys: list[str], deal: str, seconds: float) -> None:
    """Measure without and with those who look."""
    told("a deal, nobody looks", await ask(key, deal, time.monotonic() + seconds))
    seen: list[tuple[int, float]] = []
    until = time.monotonic() + seconds + 2
    looking = [asyncio.create_task(poll(one, at / len(keys), seen, until)) for at, one in enumerate(keys)]
    await asyncio.sleep(2)
    told(f"a deal, {len(keys)} look", await ask(key, deal, time.monotonic() + seconds))
    await asyncio.gather(*looking)
    told("a look (304)", [took for status, took in seen if status == 304])
    print(f"looks a second: {len(seen) / (seconds + 2):.0f}; statuses: { {s for s, _ in seen} }")


def _wait() -> None:
    """Wait until somebody listens."""
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", _PORT), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server does not come up")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pollers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=15)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "crm.db"
        key, keys, deal = prepare(file, given.pollers)
        command = [sys.executable, "-m", "opencrm.cli", "--db", str(file), "run", "--port", str(_PORT)]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait()
            asyncio.run(measure(key, keys, deal, given.seconds))
            cpu = Path(f"/proc/{server.pid}/stat").read_text().split()
            print(f"the server used {(int(cpu[13]) + int(cpu[14])) / 100:.1f} s of processor in all")
        finally:
            server.terminate()
            server.wait(20)


if __name__ == "__main__":
    main()
