"""The worker: does what waits, and sleeps until more comes or something is due."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime

from opencrm.app.working.lanes import Lane, Station, calls_out, next_at, work_off
from opencrm.services.workspaces.workspace import Workspace
from opencrm.storage.waiting.alarms import Alarm, Bell

_LONGEST_SLEEP = 60.0


class Worker:
    """Works at its stations in turn; any number of workers may run at once.

    Args:
        workspace: Whose work it does.
        stations: The kinds of work.
        upkeep: What is to be done when there is time; see `Upkeep`.
    """

    def __init__(self, workspace: Workspace, stations: Sequence[Station], upkeep: Callable[[], None]) -> None:
        self._workspace = workspace
        self._stations = tuple(stations)
        self._upkeep = upkeep

    def run_once(self) -> int:
        """Do everything that can be done now; return how much it was."""
        self._upkeep()
        return self._work_off(self._stations)

    def catch_up(self, until: datetime, move: Callable[[datetime], None]) -> None:
        """Do what comes due until an instant, each at its own: for clocks that are moved.

        Args:
            until: The instant.
            move: Moves the clock to an instant that lies ahead.
        """
        timely = [station for station in self._stations if station.timely]
        self._work_off(timely)
        while True:
            at = self._next_at(timely)
            if at is None or not self._workspace.clock.now() < at <= until:
                break
            move(at)
            self._work_off(timely)
        if self._workspace.clock.now() < until:
            move(until)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; what is under way is finished.

        What calls plugins goes its own way: however long that takes, what the clock asks for comes in time.
        """
        bell = Bell()
        lanes = [Lane(self._workspace, stations, bell, upkeep) for stations, upkeep in self._lanes()]
        with ThreadPoolExecutor(len(lanes), "opencrm worker") as threads, Alarm(self._workspace.database) as alarm:
            try:
                under_way = [threads.submit(lane.run, stop) for lane in lanes]
                while not stop.is_set():
                    alarm.wait(_LONGEST_SLEEP, stop)
                    bell.ring()
            finally:
                stop.set()
                bell.ring()
        for each in under_way:
            each.result()

    def _lanes(self) -> Iterator[tuple[Sequence[Station], Callable[[], None]]]:
        """Give the stations that work in turn, and what is done there when there is time."""
        yield [it for it in self._stations if not calls_out(it)], self._upkeep
        yield from (([it], _nothing) for it in self._stations if calls_out(it))

    @contextmanager
    def running(self) -> Iterator[Future[None]]:
        """Work in a thread of its own while the block runs.

        Yields:
            The thread's outcome, which raises what broke it.
        """
        stop = threading.Event()
        with ThreadPoolExecutor(1, "opencrm alarm") as threads:
            try:
                yield threads.submit(self.run, stop)
            finally:
                stop.set()
                self._workspace.database.alarm.ring()

    def _work_off(self, stations: Sequence[Station]) -> int:
        return work_off(stations, threading.Event())

    def _next_at(self, stations: Sequence[Station]) -> datetime | None:
        return next_at(self._workspace, stations)


def _nothing() -> None:
    """Do nothing when there is time."""
