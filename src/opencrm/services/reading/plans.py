"""How a list is read: off an index for each arm of what may be seen and merged, or by walking the sort's own index.

Both shapes come from the one access expression and give the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import attrs
from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, or_, select, tuple_, union_all
from sqlalchemy.sql.expression import FromClause

from opencrm.core.conditions import (
    All,
    AnyOf,
    Condition,
    Empty,
    Entities,
    Equal,
    In,
    any_of,
    clause,
    shape,
    values,
)
from opencrm.core.conditions.sql import parameter_names
from opencrm.core.entity import Spec
from opencrm.core.fields import Field

MOST_ARMS = 100


@attrs.frozen
class Sort:
    """The order of a list: by one field, then by id."""

    field: Field
    descending: bool

    @property
    def nullable(self) -> bool:
        """Whether the field may be empty; empty ones come last in either direction."""
        return not self.field.required


@attrs.frozen
class Plan:
    """Everything that a list's statement is made of.

    Args:
        spec: The entity.
        columns: Names of the columns to read.
        scope: What the reader may see, bound.
        where: What was asked for, bound.
        sort: The order; None for none.
        after: Sort key and id of the last row before the page.
        deleted: Whether deleted records are listed.
        limit: The most rows; None for all.
    """

    spec: Spec
    columns: tuple[str, ...]
    scope: Condition
    where: Condition
    sort: Sort | None
    after: tuple[Any, Any] | None
    deleted: bool
    limit: int | None

    @property
    def arms(self) -> tuple[Condition, ...]:
        """The scope taken apart into conditions that each have their index; empty where it cannot be."""
        if (
            self.limit is None
            or self.sort is None
            or not self.sort.field.indexed
            or not self.spec.owned
            or self.deleted
        ):
            return ()
        found = _taken_apart(self.scope).arms
        return found if len(found) <= MOST_ARMS else ()

    @property
    def shape(self) -> tuple[Any, ...]:
        """What of the plan makes its SQL: all but the values."""
        arms, parts = self.arms, _taken_apart(self.scope)
        scope = parts.arm_shapes if arms else parts.shape
        after = None if self.after is None else self.after[0] is None
        order = None if self.sort is None else (self.sort.field.name, self.sort.descending)
        return (
            "list",
            self.spec.name,
            self.columns,
            bool(arms),
            scope,
            shape(self.where),
            order,
            after,
            self.deleted,
            self.limit is None,
        )

    @property
    def values(self) -> dict[str, Any]:
        """The statement's parameters."""
        parts = _taken_apart(self.scope)
        found = dict(parts.arm_values if self.arms else parts.values)
        found |= {f"w{at}": value for at, value in enumerate(values(self.where))}
        if self.after is not None:
            found |= {"after_key": self.after[0], "after_id": self.after[1]}
        return found | ({"most": self.limit} if self.limit is not None else {})

    def statement(self, entities: Entities) -> Select[Any]:
        """Return the statement of the plan's shape."""
        return _Builder(self, entities).build()


class _Builder:
    def __init__(self, plan: Plan, entities: Entities) -> None:
        self._plan = plan
        self._entities = entities
        self._scope_names = parameter_names("s")

    def build(self) -> Select[Any]:
        arms = self._plan.arms
        return self._merge(arms) if arms else self._walk(self._plan.scope)

    def _walk(self, scope: Condition) -> Select[Any]:
        spec = self._plan.spec
        columns = map(spec.column, self._plan.columns)
        return self._page(select(*columns).where(self._test(scope, spec.table)), spec.table)

    def _merge(self, arms: tuple[Condition, ...]) -> Select[Any]:
        """Take each arm's first rows off its own index, merge their keys, and read only the page's records."""
        plan, table = self._plan, self._plan.spec.table
        keys = [table.c.id] if plan.sort is None else [table.c.id, plan.spec.column(plan.sort.field.key)]
        parts = [self._page(select(*keys).where(self._test(arm, table)), table).subquery() for arm in arms]
        every = union_all(*[select(part) for part in parts]).subquery() if len(parts) > 1 else parts[0]
        # Grouping by the order itself takes out what two arms gave in the sort that is made anyway.
        distinct = select(every.c.id).group_by(*reversed([every.c[key.name] for key in keys]))
        first = self._ordered(distinct, every).limit(self._most()).subquery()
        columns = map(plan.spec.column, plan.columns)
        return self._ordered(select(*columns).join(first, first.c.id == table.c.id), table)

    def _page(self, statement: Select[Any], table: FromClause) -> Select[Any]:
        if self._plan.sort is None:
            return statement
        if self._plan.after is not None:
            statement = statement.where(_after(self._plan.sort, self._plan.spec, at_null=self._plan.after[0] is None))
        ordered = self._ordered(statement, table)
        return ordered if self._plan.limit is None else ordered.limit(self._most())

    def _test(self, scope: Condition, table: FromClause) -> ColumnElement[bool]:
        plan = self._plan
        deleted = table.c.deleted_at.is_not(None) if plan.deleted else table.c.deleted_at.is_(None)
        reach = clause(scope, plan.spec, self._entities, self._scope_names)
        return and_(deleted, reach, clause(plan.where, plan.spec, self._entities, parameter_names("w")))

    def _ordered(self, statement: Select[Any], table: FromClause) -> Select[Any]:
        sort = self._plan.sort
        if sort is None:
            return statement
        key, one = _key(sort, self._plan.spec, table), table.c.id
        if not sort.descending:
            return statement.order_by(key.asc().nulls_last() if sort.nullable else key.asc(), one.asc())
        return statement.order_by(key.desc().nulls_last() if sort.nullable else key.desc(), one.desc())

    @staticmethod
    def _most() -> Any:
        return bindparam("most", type_=Integer())


def _key(sort: Sort, spec: Spec, table: FromClause) -> ColumnElement[Any]:
    """Return the sort key, in the entity's own table or in what was selected from it."""
    return spec.column(sort.field.key) if table is spec.table else table.c[sort.field.key]


def _after(sort: Sort, spec: Spec, *, at_null: bool) -> ColumnElement[bool]:
    key, one = spec.column(sort.field.key), spec.table.c.id
    last_id = bindparam("after_id", type_=one.type)
    beyond: Callable[[Any, Any], ColumnElement[bool]] = (
        (lambda a, b: a < b) if sort.descending else (lambda a, b: a > b)
    )
    if at_null:
        return and_(key.is_(None), beyond(one, last_id))
    last_key = bindparam("after_key", type_=key.type)
    past = beyond(tuple_(key, one), tuple_(last_key, last_id))
    return or_(past, key.is_(None)) if sort.nullable else past


@attrs.frozen(kw_only=True)
class _Parts:
    """A scope taken apart, with what its statements need of it: the same for every list of the same reader."""

    arms: tuple[Condition, ...]
    arm_shapes: tuple[Any, ...]
    arm_values: Mapping[str, Any]
    shape: tuple[Any, ...]
    values: Mapping[str, Any]


@lru_cache(maxsize=1000)
def _taken_apart(scope: Condition) -> _Parts:
    found = tuple(dict.fromkeys(_arms(scope)))
    arms = tuple(arm for arm in found if arm is not None)
    if len(arms) < len(found):
        arms = ()
    return _Parts(
        arms=arms,
        arm_shapes=tuple(map(shape, arms)),
        arm_values={f"s{at}": value for at, value in enumerate(value for arm in arms for value in values(arm))},
        shape=shape(scope),
        values={f"s{at}": value for at, value in enumerate(values(scope))},
    )


def narrowed(scope: Condition, where: Condition) -> Condition:
    """Return a scope without the arms that `where` rules out: of what hangs on records, those of other entities.

    An arm that is left alone lets a database go from the few rows that are asked for to the records that they hang
    on; beside others it would have to gather all records within reach.
    """
    named = [it.value for it in _items(where) if isinstance(it, Equal) and it.field == "entity"]
    return _of_entity(scope, named[0]) if len(named) == 1 else scope


@lru_cache(maxsize=1000)
def _of_entity(scope: Condition, entity: str) -> Condition:
    arms = scope.items if isinstance(scope, AnyOf) else (scope,)
    return any_of(arm for arm in arms if _may_be_of(arm, entity))


def _may_be_of(arm: Condition, entity: str) -> bool:
    return all(it.value == entity for it in _items(arm) if isinstance(it, Equal) and it.field == "entity")


def _items(item: Condition) -> tuple[Condition, ...]:
    return item.items if isinstance(item, All) else (item,)


def _arms(scope: Condition) -> Iterator[Condition | None]:
    """Take a scope apart: own, created and unowned, and a unit at a time; None stands for what has no index."""
    for item in scope.items if isinstance(scope, AnyOf) else (scope,):
        match item:
            case In("unit_id", units):
                yield from (Equal("unit_id", unit) for unit in units)
            case Equal("owner_id" | "unit_id", _):
                yield item
            case All((Empty("owner_id"), Equal("created_by", _))):
                yield item
            case AnyOf():
                yield from _arms(item)
            case _:
                yield None
