"""Lanes of a worker: stations that work in turn, in a thread that nothing stops but being told to."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from typing import Protocol, runtime_checkable

from opencrm.errors import ConfigurationError, ConflictError, Unavailable
from opencrm.services.workspaces.workspace import Workspace
from opencrm.storage.transactions import Transaction
from opencrm.storage.waiting.alarms import Bell

_LOG = logging.getLogger("opencrm.worker")
_LONGEST_SLEEP, _VAIN = 60.0, 0.2
"""Seconds; the latter where something is due that could not be done, as while somebody else has it locked."""
_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_LONGEST_AWAY = 4.0
"""How many seconds pass at most before a database that is away is looked for again."""


class Station(Protocol):
    """One kind of work that waits."""

    timely: bool
    """Whether it is there because of the clock alone."""

    def work(self) -> int:
        """Do a part of what can be done now; return how much it was, 0 where there was nothing."""

    def next_at(self, tx: Transaction) -> datetime | None:
        """Return when there is something to do, in the past where there is now; None where nothing waits."""


@runtime_checkable
class CallsOut(Protocol):
    """A station that calls plugins, which may take long: it works in a lane of its own, and can be told to hurry."""

    calls_out: bool

    def heed(self, stop: threading.Event) -> None:
        """Begin nothing more once this is set."""


@runtime_checkable
class Branching(Protocol):
    """A station that does a part of its work in threads of its own, while it is in a lane."""

    def branching(self, ring: Callable[[], None]) -> AbstractContextManager[None]:
        """Do so while the block runs; what is under way is finished at its end.

        Args:
            ring: To be called when one of the threads has time again.
        """


def calls_out(station: Station) -> bool:
    """Say whether a station calls plugins."""
    return isinstance(station, CallsOut)


def work_off(stations: Sequence[Station], stop: threading.Event) -> int:
    """Go round stations until there is nothing to do; return how much was done."""
    done, more = 0, 1
    while more and not stop.is_set():
        more = sum(station.work() for station in stations)
        done += more
    return done


def next_at(workspace: Workspace, stations: Sequence[Station]) -> datetime | None:
    """Return when the first of some stations has something to do."""
    with workspace.database.read() as tx:
        workspace.now(tx)  # A sandbox's clock may have been moved by another process.
        found = [at for station in stations if (at := station.next_at(tx)) is not None]
    return min(found, default=None)


class Lane:
    """Stations that work in turn, in one thread.

    Args:
        workspace: Whose work it is.
        stations: The stations.
        bell: Rings when something was committed.
        upkeep: What is to be done when there is time.
    """

    def __init__(
        self, workspace: Workspace, stations: Sequence[Station], bell: Bell, upkeep: Callable[[], None]
    ) -> None:
        self._workspace = workspace
        self._stations = stations
        self._bell = bell
        self._upkeep = upkeep
        self._troubles = self._away = 0

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; whatever goes wrong is logged, and tried again after a pause.

        Raises:
            ConfigurationError: The installation cannot work so, as where a table is missing; `stop` is set then.
        """
        with ExitStack() as branches:
            for station in self._stations:
                if isinstance(station, CallsOut):
                    station.heed(stop)
                if isinstance(station, Branching):
                    branches.enter_context(station.branching(self._bell.ring))
            while not stop.is_set():
                self._safely(stop)

    def _safely(self, stop: threading.Event) -> None:
        try:
            self._once(stop)
            self._troubles = self._away = 0
        except (ConflictError, Unavailable) as error:  # Somebody held the database too long, or it is away.
            self._away += 1
            _LOG.warning("the queue waits: %s", error)
            stop.wait(min(_PAUSE * 2 ** min(self._away - 1, 10), _LONGEST_AWAY))
        except ConfigurationError:  # Nobody is to believe that the queue is worked while it cannot be.
            stop.set()
            self._workspace.database.alarm.ring()
            raise
        except Exception:  # noqa: BLE001  # a worker goes on, whatever it is
            self._troubles += 1
            _LOG.exception("the worker goes on after an error that it did not expect")
            stop.wait(min(_PAUSE * 2 ** min(self._troubles, 10), _LONGEST_PAUSE))

    def _once(self, stop: threading.Event) -> None:
        """Work off what there is, or sleep until there is more."""
        heard = self._bell.rung
        if not work_off(self._stations, stop) and not stop.is_set():
            self._upkeep()
            self._bell.wait(self._pause(), heard)

    def _pause(self) -> float:
        """Return for how many seconds there is nothing to do, as far as is known; call it after doing nothing."""
        at = next_at(self._workspace, self._stations)
        if at is None:
            return _LONGEST_SLEEP
        left = (at - self._workspace.clock.now()).total_seconds()
        return min(left, _LONGEST_SLEEP) if left > 0 else _VAIN
