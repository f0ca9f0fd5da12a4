"""Open tasks about records, found by their records."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, select

from opencrm.core.columns import IdColumn, key_column
from opencrm.core.entities import Task
from opencrm.core.entity import Spec
from opencrm.core.process.reactions import FINISHED
from opencrm.core.values import Id
from opencrm.storage.statements import padded

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work


def still_open() -> ColumnElement[bool]:
    """Say in SQL that a task is not finished."""
    return and_(*[Task.__table__.c.state != state for state in FINISHED])


def open_tasks(work: Work, entity: Spec, ids: Sequence[Id], kinds: Collection[str] = ()) -> dict[Id, Id]:
    """Return the open tasks that are about records, each with its record.

    Args:
        work: The work block.
        entity: The records' entity; tasks have a field that refers to it.
        ids: The records.
        kinds: Only tasks of these kinds; of every kind where none is named.
    """
    subject = work.configuration.catalogue.process.subjects[entity.name]
    about, named = padded(sorted(ids)), padded(sorted(kinds)) if kinds else ()
    given = {f"i{at}": id for at, id in enumerate(about)} | {f"k{at}": kind for at, kind in enumerate(named)}
    shape = ("open tasks", subject, len(about), len(named))
    rows = work.tx.query(shape, lambda: _statement(work.entity(Task), subject, len(about), len(named)), given)
    return {row["id"]: row["about"] for row in rows}


def _statement(spec: Spec, subject: str, about: int, kinds: int) -> Select[Any]:
    task, column = spec.table, spec.column(subject)
    where = [column.in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(about)])]
    if kinds:
        where.append(task.c.kind.in_([bindparam(f"k{at}", type_=key_column(64)) for at in range(kinds)]))
    found = select(task.c.id, column.label("about"))
    return found.where(*where, still_open(), task.c.deleted_at.is_(None)).order_by(task.c.id)
