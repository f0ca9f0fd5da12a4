"""Collecting what belongs to no file: contents whose transaction never came to its end.

A content is set aside first, where it is still found, and removed only when it was aside for a day and belongs to
nothing still. So it does no harm that a file is just being added whose content seemed to belong to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import attrs
from sqlalchemy import bindparam, select

from opencrm.core.clock import SystemClock
from opencrm.core.entities import FileVersion
from opencrm.services.files.contents import Contents
from opencrm.services.workspaces.workspace import Workspace
from opencrm.storage import tables
from opencrm.storage.upserts import upsert

GRACE = timedelta(days=1)
_TASK = "files collected"
_AT_ONCE = 500
_FORM = "%Y%m%dT%H%M%S"


@attrs.frozen
class Collected:
    """What was done to contents that belong to no file.

    Attributes:
        aside: How many were set aside.
        back: How many were brought back.
        removed: How many were removed.
        unfinished: How many that never arrived were removed.
    """

    aside: int = 0
    back: int = 0
    removed: int = 0
    unfinished: int = 0


def due(workspace: Workspace, now: datetime) -> bool:
    """Say whether a day has passed since this was done last, and write down that it is done now."""
    table = tables.upkeep
    with workspace.database.read() as tx:
        rows = tx.query("last collection", lambda: select(table.c.at).where(table.c.task == _named()), {"task": _TASK})
    if rows and rows[0]["at"] <= now < rows[0]["at"] + GRACE:
        return False
    with workspace.database.write() as tx:
        shape = ("mark collection", tx.sqlite)
        tx.run(shape, lambda: upsert(table, ("task", "at"), ("task",), sqlite=tx.sqlite), [{"task": _TASK, "at": now}])
    return True


def collect(workspace: Workspace, *, now: datetime | None = None) -> Collected:
    """Set aside what belongs to no file, bring back what does, and remove what was aside for a day.

    A sandbox leaves everything where it is, unless its files stand beside it: the place may be that of the workspace
    that it is a copy of.

    Args:
        workspace: Whose contents.
        now: The system's time: what places tell is measured by it, whatever the workspace's clock says.
    """
    contents, at = workspace.contents, now or SystemClock().now()
    if contents.shared and _sandbox(workspace):
        return Collected()
    before = (at - GRACE).timestamp()
    back, removed = _judge_aside(workspace, contents, (at - GRACE).strftime(_FORM))
    old = (sha256 for sha256, changed in contents.stored() if changed is None or changed < before)
    aside = 0
    for part in _parts(old):
        for sha256 in sorted(set(part) - _known(workspace, part)):
            contents.set_aside(sha256, at.strftime(_FORM))
            aside += 1
    return Collected(aside, back, removed, contents.clear(before))


def _sandbox(workspace: Workspace) -> bool:
    with workspace.database.read() as tx:
        rows = tx.query("whether a sandbox", lambda: select(tables.workspace.c.sandbox), {})
    return bool(rows and rows[0]["sandbox"])


def _judge_aside(workspace: Workspace, contents: Contents, before: str) -> tuple[int, int]:
    """Bring back and remove; return how many of each."""
    back = removed = 0
    for part in _parts(contents.aside()):
        known = _known(workspace, [sha256 for sha256, _ in part])
        for sha256, since in part:
            if sha256 in known:
                contents.bring_back(sha256, since)
                back += 1
            elif since < before:
                contents.remove(sha256, since)
                removed += 1
    return back, removed


def _known(workspace: Workspace, several: Sequence[str]) -> set[str]:
    """Return those that belong to a version of a file, be it a deleted one: it may be restored."""
    column = FileVersion.spec.table.c.sha256
    given = {f"h{at}": sha256 for at, sha256 in enumerate(several)}

    def build() -> Any:
        return select(column).where(column.in_([bindparam(name, type_=column.type) for name in given]))

    with workspace.database.read() as tx:
        return {row[0] for row in tx.select(("known contents", len(several)), build, given)}


def _parts(several: Iterable[Any]) -> Iterator[list[Any]]:
    found = iter(several)
    while part := list(islice(found, _AT_ONCE)):
        yield part


def _named() -> Any:
    return bindparam("task", type_=tables.upkeep.c.task.type)
