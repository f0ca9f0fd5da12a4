"""Writes CSV that people open in spreadsheets.

A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` as a formula, and a client may have put one into their
own name. Text that begins so gets an apostrophe before it, as a spreadsheet's user would type it. Text that begins
with apostrophes and then such a character gets one more, so that taking one away always gives the text back;
`opencrm import` without a map does so. Numbers, dates and ids are no text and stay as they are.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, BinaryIO

_ACTIVE = re.compile("'*[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")


def write_csv(stream: BinaryIO, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a header and rows, as they come, to a file open for bytes; leaves it open.

    Args:
        stream: Where to write.
        header: The columns' names.
        rows: Typed values: text, numbers, dates, times, yes and no, some of several options, None for
            a blank.
    """
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=False)
    try:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([cell_text(cell) for cell in row] for row in rows)
    finally:
        text.flush()
        text.detach()


def cell_text(cell: Any) -> str:
    """Return what stands in the file for a value."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return defused(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, Decimal):
        return _number(cell)
    if isinstance(cell, date):
        return cell.isoformat().replace("+00:00", "Z")
    if isinstance(cell, tuple):
        return defused(",".join(map(str, cell)))
    return str(cell) if isinstance(cell, int | float) else _json(cell)


def _json(cell: Any) -> str:
    return json.dumps(cell, ensure_ascii=False, sort_keys=True, default=cell_text)


def defused(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if _ACTIVE.match(text) else text


def _number(number: Decimal) -> str:
    """Return a number with its decimal places, at least two, as REST gives it."""
    short = number.normalize()
    exponent = short.as_tuple().exponent
    return f"{number:.2f}" if isinstance(exponent, int) and exponent >= -2 else f"{short:f}"
