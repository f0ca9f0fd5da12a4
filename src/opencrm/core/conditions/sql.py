"""Conditions as SQL, compiled once for each shape: `clause` names its parameters in the order of `values`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import count
from operator import eq, ge, gt, le, lt, ne
from types import MappingProxyType
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, false, or_, select, true
from sqlalchemy.sql.elements import BooleanClauseList
from sqlalchemy.sql.expression import FromClause
from sqlalchemy.types import TypeEngine

from opencrm.core.conditions import constructs
from opencrm.core.conditions.asker import Entities
from opencrm.core.conditions.nodes import (
    All,
    AnyOf,
    AtLeast,
    AtMost,
    Changed,
    Condition,
    Contains,
    Empty,
    Equal,
    Greater,
    Has,
    In,
    Leaf,
    Less,
    Link,
    Not,
    Referring,
)
from opencrm.core.entity import Spec


def shape(item: Condition) -> tuple[Any, ...]:
    """Return what of a condition makes its SQL: all but the values."""
    match item:
        case All(items) | AnyOf(items):
            return (type(item), *(shape(each) for each in items))
        case Not(inner):
            return (Not, shape(inner))
        case Link(field, entity, inner):
            return (Link, field, entity, shape(inner))
        case Referring(entity, field, inner):
            return (Referring, entity, field, shape(inner))
        case In(field, several) | Has(field, several):
            return (type(item), field, len(several))
        case _:
            return (type(item), item.field)


def values(item: Condition) -> Iterator[Any]:
    """Give the values of a bound condition, in the order of its parameters."""
    match item:
        case All(items) | AnyOf(items):
            for each in items:
                yield from values(each)
        case Not(inner) | Link(_, _, inner) | Referring(_, _, inner):
            yield from values(inner)
        case In(_, several) | Has(_, several):
            yield from several
        case Equal(_, value) | Less(_, value) | Greater(_, value) | AtMost(_, value) | AtLeast(_, value):
            yield value
        case Contains(_, value) | Changed(_, value):
            yield value


def clause(
    item: Condition,
    spec: Spec,
    entities: Entities,
    names: Iterator[str] | None = None,
    table: FromClause | None = None,
) -> ColumnElement[bool]:
    """Return a bound condition as an SQL expression.

    Args:
        item: The condition, bound to `spec`.
        spec: The entity that it is about.
        entities: Every entity by name, for links.
        names: Names of the parameters, to be used in order; without them each parameter holds its value.
        table: An alias of the entity's table, where one is used.
    """
    return _Writer(entities, names).write(item, spec, spec.table if table is None else table, positive=True)


def parameter_names(prefix: str) -> Iterator[str]:
    """Give names for parameters."""
    return (f"{prefix}{at}" for at in count())


class _Writer:
    """Pushes negation down to the comparisons, where a missing value is spelt out: no NULL ever decides."""

    def __init__(self, entities: Entities, names: Iterator[str] | None, depth: int = 0) -> None:
        self._entities = entities
        self._names = names
        self._depth = depth

    def write(self, item: Condition, spec: Spec, table: FromClause, *, positive: bool) -> ColumnElement[bool]:
        match item:
            case All(items) | AnyOf(items):
                parts = [_apart(self.write(each, spec, table, positive=positive)) for each in items]
                return _joined(parts, conjunction=isinstance(item, All) == positive)
            case Not(inner):
                return self.write(inner, spec, table, positive=not positive)
            case Empty(field):
                column = spec.column(spec.fields[field].key, table)
                return column.is_(None) if positive else column.is_not(None)
            case Link(field, entity, inner):
                return self._link(spec.column(field, table), self._entities[entity], inner, positive=positive)
            case Referring(entity, field, inner):
                return self._referring(table, self._entities[entity], field, inner, positive=positive)
            case Changed():
                return self._change(item, spec, table, positive=positive)
        one = spec.fields[item.field]
        column = spec.column(one.key, table)
        return self._compare(item, constructs.lowered(column) if one.unkeyed else column, positive=positive)

    def _compare(self, item: Leaf, column: ColumnElement[Any], *, positive: bool) -> ColumnElement[bool]:
        found: ColumnElement[bool]
        match item:
            case In(_, several):
                options = [self._parameter(column, value) for value in several]
                found = column.in_(options) if options else false()
                return found if positive else _or_missing(column, ~found)
            case Has(_, several):
                found = constructs.has_any(column, [self._value(constructs.OPTION, value) for value in several])
                return found if positive else _or_missing(column, ~found)
            case Contains(_, text):
                found = constructs.contains(column, self._parameter(column, text))
                return found if positive else _or_missing(column, ~found)
            case Equal(_, value) | Less(_, value) | Greater(_, value) | AtMost(_, value) | AtLeast(_, value):
                one = self._parameter(column, value)
                holds, fails = _OPERATORS[type(item)]
                return holds(column, one) if positive else _or_missing(column, fails(column, one))
        raise TypeError(f"{type(item).__name__} is no comparison; was the condition bound?")

    def _change(self, item: Changed, spec: Spec, table: FromClause, *, positive: bool) -> ColumnElement[bool]:
        field = spec.fields[item.field]
        since = self._value(constructs.SINCE, item.since)
        found = constructs.changed_since(spec.name, (field.name, *field.former), since, table)
        return found if positive else ~found

    def _link(
        self, column: ColumnElement[Any], target: Spec, inner: Condition, *, positive: bool
    ) -> ColumnElement[bool]:
        there = _alias(target.table, self._depth)
        wanted = self._within().write(inner, target, there, positive=True)
        found = constructs.as_id(column).in_(select(there.c.id).where(there.c.deleted_at.is_(None), wanted))
        return found if positive else _or_missing(column, ~found)

    def _referring(
        self, table: FromClause, source: Spec, field: str, inner: Condition, *, positive: bool
    ) -> ColumnElement[bool]:
        there = _alias(source.table, self._depth)
        wanted = self._within().write(inner, source, there, positive=True)
        names = source.column(field, there)
        living = (there.c.deleted_at.is_(None), names.is_not(None))
        found = constructs.among(table.c.id, select(constructs.as_id(names)).where(*living, wanted))
        return found if positive else ~found

    def _within(self) -> _Writer:
        return _Writer(self._entities, self._names, self._depth + 1)

    def _parameter(self, column: ColumnElement[Any], value: Any) -> BindParameter[Any]:
        return self._value(column.type, value)

    def _value(self, kind: TypeEngine[Any], value: Any) -> BindParameter[Any]:
        if self._names is None:
            return bindparam(None, value, type_=kind)
        return bindparam(next(self._names), type_=kind)


@lru_cache(maxsize=1000)
def _alias(table: FromClause, depth: int) -> FromClause:
    """Return a table under another name, one for each depth of links: its columns cost more than all else."""
    return table.alias()


_MOST_TOGETHER = 100
"""SQLite takes an expression of a depth of 1000, and `a AND b AND c` is as deep as it is long."""


def _joined(parts: list[ColumnElement[bool]], *, conjunction: bool) -> ColumnElement[bool]:
    """Join conditions; of many, first some and then those together."""
    join, nothing = (and_, true()) if conjunction else (or_, false())
    if len(parts) > _MOST_TOGETHER:
        starts = range(0, len(parts), _MOST_TOGETHER)
        parts = [_apart(join(nothing, *parts[start : start + _MOST_TOGETHER])) for start in starts]
    return join(nothing, *parts)


def _apart(part: ColumnElement[bool]) -> ColumnElement[bool]:
    """Keep what is joined from becoming one with what it is joined to."""
    return constructs.apart(part) if isinstance(part, BooleanClauseList) else part


def _or_missing(column: ColumnElement[Any], found: ColumnElement[bool]) -> ColumnElement[bool]:
    return or_(column.is_(None), found) if getattr(column, "nullable", True) else found


_OPERATORS: Mapping[type[Leaf], tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = MappingProxyType(
    {Equal: (eq, ne), Less: (lt, ge), Greater: (gt, le), AtMost: (le, gt), AtLeast: (ge, lt)}
)
"""Each comparison, and what holds where it does not."""
