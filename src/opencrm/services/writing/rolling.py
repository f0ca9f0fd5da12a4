"""Roll-ups, as a step of the write path: kept in the transaction of the changes that touch them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    String,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.sql.expression import FromClause

from opencrm.core.change import Change
from opencrm.core.columns import SCALE, IdColumn
from opencrm.core.conditions import Entities, clause
from opencrm.core.entity import Spec
from opencrm.core.fields import Amount, Whole
from opencrm.core.held import built, days, packed, patched
from opencrm.core.rollups import Kept
from opencrm.core.values import Id
from opencrm.services.workspaces.configuration import Configuration
from opencrm.storage.statements import padded
from opencrm.storage.transactions import Transaction

_CHUNK = 500
_MOST_PLACES = 40
"""How many values one call makes JSON of: databases bound the number of a function's arguments."""
_HALF: ColumnElement[Any] = literal_column(str(10**9))
_TWO: ColumnElement[Any] = literal_column("2")
_NONE: ColumnElement[Any] = literal_column("0")
_LARGEST = 8 * 10**9
_LARGEST_WHOLE = 8 * 10**14
_UNIT: ColumnElement[Any] = literal_column(str(10**SCALE))


def keep(tx: Transaction, configuration: Configuration, changes: Iterable[Change]) -> dict[str, set[Id]]:
    """Compute the roll-ups anew that changes touched, after these were stored; return whose, by their entities."""
    several = [change for change in changes if change.entity in configuration.rollups]
    touched: dict[str, set[Id]] = {}
    for name in dict.fromkeys(change.entity for change in several):
        own = [change for change in several if change.entity == name]
        for spec, mine in _by_spec(configuration.rollups[name]):
            ids = {id for change in own for each in mine for id in each.touched(change)}
            compute(tx, configuration.catalogue.entities, spec, mine, sorted(ids))
            touched.setdefault(spec.name, set()).update(ids)
    return touched


def compute(tx: Transaction, entities: Entities, spec: Spec, several: Sequence[Kept], ids: Sequence[Id]) -> None:
    """Compute roll-ups of these records of an entity from what stands now.

    The records are locked first: of two writers at once, the second counts what the first one wrote.
    """
    for start in range(0, len(ids), _CHUNK):
        part = padded(ids[start : start + _CHUNK])
        given = {f"i{at}": id for at, id in enumerate(part)}
        shape = (spec.name, tuple(each.field.slot for each in several), len(part))
        if not tx.sqlite:
            tx.query(("lock", spec.name, len(part)), lambda part=part: _locked(spec, len(part)), given)  # type: ignore[misc]
        tx.run(("roll up", *shape), lambda part=part: _update(entities, spec, several, len(part)), [given])  # type: ignore[misc]


def _by_spec(several: Iterable[tuple[Spec, Kept]]) -> Iterator[tuple[Spec, list[Kept]]]:
    """Gather the roll-ups of each entity."""
    found: dict[str, tuple[Spec, list[Kept]]] = {}
    for spec, each in several:
        found.setdefault(spec.name, (spec, []))[1].append(each)
    return iter(found.values())


def _locked(spec: Spec, size: int) -> Any:
    table = spec.table
    return select(table.c.id).where(_among(table, size)).order_by(table.c.id).with_for_update()


def _update(entities: Entities, spec: Spec, several: Sequence[Kept], size: int) -> Any:
    table = spec.table
    slots = {each.field.slot or "": _measured(each, table, entities) for each in several}
    places = [*(slots | _currencies(spec, several)).items()]
    custom: ColumnElement[Any] = table.c.custom
    for start in range(0, len(places), _MOST_PLACES):
        custom = patched(custom, built(dict(places[start : start + _MOST_PLACES])))
    return update(table).where(_among(table, size)).values(custom=custom)


def _currencies(spec: Spec, several: Sequence[Kept]) -> dict[str, ColumnElement[Any]]:
    """Return the currency beside each amount: the workspace's, in which it was added."""
    places = {}
    for each in several:
        kind = each.field.type
        if isinstance(kind, Amount):
            places[spec.held[kind.currency].slot] = each.currency
    return {slot: cast(literal(code), String) for slot, code in places.items()}


def _among(table: FromClause, size: int) -> ColumnElement[bool]:
    return table.c.id.in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(size)])


def _measured(one: Kept, table: FromClause, entities: Entities) -> ColumnElement[Any]:
    """Return what a roll-up computes, as it stands in its slot."""
    there = one.over.table.alias()
    own = cast(table.c.id, String) if one.rollup.by in one.over.held else table.c.id  # JSON holds ids as text.
    mine = (
        one.over.column(one.rollup.by, there) == own,
        there.c.deleted_at.is_(None),
        clause(one.where, one.over, entities, table=there),
    )
    return select(_measure(one, there)).where(*mine).correlate(table).scalar_subquery()


def _measure(one: Kept, there: FromClause) -> ColumnElement[Any]:
    if one.rollup.measure == "count":
        number = func.count()
        return number if isinstance(one.field.type, Whole) else number * _UNIT
    column = one.over.column(one.rollup.of or "", there)
    match one.rollup.measure:
        case "sum":
            return _as_held(one, _sum(column))
        case "average":
            return _average(_as_held(one, _sum(column)), func.count(column))
        case "interval":
            return _average(_span(column), func.coalesce(func.count(column) - 1, _NONE))
    best = (func.min if one.rollup.measure == "least" else func.max)(column)
    return packed(_as_held(one, best), column.type)


def _as_held(one: Kept, value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a measured value as its roll-up holds it; nothing where a whole number is too large for a number."""
    if isinstance(one.field.type, Whole) or not isinstance(one.over.fields[one.rollup.of or ""].type, Whole):
        return value
    fits = value.between(literal_column(f"-{_LARGEST_WHOLE}"), literal_column(f"{_LARGEST_WHOLE}"))
    return case((fits, cast(value, BigInteger).op("*")(_UNIT)))


def _sum(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the exact sum; nothing where it is too large for a number. The halves of the digits are added apart."""
    high, low = (func.sum(column.op(half)(_HALF)) for half in ("/", "%"))
    fits = high.between(literal_column(f"-{_LARGEST}"), literal_column(f"{_LARGEST}"))
    return case((fits, cast(high, BigInteger).op("*")(_HALF).op("+")(cast(low, BigInteger))))


def _span(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return how many days lie between the first and the last, as a number is held."""
    return (days(func.max(column)) - days(func.min(column))) * _UNIT


def _average(total: ColumnElement[Any], number: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the exact average, rounded half away from nothing."""
    half = number.op("/")(_TWO)
    rounded = case((total < _NONE, total.op("-")(half)), else_=total.op("+")(half))
    return rounded.op("/")(func.nullif(number, _NONE))
