"""Conditions as a query string: `stage=won&amount[gte]=1000 EUR&company.city[contains]=ri&owner_id=me`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from opencrm.core.conditions.nodes import (
    All,
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
    Less,
    Not,
    StartsWith,
)
from opencrm.core.conditions.operators import operators
from opencrm.core.fields import Field
from opencrm.errors import InputError

MOST_LISTED = 500
"""How many values stand in one list of a query string."""

_NAME = re.compile(r"([a-z][a-z0-9_]*(?:\.[a-z0-9_]*)*)(?:\[([a-z_]+)\])?")


def query_conditions(pairs: Iterable[tuple[str, str]]) -> All:
    """Return what the pairs of a query string ask for together; a name that comes twice asks for both.

    Args:
        pairs: Names, each with its operator in brackets, or with none for `eq`; and values.

    Raises:
        InputError: Names each pair that cannot be read.
    """
    wrong: dict[str, list[str]] = {}
    found: list[Condition] = []
    for name, value in pairs:
        try:
            found.append(_condition(name, value))
        except ValueError as error:
            wrong[name] = [str(error)]
    if wrong:
        raise InputError(wrong)
    return All(tuple(found))


def query_operators(field: Field) -> tuple[str, ...]:
    """Return what may stand in brackets behind a field's name."""
    return tuple(word for name in operators(field) for word in _WORDS.get(name, (name,)))


def _condition(name: str, value: str) -> Condition:
    parts = _NAME.fullmatch(name)
    if parts is None:
        raise ValueError("is neither a parameter nor a field")
    operator = parts[2] or "eq"
    build = QUERY_OPERATORS.get(operator) or _SPELT_OUT.get(operator)
    if build is None:
        raise ValueError(f"{operator!r} is none of {', '.join(QUERY_OPERATORS)}")
    return build(parts[1], value)


def _listed(value: str) -> tuple[str, ...]:
    values = tuple(value.split(","))
    if len(values) > MOST_LISTED:
        raise ValueError(f"takes at most {MOST_LISTED} values")
    return values


def _between(field: str, value: str) -> Condition:
    ends = value.split(",")
    if len(ends) != 2:
        raise ValueError("must be two values with a comma between them")
    return Between(field, *ends)


def _empty(field: str, value: str) -> Condition:
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return Empty(field) if value == "true" else Not(Empty(field))


QUERY_OPERATORS: Mapping[str, Callable[[str, str], Condition]] = MappingProxyType(
    {
        "eq": Equal,
        "ne": lambda field, value: Not(Equal(field, value)),
        "lt": Less,
        "lte": AtMost,
        "gt": Greater,
        "gte": AtLeast,
        "between": _between,
        "in": lambda field, value: In(field, _listed(value)),
        "contains": Contains,
        "starts_with": StartsWith,
        "has": lambda field, value: Has(field, _listed(value)),
        "empty": _empty,
        "changed": Changed,
    }
)
"""What may stand in brackets behind a field's name."""

_SPELT_OUT: Mapping[str, Callable[[str, str], Condition]] = MappingProxyType(
    {"equal": Equal, "less": Less, "at_most": AtMost, "greater": Greater, "at_least": AtLeast}
)
"""The same, as JSON calls it."""

_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"equal": ("eq", "ne"), "less": ("lt",), "at_most": ("lte",), "greater": ("gt",), "at_least": ("gte",)}
)
"""What is called otherwise than in JSON."""
