"""Conditions as Python functions over one record's state: the same answers as the SQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from opencrm.core.change import Values
from opencrm.core.conditions.nodes import (
    All,
    AnyOf,
    AtLeast,
    AtMost,
    Between,
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
    StartsWith,
    leaves,
)
from opencrm.core.entity import Spec
from opencrm.core.fields import Text
from opencrm.core.values import Id, fold, lowered

Test: TypeAlias = Callable[[Values], bool]
Linked: TypeAlias = Callable[[Link | Referring, Id], bool]
"""Says whether the record that a link points to meets the link's condition, or one that refers to this record does."""


Told: TypeAlias = Callable[[Spec, Changed, Id], bool]
"""Says whether the journal tells of such a change of a record."""


def predicate(item: Condition, spec: Spec, linked: Linked, told: Told | None = None) -> Test:
    """Return a bound condition as a function of a record's state.

    Args:
        item: The condition, bound to `spec`.
        spec: The entity that it is about.
        linked: Judges the records that links lead to.
        told: Asks the journal, for conditions about changes.
    """
    match item:
        case All(items):
            return _every([predicate(each, spec, linked, told) for each in items])
        case AnyOf(items):
            return _some([predicate(each, spec, linked, told) for each in items])
        case Not(inner):
            test = predicate(inner, spec, linked, told)
            return lambda row: not test(row)
        case Empty(field):
            return lambda row: row.get(field) is None
        case Link(field, _, _):
            link = item
            return lambda row: row.get(field) is not None and linked(link, row[field])
        case Referring():
            referring = item
            return lambda row: linked(referring, row["id"])
        case Changed():
            return _change(item, spec, told)
    return _comparison(item, _reader(spec, item.field))


def by_itself(item: Condition) -> bool:
    """Say whether one record's state is all that a condition asks for: neither other records nor the journal."""
    return not any(isinstance(leaf, Link | Referring | Changed) for leaf in leaves(item))


def _every(tests: Sequence[Test]) -> Test:
    def every(row: Values) -> bool:
        for test in tests:  # noqa: SIM110  # a generator costs more than the comparisons
            if not test(row):
                return False
        return True

    return every


def _some(tests: Sequence[Test]) -> Test:
    def some(row: Values) -> bool:
        for test in tests:  # noqa: SIM110  # a generator costs more than the comparisons
            if test(row):
                return True
        return False

    return some


def _change(item: Changed, spec: Spec, told: Told | None) -> Test:
    if told is None:
        raise TypeError("a condition about changes needs somebody who asks the journal")
    return lambda row: told(spec, item, row["id"])


def _comparison(item: Leaf, read: Callable[[Values], Any]) -> Test:
    match item:
        case Equal(_, value):
            return lambda row: read(row) == value
        case In(_, several):
            wanted = frozenset(several)
            return lambda row: read(row) in wanted
        case Less(_, limit):
            return lambda row: (held := read(row)) is not None and bool(held < limit)
        case Greater(_, limit):
            return lambda row: (held := read(row)) is not None and bool(held > limit)
        case AtMost(_, limit):
            return lambda row: (held := read(row)) is not None and bool(held <= limit)
        case AtLeast(_, limit):
            return lambda row: (held := read(row)) is not None and bool(held >= limit)
        case Contains(_, text):
            return lambda row: (held := read(row)) is not None and text in held
        case Has(_, options):
            any_of = frozenset(options)
            return lambda row: not any_of.isdisjoint(read(row) or ())
        case Empty() | Changed() | Between() | StartsWith():
            raise TypeError(f"{type(item).__name__} is no comparison; was the condition bound?")


def _reader(spec: Spec, name: str) -> Callable[[Values], Any]:
    if spec.fields[name].unkeyed:
        return lambda row: None if row.get(name) is None else lowered(row[name])
    if isinstance(spec.fields[name].type, Text):
        return lambda row: None if row.get(name) is None else fold(row[name])
    return lambda row: row.get(name)
