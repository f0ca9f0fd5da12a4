"""Tombstones of merged records: where each went, for readers who may see it there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select, update

from opencrm.core.change import JournalEntry, Kind
from opencrm.core.entity import Spec
from opencrm.core.values import Id, is_id
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction

if TYPE_CHECKING:
    from datetime import datetime

    from opencrm.services.reading.reader import Reader
    from opencrm.services.reading.selecting import Of

_TABLE = tables.merged
_LONGEST = 100


def lay(tx: Transaction, spec: Spec, ids: Sequence[Id], kept: Id, at: datetime) -> None:
    """Remember that records, deleted at this instant, went into another one."""
    rows = [{"entity": spec.name, "record_id": id, "into_id": kept, "deleted_at": at} for id in ids]
    tx.run("no tombstone", lambda: delete(_TABLE).where(*_same()), rows)
    tx.insert(_TABLE, rows)


def lay_again(tx: Transaction, undone: Iterable[JournalEntry], at: datetime) -> None:
    """Let tombstones hold once more whose restored records are deleted again: an undo of a merge is undone.

    A tombstone holds for the very deletion that it was laid for, and for no other.
    """
    rows = [
        {"entity": line.entity, "record_id": line.record_id, "old": line.before["deleted_at"], "new": at}
        for line in undone
        if line.kind is Kind.RESTORED and line.before
    ]

    def build() -> Any:
        then = _TABLE.c.deleted_at == bindparam("old", type_=_TABLE.c.deleted_at.type)
        return update(_TABLE).where(*_same(), then).values(deleted_at=bindparam("new", type_=_TABLE.c.deleted_at.type))

    if rows:
        tx.run("tombstone again", build, rows)


def successor(reader: Reader, entity: Of, id: Id) -> Id | None:
    """Return the living record that a merged one went into, through whatever merges; None where it went nowhere.

    Nothing is said of a record that the reader may not see, be it the merged one as it was or where it went.
    """
    spec = reader.entity(entity)
    found = id
    for _ in range(_LONGEST):
        into = _into(reader, spec, found)
        if into is None:
            break
        found = into
    known = found != id and reader.states(spec, [id], deleted=True) and reader.states(spec, [found])
    return found if known else None


def _into(reader: Reader, spec: Spec, id: Id) -> Id | None:
    table = spec.table

    def build() -> Any:
        dead = (table.c.id == _TABLE.c.record_id) & (table.c.deleted_at == _TABLE.c.deleted_at)
        return select(_TABLE.c.into_id).select_from(_TABLE.join(table, dead)).where(*_same())

    given = {"entity": spec.name, "record_id": id}
    rows = reader.tx.query(("tombstone", spec.name), build, given) if is_id(id) else []
    return rows[0]["into_id"] if rows else None


def _same() -> tuple[Any, Any]:
    entity, record = _TABLE.c.entity, _TABLE.c.record_id
    return entity == bindparam("entity", type_=entity.type), record == bindparam("record_id", type_=record.type)
