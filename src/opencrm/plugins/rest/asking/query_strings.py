"""What enters with an address: the parameters of its query string."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeAlias
from urllib.parse import parse_qsl

from flask import request

from opencrm import InputError

Pairs: TypeAlias = Sequence[tuple[str, str]]
"""Names and values, in order; a name may come several times."""

_MOST_PARAMETERS = 100


def pairs() -> Pairs:
    """Return the query string's names and values, in order.

    Raises:
        InputError: There are too many, or they are not UTF-8.
    """
    query = request.environ.get("QUERY_STRING", "")
    if not query:
        return []
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except UnicodeDecodeError:
        raise InputError({"query": ["must be UTF-8"]}) from None
    except ValueError:
        raise InputError({"query": [f"must have at most {_MOST_PARAMETERS} parameters"]}) from None


def only(given: Pairs, *known: str) -> Pairs:
    """Return parameters, all of which are known here.

    Raises:
        InputError: One is not; names each.
    """
    return refused(given, [name for name, _ in given if name not in known])


def refused(given: Pairs, unknown: Collection[str]) -> Pairs:
    """Return parameters, none of which has one of these names.

    Raises:
        InputError: One has; names each.
    """
    wrong = {name: ["is no parameter here"] for name, _ in given if name in unknown}
    if wrong:
        raise InputError(wrong)
    return given


def no_parameters() -> None:
    """Refuse a query string where none is wanted."""
    only(pairs())


def named(given: Pairs, *names: str) -> Pairs:
    """Return the parameters of these names."""
    return [it for it in given if it[0] in names]


def without(given: Pairs, *names: str) -> Pairs:
    """Return the parameters of other names."""
    return [it for it in given if it[0] not in names]


def optional(given: Pairs, name: str) -> str | None:
    """Return a parameter that is given once at most; None where it is not given.

    Raises:
        InputError: It is given twice.
    """
    found = [value for _, value in named(given, name)]
    if len(found) > 1:
        raise InputError({name: ["is given twice"]})
    return found[0] if found else None


def once(given: Pairs, name: str, default: str | None = None) -> str:
    """Return a parameter that is given once.

    Raises:
        InputError: It is given twice, or missing and has no default.
    """
    found = optional(given, name)
    if found is None and default is None:
        raise InputError({name: ["is required"]})
    return str(default) if found is None else found


def whole(given: Pairs, name: str, default: int) -> int:
    """Return a whole number that is given once, or the default.

    Raises:
        InputError: It is given twice, or is no whole number.
    """
    text = once(given, name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InputError({name: ["must be a whole number"]})
    return int(text)
