"""What happened since a clock was moved: what rules did, to which records, who was told, and what was given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import bindparam, select

from opencrm.core.columns import InstantColumn
from opencrm.core.entities import Task
from opencrm.services.notifying.rendering import text_of
from opencrm.services.reading.reader import Reader
from opencrm.storage import tables

MOST = 200
"""How many happenings of a kind are told."""
_TOLD = ("at", "user_id", "text", "said", "entity", "record_id")


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


def happened_since(reader: Reader, start: datetime) -> Advanced:
    """Return what happened after an instant, of each kind the first.

    Args:
        reader: An owner's.
        start: The instant.
    """
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
