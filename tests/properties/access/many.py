"""Many generated companies in parallel, on SQLite, each known by a seed and its number."""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import attrs
from tests.properties.access.companies import Holding
from tests.properties.access.grounds import Ground
from tests.properties.access.runs import Tally, play
from tests.properties.access.shrinking import LONGEST, story

from opencrm.embed import monotonic
from opencrm.testing.workspaces import SQLiteWorkspaces

BATCH = 25
"""After so many companies a process takes another workspace."""

PAUSE = 10.0
"""Seconds between two lines that tell how far it is."""


@attrs.frozen
class Wanted:
    """Which companies are to run."""

    seed: str
    first: int
    companies: int
    operations: int

    def batches(self) -> Iterator[range]:
        """Give the companies' numbers, some at a time."""
        end = self.first + self.companies
        return (range(start, min(start + BATCH, end)) for start in range(self.first, end, BATCH))


class Progress:
    """Counts what the processes tell, and tells it on."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._start = self._told = monotonic()
        self.tally = Tally()
        self.failed = 0

    def take(self, news: Any) -> None:
        """Take one thing that a process tells: counts, or a text about a company that failed."""
        if isinstance(news, Tally):
            self.tally.add(news)
        else:
            number, text = news
            self.failed += number
            _say(text)

    def tell(self) -> None:
        """Print a line, if the last one is a while ago."""
        if monotonic() - self._told >= PAUSE:
            self._told = monotonic()
            _say(f"{self._done} of {self._wanted.companies:,}, {self.failed} failed, {self._seconds} s")

    def sum_up(self) -> None:
        """Print how much was done."""
        missing = self._wanted.companies - self._done
        lost = f", {missing} companies did not run" if missing else ""
        _say(f"{self.tally}\n{self.failed} disagreements{lost}, {self._seconds} s")

    @property
    def whole(self) -> bool:
        """Whether every company ran to its end."""
        return not self.failed and self._done == self._wanted.companies

    @property
    def _done(self) -> int:
        return self.tally.companies + self.failed

    @property
    def _seconds(self) -> int:
        return round(monotonic() - self._start)


def run(wanted: Wanted, processes: int) -> bool:
    """Run companies; return whether all of them did as the oracle says."""
    progress, context = Progress(wanted), multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        batches: Any = context.SimpleQueue()
        for batch in [*wanted.batches(), *[None] * processes]:
            batches.put(batch)
        ends = [_started(context, wanted, batches, Path(folder) / str(at)) for at in range(processes)]
        _listen(ends, progress)
    progress.sum_up()
    return progress.whole


def _started(context: Any, wanted: Wanted, batches: Any, folder: Path) -> Connection:
    here, there = context.Pipe(duplex=False)
    folder.mkdir()
    context.Process(target=_work, args=(wanted, batches, folder, there), daemon=True).start()
    there.close()
    return here


def _listen(ends: list[Connection], progress: Progress) -> None:
    while ends:
        for end in wait(ends, timeout=1):
            try:
                progress.take(end.recv())
            except EOFError:
                ends.remove(end)
        progress.tell()


def _work(wanted: Wanted, batches: Any, folder: Path, news: Connection) -> None:
    """Run one batch after another, as long as there are any."""
    workspaces = SQLiteWorkspaces(folder / "template.db")
    while (batch := batches.get()) is not None:
        with workspaces.open(folder, [Holding()]) as crm:
            ground = Ground(crm)
            for number in batch:
                _company(wanted, ground, number, news)
            ground.close()


def _company(wanted: Wanted, ground: Ground, number: int, news: Connection) -> None:
    tally, name = Tally(), f"{wanted.seed} {number}"
    try:
        with ground.open() as crm:
            failure = play(crm, tally, name, wanted.operations)
        news.send(tally)
        if failure is not None:
            text = f"company {name!r} failed at its operation {len(failure.script)}: {failure.text}"
            news.send((1, f"{text}\nlooking for a shorter script, for {LONGEST:.0f} s at most ..."))
            news.send((0, f"company {name!r}, shortened:\n{story(ground.open, failure)}"))
    except Exception:  # noqa: BLE001  # what a company meets must not end the others
        news.send((1, f"company {name!r} broke off:\n{traceback.format_exc()}"))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
