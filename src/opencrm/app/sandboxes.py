"""Sandboxes: a workspace for trying out, whose clock an owner moves to see what would happen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import attrs
from sqlalchemy import bindparam, select

from opencrm.app.working.worker import Worker
from opencrm.core.access.principal import Principal
from opencrm.core.clock import duration
from opencrm.core.columns import InstantColumn
from opencrm.core.entities import Task
from opencrm.errors import ConflictError, InputError
from opencrm.services.notifying.rendering import text_of
from opencrm.services.reading.owning import owners_only
from opencrm.services.reading.reader import Reader
from opencrm.services.workspaces import configuration, sandbox
from opencrm.services.workspaces.workspace import Workspace
from opencrm.services.writing.work import Work
from opencrm.storage import tables

MOST = 200
"""How many happenings of a kind are told."""
LONGEST = timedelta(days=366)
_TOLD = ("at", "user_id", "text", "said", "entity", "record_id")
_CLOCK = "a sandbox and its clock"


@attrs.frozen(kw_only=True)
class Advanced:
    """What happened while a clock was moved.

    Attributes:
        started: What it showed before.
        now: What it shows.
        runs: What rules did, each with `at`, `rule`, `entity`, `record_id` and `state`.
        changes: What was done to records because of stages, tasks and rules, each with `at`, `rule`, `entity`,
            `record_id` and `kind`.
        notifications: Who was told what, each with `at`, `user_id`, `text`, `entity` and `record_id`.
        tasks: The tasks that were given, each with `at`, `id`, `title`, `owner_id` and `due_at`.
        more: Whether more happened of something than is told.
    """

    started: datetime
    now: datetime
    runs: tuple[dict[str, Any], ...]
    changes: tuple[dict[str, Any], ...]
    notifications: tuple[dict[str, Any], ...]
    tasks: tuple[dict[str, Any], ...]
    more: bool


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
                raise ConflictError("this workspace is no sandbox: its clock cannot be moved")
            start = work.now
        self._worker().catch_up(start + length, self._move)
        with self._read(principal) as reader:
            return _told(reader, start)

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


def _told(reader: Reader, start: datetime) -> Advanced:
    runs = _rows(reader, tables.run, ("at", "rule", "entity", "record_id", "state"), start)
    changes = _rows(reader, tables.journal, ("at", "rule", "entity", "record_id", "kind"), start)
    told = _rows(reader, tables.notification, _TOLD, start)
    names = ("created_at", "id", "title", "owner_id", "due_at")
    tasks = [
        {"at": row.pop("created_at"), **row} for row in _rows(reader, Task.__table__, names, start, at="created_at")
    ]
    return Advanced(
        started=start,
        now=reader.now,
        runs=tuple(runs[:MOST]),
        changes=tuple(changes[:MOST]),
        notifications=tuple(_notification(reader, row) for row in told[:MOST]),
        tasks=tuple(tasks[:MOST]),
        more=any(len(each) > MOST for each in (runs, changes, told, tasks)),
    )


def _rows(reader: Reader, table: Any, names: Sequence[str], start: datetime, *, at: str = "at") -> list[dict[str, Any]]:
    where = [table.c.rule.is_not(None)] if table is tables.journal else []

    def build() -> Any:
        columns = [table.c[name] for name in names]
        later = table.c[at] > bindparam("start", type_=InstantColumn())
        return select(*columns).where(later, *where).order_by(table.c[at], table.c.id).limit(MOST + 1)

    return [dict(row) for row in reader.tx.query(("happened", table.name), build, {"start": start})]


def _notification(reader: Reader, row: dict[str, Any]) -> dict[str, Any]:
    """Return what somebody was told, as an owner reads it."""
    return {name: it for name, it in row.items() if name != "said"} | {"text": text_of(reader, row)}
