"""A list's query string: `?stage=won&amount[gte]=1000 EUR&company.city[contains]=ri&sort=-created_at&limit=50`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from opencrm import All, Condition, InputError, Query
from opencrm.embed import Reader, Spec, asked_conditions, query_conditions
from opencrm.plugins.rest.asking.query_strings import Pairs, named, without

_NUMBER = re.compile(r"[0-9]{1,9}")
_YES: Mapping[str, bool] = MappingProxyType({"true": True, "false": False})


def query_of(reader: Reader, spec: Spec, pairs: Pairs) -> Query[Any]:
    """Return what a list's parameters ask for.

    Args:
        reader: Whoever asks.
        spec: The entity.
        pairs: The query string's names and values; a filter may come several times, and then all of them hold.

    Raises:
        InputError: Names each parameter that is unknown or cannot be used.
    """
    shown, filters = named(pairs, *_PARAMETERS), without(pairs, *_PARAMETERS)
    wheres = [value for _, value in named(shown, "where")]
    found, wrong = _read(without(shown, "where"))
    conditions: list[Condition] = []
    try:
        conditions += query_conditions(filters).items
    except InputError as error:
        wrong |= error.fields
    if wrong:
        raise InputError(wrong)
    asked = asked_conditions(reader, spec, wheres)
    conditions += [asked] if asked is not None else []
    return Query(spec, where=All(tuple(conditions)) if conditions else None, **found)


def summed_in(pairs: Pairs) -> list[str]:
    """Return the fields whose sums a list's parameters ask for."""
    return list(dict.fromkeys(each for name, value in pairs if name == "sum" for each in names_in(value)))


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


def _yes_or_no(value: str) -> bool:
    if value not in _YES:
        raise ValueError("must be true or false")
    return _YES[value]


def _whole(value: str) -> int:
    if not _NUMBER.fullmatch(value):
        raise ValueError("must be a whole number")
    return int(value)


def names_in(value: str) -> list[str]:
    """Return the names that a parameter holds, with commas between."""
    return value.split(",")


_PARAMETERS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "sort": str,
        "limit": _whole,
        "cursor": str,
        "fields": names_in,
        "deleted": _yes_or_no,
        "total": _yes_or_no,
        "where": str,
    }
)
"""What else than a field may be named."""
