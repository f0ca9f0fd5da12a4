"""The nodes of a condition tree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias, Union

import attrs


def _conditions(items: Iterable[Condition]) -> tuple[Condition, ...]:
    return tuple(items)


def _values(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(values)


@attrs.frozen(cache_hash=True)
class All:
    """Every one of them holds; of none, true."""

    items: tuple[Condition, ...] = attrs.field(converter=_conditions, default=())


@attrs.frozen(cache_hash=True)
class AnyOf:
    """At least one of them holds; of none, false."""

    items: tuple[Condition, ...] = attrs.field(converter=_conditions, default=())


@attrs.frozen
class Not:
    """It does not hold."""

    item: Condition


@attrs.frozen
class Equal:
    """The field holds this value."""

    field: str
    value: Any


@attrs.frozen
class Less:
    """The field holds a value below this one."""

    field: str
    value: Any


@attrs.frozen
class Greater:
    """The field holds a value above this one."""

    field: str
    value: Any


@attrs.frozen(cache_hash=True)
class In:
    """The field holds one of these values."""

    field: str
    values: tuple[Any, ...] = attrs.field(converter=_values)


@attrs.frozen
class Empty:
    """The field holds nothing."""

    field: str


@attrs.frozen
class Link:
    """The field refers to a living record of `entity` for which `item` holds."""

    field: str
    entity: str
    item: Condition


Condition: TypeAlias = Union[All, AnyOf, Not, Equal, Less, Greater, In, Empty, Link]  # noqa: UP007  # a recursive alias

TRUE = All()
FALSE = AnyOf()


def all_of(items: Iterable[Condition]) -> Condition:
    """Return the conjunction, without what cannot change it."""
    kept = tuple(item for item in items if item != TRUE)
    if FALSE in kept:
        return FALSE
    return kept[0] if len(kept) == 1 else All(kept)


def any_of(items: Iterable[Condition]) -> Condition:
    """Return the disjunction, without what cannot change it."""
    kept = tuple(dict.fromkeys(item for item in items if item != FALSE))
    if TRUE in kept:
        return TRUE
    return kept[0] if len(kept) == 1 else AnyOf(kept)


def at_most(field: str, value: Any) -> Condition:
    """The field holds this value or one below it."""
    return AnyOf((Less(field, value), Equal(field, value)))


def at_least(field: str, value: Any) -> Condition:
    """The field holds this value or one above it."""
    return AnyOf((Greater(field, value), Equal(field, value)))
