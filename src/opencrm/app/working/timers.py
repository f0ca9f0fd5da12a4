"""Timers: rules and promises whose time comes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from opencrm.services import queue
from opencrm.services.process import failing
from opencrm.services.process.timing import arming, firing, table
from opencrm.services.process.timing.table import Timer
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.workspaces.workspace import Workspace
from opencrm.services.writing.work import Work
from opencrm.storage.transactions import Transaction

_LOG = logging.getLogger("opencrm.worker")


class Timers:
    """The station that fires timers, and sets those of rules that are new.

    A timer ends in the transaction of what it does: a process that dies in between leaves both undone.

    Args:
        workspace: Whose timers.
        configuration: Gives the configuration in force.
        opening: Opens a work block of the system.
    """

    timely = True

    def __init__(
        self,
        workspace: Workspace,
        configuration: Callable[[], Configuration],
        opening: Callable[[], AbstractContextManager[Work]],
    ) -> None:
        self._workspace = workspace
        self._configuration = configuration
        self._opening = opening
        self._armed: str | None = None

    def work(self) -> int:
        """Fire some of the timers that are due; return how many."""
        self._arm()
        with self._workspace.database.read() as tx:
            at = table.next_at(tx)
        if at is None or at > self._workspace.clock.now():
            return 0
        with self._opening() as work:
            due = table.due(work.tx, work.now)
            self._fire(work, due)
        return len(due)

    def next_at(self, tx: Transaction) -> datetime | None:
        """Return when the next timer is due."""
        return table.next_at(tx)

    def _arm(self) -> None:
        configuration = self._configuration()
        if configuration.version != self._armed and arming.arm(self._workspace, configuration, self._opening):
            self._armed = configuration.version

    def _fire(self, work: Work, due: Sequence[Timer]) -> None:
        def fire(some: Sequence[Timer]) -> None:
            for timer in some:
                firing.fire(work, timer)

        failing.each(work, due, fire, lambda timer, error: _failed(work, timer, error))


def _failed(work: Work, timer: Timer, error: Exception) -> None:
    """Write down why a timer failed, and try it again later: it must not keep the others waiting."""
    _LOG.warning("timer %s: %s", timer.key, queue.storable(failing.told(error)))
    firing.failed(work, timer, error)
