"""What a list is asked for, checked against the fields that its reader may read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from opencrm.core.entity import Spec
from opencrm.core.fields import Field, Text
from opencrm.core.values import fold
from opencrm.errors import InputError, SortNotIndexed
from opencrm.services.reading.counting import Count
from opencrm.services.reading.planning.plans import Sort


def sort_of(spec: Spec, readable: frozenset[str], text: str) -> Sort:
    """Return the order that a text such as `-created_at` asks for.

    Raises:
        InputError: There is no such field that may be read, or it has no order.
    """
    name = text.removeprefix("-")
    field = spec.fields.get(name) if name in readable else None
    if field is None or not field.type.ordered:
        others = ", ".join(it.name for it in spec.fields.values() if it.type.ordered and it.name in readable)
        raise InputError({"sort": [f"{spec.name} cannot be sorted by {name!r}: sort by {others}"]})
    return Sort(field, text.startswith("-"))


def names_of(spec: Spec, readable: frozenset[str], wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Return the fields that are wanted, with the id; those that may be read, where none are named.

    Raises:
        InputError: There is no such field that may be read.
    """
    if wanted is None:
        return _every_name(spec, readable)
    unknown = [name for name in wanted if name not in readable]
    if unknown:
        raise InputError({"fields": [f"{spec.name} has no field {name!r}" for name in unknown]})
    return tuple(dict.fromkeys(("id", *wanted)))


@lru_cache(maxsize=1000)
def _every_name(spec: Spec, readable: frozenset[str]) -> tuple[str, ...]:
    """Return the fields of a record that a reader sees; forgotten at random, it is worked out in microseconds."""
    return tuple(name for name in spec.fields if name in readable and name != "deleted_at")


def unsorted(spec: Spec, readable: frozenset[str], sort: Sort, number: Count) -> SortNotIndexed:
    """Return the refusal to sort so many records by a field without an index."""
    others = ", ".join(["id", *(it.name for it in spec.fields.values() if it.indexed and it.name in readable)])
    text = f"{number} records would have to be sorted by {sort.field.name!r}: sort by {others}, or narrow the list down"
    return SortNotIndexed({"sort": [text]})


def with_key(names: tuple[str, ...], sort: Sort) -> tuple[str, ...]:
    """Return the columns to read: those of the fields, and the sort key if it is none of them."""
    return names if sort.field.key in names else (*names, sort.field.key)


def position_of(row: Sequence[Any], columns: tuple[str, ...], sort: Sort) -> tuple[Any, Any]:
    """Return the sort key and the id of a row."""
    return row[columns.index(sort.field.key)], row[columns.index("id")]


def dumped_key(sort: Sort, key: Any) -> Any:
    """Return a sort key as a cursor holds it."""
    return None if key is None else sort.field.type.dump(key)


def read_key(sort: Sort, dumped: Any) -> Any:
    """Return the sort key that a cursor holds."""
    return dumped if dumped is None or isinstance(sort.field.type, Text) else sort.field.type.parse(dumped)


def check_limit(limit: int) -> None:
    """Judge how many are asked for at most.

    Raises:
        InputError: It lies outside of 1 to 1000.
    """
    if not 1 <= limit <= 1000:
        raise InputError({"limit": ["must lie between 1 and 1000"]})


def key_of(field: Field, value: Any) -> Any:
    """Return the key by which a field's value is compared; None for what the field could not hold."""
    try:
        typed = field.type.parse(value)
    except ValueError:
        return None
    return fold(typed) if isinstance(field.type, Text) and typed is not None else typed
