"""The nodes of a condition tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias, TypeGuard, Union

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


@attrs.frozen
class AtMost:
    """The field holds this value or one below it."""

    field: str
    value: Any


@attrs.frozen
class AtLeast:
    """The field holds this value or one above it."""

    field: str
    value: Any


@attrs.frozen
class Between:
    """The field holds one of two values, or one between them; binding takes it apart."""

    field: str
    low: Any
    high: Any


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
class Contains:
    """The field holds a text with this one somewhere in it."""

    field: str
    text: Any


@attrs.frozen
class StartsWith:
    """The field holds a text that begins with this one; binding makes a range of it."""

    field: str
    text: Any


@attrs.frozen(cache_hash=True)
class Has:
    """The field holds several options, at least one of these among them."""

    field: str
    values: tuple[Any, ...] = attrs.field(converter=_values)


@attrs.frozen
class Changed:
    """The field was set to something else, after its record's creation, at this instant or later."""

    field: str
    since: Any


@attrs.frozen
class Link:
    """The field refers to a living record for which `item` holds.

    Args:
        field: The reference.
        entity: What it refers to; binding fills it in.
        item: About the record that is referred to.
    """

    field: str
    entity: str
    item: Condition


@attrs.frozen
class Referring:
    """A living record of another entity, for which `item` holds, refers to this one; made by access, never written.

    Args:
        entity: What refers.
        field: With which of its references.
        item: About the record that refers, bound.
    """

    entity: str
    field: str
    item: Condition


Leaf: TypeAlias = (
    Equal | Less | Greater | AtMost | AtLeast | Between | In | Empty | Contains | StartsWith | Has | Changed
)
"""A node about one field."""

Condition: TypeAlias = Union[All, AnyOf, Not, Link, Referring, Leaf]  # noqa: UP007  # a recursive alias

TRUE = All()
FALSE = AnyOf()


def is_condition(raw: object) -> TypeGuard[Condition]:
    """Say whether something is a node of a tree; what stands within it is not looked at."""
    return isinstance(raw, All | AnyOf | Not | Link | Leaf)


def inner_of(item: Condition) -> tuple[Condition, ...]:
    """Return the conditions that one is made of; of a leaf, none."""
    match item:
        case All(items) | AnyOf(items):
            return items
        case Not(inner) | Link(_, _, inner) | Referring(_, _, inner):
            return (inner,)
    return ()


def leaves(item: Condition) -> Iterator[Leaf | Link | Referring]:
    """Give what a tree of `all`, `any` and `not` is made of, from left to right."""
    if isinstance(item, All | AnyOf | Not):
        for each in inner_of(item):
            yield from leaves(each)
    else:
        yield item


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
    return AtMost(field, value)


def at_least(field: str, value: Any) -> Condition:
    """The field holds this value or one above it."""
    return AtLeast(field, value)
