"""Writes one JSON object a line: names and values as REST gives them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO


def write_objects(stream: BinaryIO, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows, as they come, to a file open for bytes; leaves it open.

    Args:
        stream: Where to write.
        header: The names.
        rows: Typed values: text, numbers, dates, times, yes and no, lists, objects, None for a blank.
    """
    for row in rows:
        text = json.dumps(dict(zip(header, row, strict=True)), ensure_ascii=False, default=_shown)
        stream.write(text.encode() + b"\n")


def _shown(value: Any) -> str:
    """Return a number as text, so that no reader rounds it, and a time in UTC."""
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _number(number: Decimal) -> str:
    short = number.normalize()
    exponent = short.as_tuple().exponent
    return f"{number:.2f}" if isinstance(exponent, int) and exponent >= -2 else f"{short:f}"
