"""The scope taken apart: own, created and unowned, a unit at a time, and what is referred to, each with its index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import attrs

from opencrm.core.conditions import (
    All,
    AnyOf,
    Condition,
    Empty,
    Equal,
    In,
    Referring,
    all_of,
    any_of,
    shape,
    values,
)


@attrs.frozen(kw_only=True)
class Parts:
    """A scope taken apart, with what its statements need of it: the same for every list of the same reader.

    Attributes:
        arms: Conditions that each have their index, and together are the scope; none where it cannot be taken apart.
        arm_shapes: What of them makes their SQL.
        arm_values: Their parameters, by name.
        shape: What of the whole scope makes its SQL.
        values: Its parameters, by name.
        living: The scope of living records, with that said in each arm: SQLite finds the indexes, which hold living
            records only, for an arm of several by what the arm itself says.
    """

    arms: tuple[Condition, ...]
    arm_shapes: tuple[Any, ...]
    arm_values: Mapping[str, Any]
    shape: tuple[Any, ...]
    values: Mapping[str, Any]
    living: Condition


@lru_cache(maxsize=1000)
def taken_apart(scope: Condition) -> Parts:
    """Take a bound scope apart."""
    found = tuple(dict.fromkeys(_arms(scope)))
    arms = tuple(arm for arm in found if arm is not None)
    if len(arms) < len(found):
        arms = ()
    return Parts(
        arms=arms,
        arm_shapes=tuple(map(shape, arms)),
        arm_values=named(value for arm in arms for value in values(arm)),
        shape=shape(scope),
        values=named(values(scope)),
        living=_living(scope) if arms else scope,
    )


def named(several: Iterator[Any], prefix: str = "s") -> dict[str, Any]:
    """Return values under the names that `parameter_names` gives them."""
    return {f"{prefix}{at}": value for at, value in enumerate(several)}


def narrowed(scope: Condition, where: Condition) -> Condition:
    """Return a scope without the arms that `where` rules out: of what hangs on records, those of other entities.

    An arm that is left alone lets a database go from the few rows that are asked for to the records that they hang
    on; beside others it would have to gather all records within reach.
    """
    told = [it.value for it in _items(where) if isinstance(it, Equal) and it.field == "entity"]
    return _of_entity(scope, told[0]) if len(told) == 1 else scope


@lru_cache(maxsize=1000)
def _of_entity(scope: Condition, entity: str) -> Condition:
    arms = scope.items if isinstance(scope, AnyOf) else (scope,)
    return any_of(arm for arm in arms if _may_be_of(arm, entity))


def _may_be_of(arm: Condition, entity: str) -> bool:
    return all(it.value == entity for it in _items(arm) if isinstance(it, Equal) and it.field == "entity")


def _items(item: Condition) -> tuple[Condition, ...]:
    return item.items if isinstance(item, All) else (item,)


def _living(scope: Condition) -> Condition:
    match scope:
        case AnyOf(items):
            return AnyOf(
                _living(each) if isinstance(each, AnyOf) else All((Empty("deleted_at"), each)) for each in items
            )
        case All((AnyOf() as first, *others)):
            return All((_living(first), *others))
    return scope


def _arms(scope: Condition) -> Iterator[Condition | None]:
    """Give the arms; None stands for what has no index."""
    for item in scope.items if isinstance(scope, AnyOf) else (scope,):
        match item:
            case In("unit_id", units):
                yield from (Equal("unit_id", unit) for unit in units)
            case Equal("owner_id" | "unit_id", _):
                yield item
            case All((Empty("owner_id"), Equal("created_by", _))) | Referring():
                yield item
            case AnyOf():
                yield from _arms(item)
            case All((first, *others)):
                # A grant with a condition, and what may be read and exported: the first is taken apart, the others
                # are asked of each row.
                yield from (None if arm is None else all_of((arm, *others)) for arm in _arms(first))
            case _:
                yield None
