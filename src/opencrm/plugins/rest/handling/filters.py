"""A list's query string: `?stage=won&amount[gte]=1000 EUR&owner_id[in]=A,B&sort=-created_at&limit=50`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from opencrm import (
    All,
    Amount,
    Condition,
    Empty,
    Equal,
    Greater,
    In,
    InputError,
    Less,
    Not,
    Query,
    at_least,
    at_most,
)
from opencrm.embed import Locale, Spec

MOST_VALUES = 500
"""How many values `[in]` takes."""

_NAME = re.compile(r"([a-z][a-z0-9_]*)(?:\[([a-z]+)\])?")
_NUMBER = re.compile(r"[0-9]{1,9}")
_YES: Mapping[str, bool] = MappingProxyType({"true": True, "false": False})


def query_of(spec: Spec, given: Mapping[str, str], locale: Locale) -> Query[Any]:
    """Return what a list's parameters ask for.

    Raises:
        InputError: Names each parameter that is unknown or cannot be used.
    """
    wrong: dict[str, list[str]] = {}
    found: dict[str, Any] = {}
    conditions = []
    for name, value in given.items():
        try:
            if name in _PARAMETERS:
                found[name] = _PARAMETERS[name](value)
            else:
                conditions.append(_filter(spec, name, value, locale))
        except ValueError as error:
            wrong[name] = [str(error)]
    if wrong:
        raise InputError(wrong)
    return Query(spec, where=All(tuple(conditions)) if conditions else None, **found)


def _filter(spec: Spec, name: str, value: str, locale: Locale) -> Condition:
    parts = _NAME.fullmatch(name)
    if parts is None:
        raise ValueError("is neither a parameter nor a field")
    field, operator = parts[1], parts[2] or "eq"
    if operator not in OPERATORS:
        raise ValueError(f"{operator!r} is none of {', '.join(OPERATORS)}")
    item = OPERATORS[operator](field, value)
    kind = spec.fields[field].type if field in spec.fields else None
    if operator in ("ne", "gt", "gte") and isinstance(kind, Amount):
        return All((item, Equal(kind.currency, _currency(value, locale))))
    return item


def _currency(value: str, locale: Locale) -> str:
    """Return the currency within which amounts are compared."""
    return value.strip().partition(" ")[2] or locale.currency


def _among(field: str, value: str) -> Condition:
    values = value.split(",")
    if len(values) > MOST_VALUES:
        raise ValueError(f"takes at most {MOST_VALUES} values")
    return In(field, tuple(values))


def _empty(field: str, value: str) -> Condition:
    return Empty(field) if _yes_or_no(value) else Not(Empty(field))


def _not(field: str, value: str) -> Condition:
    return Not(Equal(field, value))


def _yes_or_no(value: str) -> bool:
    if value not in _YES:
        raise ValueError("must be true or false")
    return _YES[value]


def _whole(value: str) -> int:
    if not _NUMBER.fullmatch(value):
        raise ValueError("must be a whole number")
    return int(value)


def _names(value: str) -> list[str]:
    return value.split(",")


OPERATORS: Mapping[str, Callable[[str, str], Condition]] = MappingProxyType(
    {
        "eq": Equal,
        "ne": _not,
        "lt": Less,
        "lte": at_most,
        "gt": Greater,
        "gte": at_least,
        "in": _among,
        "empty": _empty,
    }
)
"""What may stand in brackets behind a field's name; without brackets it is `eq`."""

_PARAMETERS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {"sort": str, "limit": _whole, "cursor": str, "fields": _names, "deleted": _yes_or_no}
)
