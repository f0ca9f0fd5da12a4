"""What counters answer of boards and reports: where they tell the same as the records, which are then not read.

They do for a reader who sees all or whole units, their own, what they created that has no owner, what is shared with
them and what they have tasks with: the last three are added from the records, as no counter tells of these. For any
other scope or filter the records are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import attrs
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    MetaData,
    Select,
    Table,
    case,
    cast,
    func,
    literal_column,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.sql.expression import Subquery

from opencrm.core.conditions import (
    FALSE,
    TRUE,
    All,
    AnyOf,
    Condition,
    Empty,
    Entities,
    Equal,
    In,
    Not,
    Referring,
    any_of,
    clause,
    shape,
)
from opencrm.core.conditions.sql import parameter_names, values
from opencrm.core.counters import BITS, MONTH, PLACE, Counted, counted
from opencrm.core.entity import Spec
from opencrm.services.reading.planning.arms import named, taken_apart
from opencrm.services.reading.reader import Reader
from opencrm.storage import tables
from opencrm.storage.aggregates import summed_halves
from opencrm.storage.periods import month

TOLD = ("number", "valued", "high", "low")
"""The columns that are added up."""

_NONE: ColumnElement[Any] = literal_column("0")
_ONE: ColumnElement[Any] = literal_column("1")


@attrs.frozen(kw_only=True, eq=False)
class Counters:
    """Counters that answer for what a reader may see.

    Attributes:
        counted: What is counted.
        scope: Which of them the reader sees, over counters.
        beside: Which records the reader may see besides, of which no counter tells.
        over: What is asked, over counters.
        where: The same, over records.
        zone: The time zone in which months begin.
    """

    counted: Counted
    scope: Condition
    beside: Condition
    over: Condition
    where: Condition
    zone: str

    @property
    def shape(self) -> tuple[Any, ...]:
        """What of it makes SQL."""
        parts = (self.scope, self.beside, self.over, self.where)
        return ("counters", self.counted.spec.name, self.zone, *map(shape, parts))

    @property
    def values(self) -> dict[str, Any]:
        """The parameters of `rows`."""
        beside = {} if self.beside == FALSE else named(values(self._records), "r")
        return named(values(self._counters), "c") | beside

    def rows(self, entities: Entities) -> Subquery:
        """Return what there is to add up, in the counters' columns: what was counted, and each record beside."""
        spec, table = self.counted.spec, _table(self.counted.currency)
        columns = [table.c[self._key(name)].label(name) for name in (*PLACE, *TOLD)]
        found = select(*columns).where(
            table.c.entity == literal_column(f"'{spec.name}'"),
            clause(self._counters, spec, entities, parameter_names("c"), table),
        )
        if self.beside == FALSE:
            return found.subquery()
        beside = clause(self._records, self.counted.entity, entities, parameter_names("r"))
        return union_all(found, of_records(self.counted, self.zone).where(beside)).subquery()

    def _key(self, name: str) -> str:
        return _keys(self.counted.currency).get(name, name)

    @property
    def _counters(self) -> Condition:
        return All((self.scope, self.over))

    @property
    def _records(self) -> Condition:
        return All((taken_apart(self.beside).living, Empty("deleted_at"), Not(self.scope), self.where))


def counters_for(reader: Reader, spec: Spec, where: Condition) -> Counters | None:
    """Return the counters that answer for a reader about the records of a bound condition; None where none do."""
    one, zone = counted(spec), reader.configuration.locale.zone
    if one is None or spec.name not in reader.configuration.counted:
        return None
    over, arms = one.over(where, zone), tuple(_arms(reader.scope(spec)))
    inside = tuple(arm for arm in arms if one.over(arm, zone) == arm)
    beside = tuple(arm for arm in arms if arm not in inside)
    if over is None or not any(map(_many, inside)) or not all(map(_few, beside)):
        return None
    return Counters(counted=one, scope=any_of(inside), beside=any_of(beside), over=over, where=where, zone=zone)


def of_records(one: Counted, zone: str) -> Select[Any]:
    """Return what each record of an entity adds to the counters, in their columns."""
    columns = [*(_place(one, name, zone) for name in PLACE), *_told(one)]
    return select(*[column.label(name) for column, name in zip(columns, (*PLACE, *TOLD), strict=True)])


def number_of(rows: Subquery) -> ColumnElement[Any]:
    """Return how many records `Counters.rows` tells of."""
    return func.coalesce(func.sum(rows.c.number), _NONE)


def total_of(rows: Subquery) -> ColumnElement[Any]:
    """Return what the records that `Counters.rows` tells of are worth."""
    return summed_halves(rows.c.valued, rows.c.high, rows.c.low)


def _arms(scope: Condition) -> Iterator[Condition]:
    """Give the parts of which one is enough to see a record."""
    for item in scope.items if isinstance(scope, AnyOf) else (scope,):
        yield from _arms(item) if isinstance(item, AnyOf) else (item,)


def _many(arm: Condition) -> bool:
    """Say whether an arm has the records of units, or all: what is somebody's own is read as quickly itself."""
    return arm == TRUE or (isinstance(arm, Equal | In) and arm.field == "unit_id")


def _few(arm: Condition) -> bool:
    """Say whether an arm has its index, and few records: unowned ones that somebody created, shared ones, of tasks."""
    match arm:
        case All((Empty("owner_id"), Equal("created_by", _))) | Referring() | All((Referring(), *_)):
            return True
    return False


def _place(one: Counted, name: str, zone: str) -> ColumnElement[Any]:
    column = tables.counter.c[name]
    if name == "month" and "closed_at" in one.spec.fields:
        return month(one.entity.column("closed_at"), zone)
    field = one.currency if name == "currency" else name
    return one.entity.column(field) if field in one.fields else cast(literal_column("NULL"), column.type)


def _told(one: Counted) -> tuple[ColumnElement[Any], ...]:
    if one.amount is None:
        return (_ONE, _NONE, _NONE, _NONE)
    amount = type_coerce(one.entity.table.c[one.amount], BigInteger())
    high, low = amount.op(">>")(literal_column(str(BITS))), amount.op("&")(literal_column(str((1 << BITS) - 1)))
    return (_ONE, case((amount.is_(None), _NONE), else_=_ONE), high, low)


def _keys(currency: str | None) -> dict[str, str]:
    """Return the names by which conditions call the counters' columns, where they differ."""
    return {"month": MONTH, **({"currency": currency} if currency else {})}


@lru_cache(maxsize=100)
def _table(currency: str | None) -> Table:
    """Return the table of counters with its columns under the names of an entity's fields.

    However many workspaces a process serves, there are as many of them as names of the field of a currency.
    """
    keys = _keys(currency)
    columns = [Column(it.name, it.type, key=keys.get(it.name, it.name)) for it in tables.counter.columns]
    return Table(tables.counter.name, MetaData(), *columns)
