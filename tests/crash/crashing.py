"""Twenty thousand changes flow while processes are killed: `python -m tests.crash --changes 20000`."""

from __future__ import annotations

import csv
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from functools import partial
from pathlib import Path
from random import Random

import attrs
from tests.crash.checking import Found, busy, check
from tests.crash.processes import PLUGINS, Postgres, Process, until
from tests.crash.timing import DAILY
from tests.crash.writing import PIPELINE, Writers

from opencrm import CRM, Contact, Create, Deal, records
from opencrm.embed import SystemClock, issue_token

CONTACTS = 50
_PATIENCE = 30.0
"""So many seconds at most a busy machine has to start whatever was killed, before the next is."""
_BEFORE_NOON = timedelta(seconds=15)


@attrs.frozen(kw_only=True)
class Wish:
    """How much of it.

    Attributes:
        changes: How many acknowledged writes.
        imported: How many rows of the file that is brought in.
        pause: The mean of the seconds between two kills.
        patience: How many seconds the workers get to finish afterwards.
        seed: Of chance.
    """

    changes: int
    imported: int
    pause: float = 2.0
    patience: float = 600.0
    seed: int = 1


def crash(folder: Path, kind: str, wish: Wish) -> Found:
    """Let changes flow and processes die; return what was found afterwards."""
    with _database(folder, kind) as (url, server):
        clock = _from_midnight()
        crm = CRM(url, plugin_dir=PLUGINS, clock=clock)
        token, contacts = _set_up(crm)
        writers = Writers(_free_port(), token, contacts, wish.changes, folder / "acknowledged.log", clock)
        file, shift = _file(folder, wish.imported), _almost_noon(clock)
        processes = _processes(folder, url, writers.port, file, workers=2 if server else 1, shift=shift)
        begun = time.monotonic()
        try:
            _flow(processes, writers, server, wish)
            crm.database.engine.dispose()  # PostgreSQL may have crashed since.
            flowed = time.monotonic() - begun
            finished = until(lambda: not _still_busy(crm, processes), wish.patience, 0.5)
            settled = clock.now()
        finally:
            codes = [(it.name, it.stop()) for it in processes]
        names = [f"Imported {at}" for at in range(wish.imported)]
        found = check(crm, writers.acknowledged, writers.made, names, settled)
        crm.close()
    found.figures |= {f"kills of {it.name}": it.kills for it in processes}
    found.figures |= {
        "restarts of PostgreSQL": server.restarts if server else 0,
        "answers that never came": writers.unsure,
    }
    found.figures |= {"seconds of writing": int(flowed), "seconds until all was done": int(time.monotonic() - begun)}
    found.wrong += [f"{writers.refused} writes were refused"] if writers.refused else []
    found.wrong += [] if finished else ["the workers did not finish"]
    found.wrong += [f"{name} ended with {code}" for name, code in codes if code not in (0, -15)]
    return found


def _flow(processes: list[Process], writers: Writers, server: Postgres | None, wish: Wish) -> None:
    random = Random(wish.seed)
    for process in processes:
        process.start()
    until(lambda: _answers(writers.port), 60)
    writers.start()
    while not writers.done:
        before = writers.answered
        until(lambda: writers.done, random.uniform(0.3, 2 * wish.pause))
        until(partial(writers.went_on, before), _PATIENCE)
        if server is not None and random.random() < 0.15:
            server.crash()
        else:
            importing = [it for it in processes if it.ends and it.runs and not it.kills]
            random.choice(importing or processes).kill()
        for process in processes:
            process.again()


def _still_busy(crm: CRM, processes: list[Process]) -> bool:
    """Say whether there is something to do; whoever ended before it was done is started again."""
    for process in processes:
        process.again()
    importing = any(it.ends and it.runs for it in processes)
    return bool(importing or busy(crm))


def _processes(folder: Path, url: str, port: int, file: Path, *, workers: int, shift: timedelta) -> list[Process]:
    log = folder / "processes.log"
    web = Process("web", url, ["serve", "--port", str(port)], log, shift)
    several = [Process(f"worker {at + 1}", url, ["worker"], log, shift) for at in range(workers)]
    return [web, *several, Process("import", url, ["import", "contact", str(file)], log, shift, ends=True)]


def _from_midnight() -> SystemClock:
    """Return a clock that shows the beginning of a day, when all of its times are still to come."""
    clock = SystemClock()
    now = clock.now()
    clock.advance(datetime.combine(now.date(), time_of_day(), UTC) + timedelta(days=1) - now)
    return clock


def _almost_noon(clock: SystemClock) -> timedelta:
    """Have a clock show noon soon, when rules come that go by the time of the day; return how far it is ahead."""
    now = clock.now()
    clock.advance(datetime.combine(now.date(), time_of_day(12), UTC) - _BEFORE_NOON - now)
    return clock.now() - SystemClock().now()


def _set_up(crm: CRM) -> tuple[str, list[str]]:
    owner = crm.init(owner="Olive Owner", email="olive@example.com")
    with crm.work(owner) as work:
        records.create(work, [Create(Deal, title=DAILY, pipeline=PIPELINE)])
        made = records.create(work, [Create(Contact, name=f"Contact {at}") for at in range(CONTACTS)])
        token = issue_token(work, owner.id, label="crash")
    crm.worker().run_once()  # It sets the timers of the times of the day.
    return token, [line.record_id for line in made]


def _file(folder: Path, rows: int) -> Path:
    path = folder / "imported.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([["name"], *([f"Imported {at}"] for at in range(rows))])
    return path


@contextmanager
def _database(folder: Path, kind: str) -> Iterator[tuple[str, Postgres | None]]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'crash.db'}", None
        return
    server = Postgres(folder)
    try:
        yield server.url, server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0
