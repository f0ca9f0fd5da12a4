"""How large a written declaration may be, and of what it may be made, before anything of it is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Any

from opencrm.core.fields.base import plain_text
from opencrm.core.process.text.places import Place
from opencrm.core.process.values import LONGEST_TEXT

MOST_NODES = 2_000
"""How many tables, lists and values a declaration is made of."""
LONGEST_NAME = 200
_DEEPEST_RAW = 64
_MOST_BITS = 63


def check_bounds(raw: Any, at: Place) -> None:
    """Refuse what is too large, or is made of something that neither JSON nor TOML has.

    Raises:
        Unreadable: It is.
    """
    nodes, level = 1, [(raw, at)]
    for _ in range(_DEEPEST_RAW):
        level = [inner for item, place in level for inner in _inner(item, place, MOST_NODES - nodes)]
        nodes += len(level)
        if nodes > MOST_NODES:
            raise at.fault(f"is made of more than {MOST_NODES:,} parts")
        if not level:
            return
    raise at.fault(f"is nested more than {_DEEPEST_RAW} deep")


def _inner(item: Any, at: Place, most: int) -> Iterator[tuple[Any, Place]]:
    if isinstance(item, Mapping | list | tuple) and len(item) > most:
        raise at.fault(f"is made of more than {MOST_NODES:,} parts")
    if isinstance(item, Mapping):
        for name, value in item.items():
            _check_text(name, at, LONGEST_NAME)
            yield value, at.of(name)
    elif isinstance(item, list | tuple):
        yield from ((value, at.item(index)) for index, value in enumerate(item))
    elif isinstance(item, str):
        _check_text(item, at, LONGEST_TEXT)
    else:
        _check_scalar(item, at)


def _check_text(text: Any, at: Place, longest: int) -> None:
    if not isinstance(text, str):
        raise at.fault("a name in a table must be text")
    if len(text) > longest:
        raise at.fault(f"a text is longer than {longest:,} characters")
    with at.told():
        plain_text(text)


def _check_scalar(item: Any, at: Place) -> None:
    match item:
        case bool() | date():
            return
        case int() if item.bit_length() <= _MOST_BITS:
            return
        case float() if isfinite(item):
            return
        case Decimal() if item.is_finite() and abs(item.adjusted()) < LONGEST_NAME:
            return
        case int() | float() | Decimal():
            raise at.fault("is out of range")
    raise at.fault("must be text, a number, true or false, a date, a list or a table")
