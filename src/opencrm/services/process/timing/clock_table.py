"""The table of clocks: promises about time, one row for each time that a clock started."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs
from sqlalchemy import Select, bindparam, select, update

from opencrm.core.change import Values
from opencrm.core.columns import IdColumn, key_column
from opencrm.core.process.timing.sla_clocks import Clock
from opencrm.core.values import Id
from opencrm.storage import tables
from opencrm.storage.statements import padded
from opencrm.storage.transactions import Transaction

_CLOCK = tables.sla_clock
_NAMES = tuple(field.name for field in attrs.fields(Clock))


def enter(tx: Transaction, clocks: Sequence[Clock]) -> None:
    """Write clocks down that have just started."""
    tx.insert(_CLOCK, [attrs.asdict(clock) for clock in clocks])


def save(tx: Transaction, clocks: Sequence[Clock]) -> None:
    """Write down what became of clocks."""
    if not clocks:
        return
    names = [name for name in _NAMES if name != "id"]

    def build() -> Any:
        given = {name: bindparam(f"new_{name}", type_=_CLOCK.c[name].type) for name in names}
        return update(_CLOCK).where(_CLOCK.c.id == bindparam("one", type_=IdColumn())).values(given)

    rows = [{"one": it.id} | {f"new_{name}": getattr(it, name) for name in names} for it in clocks]
    tx.run("save clocks", build, rows)


def going(tx: Transaction, entity: str, records: Iterable[Id]) -> list[Clock]:
    """Return the clocks of records that have not ended; their records are locked."""
    ids = sorted(set(records))
    if not ids:
        return []
    wanted = padded(ids)

    def build() -> Select[Any]:
        about = _CLOCK.c.record_id.in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(len(wanted))])
        return select(_CLOCK).where(_of(entity), about, _CLOCK.c.ended_at.is_(None)).order_by(_CLOCK.c.id)

    given = {f"i{at}": id for at, id in enumerate(wanted)} | {"entity": entity}
    return [_read(row) for row in tx.query(("clocks going", len(wanted)), build, given)]


def of_id(tx: Transaction, id: Id) -> Clock | None:
    """Return a clock by its id."""

    def build() -> Select[Any]:
        return select(_CLOCK).where(_CLOCK.c.id == bindparam("one", type_=IdColumn()))

    rows = tx.query("clock", build, {"one": id})
    return _read(rows[0]) if rows else None


def of_record(tx: Transaction, entity: str, record: Id) -> list[Clock]:
    """Return all clocks of a record, the oldest first."""

    def build() -> Select[Any]:
        mine = _CLOCK.c.record_id == bindparam("record", type_=IdColumn())
        return select(_CLOCK).where(_of(entity), mine).order_by(_CLOCK.c.id)

    return [_read(row) for row in tx.query("clocks of record", build, {"entity": entity, "record": record})]


def _of(entity: str) -> Any:
    return _CLOCK.c.entity == bindparam("entity", type_=key_column(100), value=entity)


def _read(row: Values) -> Clock:
    return Clock(**{name: row[name] for name in _NAMES})
