"""Waking tasks: somebody is told of what is due."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from opencrm.services import queue
from opencrm.services.process import failing
from opencrm.services.process.tasking import waking
from opencrm.services.workspaces.workspace import Workspace
from opencrm.services.writing.work import Work
from opencrm.storage.transactions import Transaction

_LOG = logging.getLogger("opencrm.worker")


class Waking:
    """The station that does the steps of tasks' ladders when their instants come.

    Args:
        workspace: Whose tasks.
        opening: Opens a work block of the system.
    """

    timely = True

    def __init__(self, workspace: Workspace, opening: Callable[[], AbstractContextManager[Work]]) -> None:
        self._workspace = workspace
        self._opening = opening

    def work(self) -> int:
        """Wake some of the tasks that are due; return how many."""
        with self._workspace.database.read() as tx:
            at, now = self.next_at(tx), self._workspace.now(tx)
        if at is None or at > now:
            return 0
        with self._opening() as work:
            due = waking.due(work)
            if due:
                failing.each(work, due, lambda some: waking.wake(work, some), lambda id, why: _put_off(work, id, why))
        return len(due)

    def next_at(self, tx: Transaction) -> datetime | None:
        """Return when the next task is to be woken."""
        return waking.next_at(tx)


def _put_off(work: Work, id: str, error: Exception) -> None:
    _LOG.warning("task %s is tried again later: %s", id, queue.storable(failing.told(error)))
    failing.put_off(work, id, error)
