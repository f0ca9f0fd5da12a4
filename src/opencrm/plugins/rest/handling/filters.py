"""A list's query string: `?stage=won&amount[gte]=1000 EUR&company.city[contains]=ri&sort=-created_at&limit=50`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import orjson

from opencrm import All, Amount, Condition, Equal, InputError, Query, condition
from opencrm.embed import Locale, Spec, query_conditions

_NUMBER = re.compile(r"[0-9]{1,9}")
_YES: Mapping[str, bool] = MappingProxyType({"true": True, "false": False})

Pairs = Iterable[tuple[str, str]]


def query_of(spec: Spec, pairs: Pairs, locale: Locale) -> Query[Any]:
    """Return what a list's parameters ask for.

    Args:
        spec: The entity.
        pairs: The query string's names and values; a filter may come several times, and then all of them hold.
        locale: Gives an amount without a currency the workspace's.

    Raises:
        InputError: Names each parameter that is unknown or cannot be used.
    """
    shown, filters = _told_apart(pairs)
    found, wrong = _read(shown)
    conditions: list[Condition] = []
    try:
        conditions += query_conditions(filters).items
    except InputError as error:
        wrong |= error.fields
    if wrong:
        raise InputError(wrong)
    conditions += _currencies(spec, filters, locale)
    if "where" in found:
        conditions.append(found.pop("where"))
    return Query(spec, where=All(tuple(conditions)) if conditions else None, **found)


def _told_apart(pairs: Pairs) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return what says how a list is shown, and what is a filter."""
    shown: list[tuple[str, str]] = []
    filters: list[tuple[str, str]] = []
    for name, value in pairs:
        (shown if name in _PARAMETERS else filters).append((name, value))
    return shown, filters


def _read(shown: Pairs) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return the parameters, and what is wrong with which."""
    found: dict[str, Any] = {}
    wrong: dict[str, list[str]] = {}
    for name, value in shown:
        if name in found or name in wrong:
            wrong[name] = ["is given twice"]
            continue
        try:
            found[name] = _PARAMETERS[name](value)
        except ValueError as error:
            wrong[name] = [str(error)]
    return found, wrong


def _currencies(spec: Spec, filters: Pairs, locale: Locale) -> Iterator[Condition]:
    """Give the currency within which an amount is another one."""
    for name, value in filters:
        field, _, operator = name.partition("[")
        kind = spec.fields[field].type if field in spec.fields else None
        if operator == "ne]" and isinstance(kind, Amount):
            yield Equal(kind.currency, value.strip().partition(" ")[2] or locale.currency)


def _tree(value: str) -> Condition:
    try:
        return condition(orjson.loads(value))
    except orjson.JSONDecodeError as error:
        raise ValueError(f"is no JSON: {error}") from None


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


_PARAMETERS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {"sort": str, "limit": _whole, "cursor": str, "fields": _names, "deleted": _yes_or_no, "where": _tree}
)
"""What else than a field may be named."""
