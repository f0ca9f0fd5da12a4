"""Sandboxes: a workspace for trying out, whose clock an owner moves to see what would happen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from opencrm.app.working.worker import Worker
from opencrm.core.access.principal import Principal
from opencrm.core.clock import duration
from opencrm.errors import ConflictError, InputError
from opencrm.services.process.overseeing.advancing import Advanced, happened_since
from opencrm.services.reading.owning import owners_only
from opencrm.services.reading.reader import Reader
from opencrm.services.workspaces import configuration, sandbox
from opencrm.services.workspaces.workspace import Workspace
from opencrm.services.writing.work import Work

LONGEST = timedelta(days=366)
_CLOCK = "a sandbox and its clock"
_CURE = "`opencrm clock sandbox` makes a copy of it one, for good"


class Sandbox:
    """Moves the clock of a workspace, for every process that has it open.

    Args:
        workspace: The workspace.
        read: Opens a read block.
        work: Opens a work block.
        worker: Makes a worker.
    """

    def __init__(
        self,
        workspace: Workspace,
        read: Callable[[Principal], AbstractContextManager[Reader]],
        work: Callable[[Principal], AbstractContextManager[Work]],
        worker: Callable[[], Worker],
    ) -> None:
        self._workspace = workspace
        self._read = read
        self._work = work
        self._worker = worker

    def make(self, principal: Principal) -> None:
        """Make the workspace a sandbox, for good.

        Raises:
            PermissionDenied: The principal is not an owner.
        """
        with self._work(principal) as work:
            owners_only(work, "clock.sandbox", _CLOCK)
            sandbox.make(work.tx)
            configuration.bump(work.tx, work.new_id())

    def advance(self, principal: Principal, by: str | timedelta) -> Advanced:
        """Move the clock forward, do what comes due on the way, each at its instant, and tell what happened.

        Args:
            principal: An owner.
            by: How far, such as `"3d"`; at most a year.

        Raises:
            PermissionDenied: The principal is not an owner.
            ConflictError: The workspace is no sandbox.
            InputError: `by` is no such duration.
        """
        length = _length(by)
        with self._work(principal) as work:
            owners_only(work, "clock.advance", _CLOCK)
            if not work.configuration.sandbox:
                raise ConflictError(f"this workspace is no sandbox: its clock cannot be moved; {_CURE}")
            start = work.now
        self._worker().catch_up(start + length, self._move)
        with self._read(principal) as reader:
            return happened_since(reader, start)

    def _move(self, at: datetime) -> None:
        with self._workspace.database.write() as tx:
            by = at - self._workspace.now(tx)
            shift = sandbox.move(tx, max(by, timedelta()))
        self._workspace.clock.shift(shift)


def _length(by: str | timedelta) -> timedelta:
    try:
        length = duration(by) if isinstance(by, str) else by
    except ValueError as error:
        raise InputError({"by": [str(error)]}) from None
    if not timedelta() < length <= LONGEST:
        raise InputError({"by": ["must be longer than nothing, and at most 366 days"]})
    return length
