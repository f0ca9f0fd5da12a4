"""Writes a workbook of one sheet, row by row, in which nothing is a formula.

A text is written as text, whatever it begins with. A number is a number if the sheet can hold it exactly (15 digits),
else it is text. A day is a date; a time is in UTC, which a property of the workbook says, so that bringing the
workbook in again gives the same instants. Characters that XML does not have are written as `_x0001_`, as Excel does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from opencrm.plugins.spreadsheets.archives import IN_UTC
from opencrm.plugins.spreadsheets.extra import module_of_extra
from opencrm.plugins.spreadsheets.problems import DoesNotFit

MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
MOST_CHARACTERS = 32_767
_DIGITS = 15
_FIRST_DAY = date(1900, 3, 1)  # Excel takes 1900 for a leap year; earlier days mean different things to programs.


def write_xlsx(stream: BinaryIO, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a header and rows, as they come, to a file open for bytes; leaves it open.

    Raises:
        ConfigurationError: The extra is not installed.
        DoesNotFit: There are more rows, columns or characters than a sheet holds.
    """
    writer = module_of_extra("xlsxwriter")
    if len(header) > MOST_COLUMNS:
        raise DoesNotFit("fields", f"a sheet has at most {MOST_COLUMNS:,} columns, not {len(header):,}")
    with TemporaryDirectory(prefix="opencrm-") as folder:
        book = writer.Workbook(stream, {"constant_memory": True, "tmpdir": folder})
        book.set_custom_property(IN_UTC, "UTC")
        sheet = _Sheet(book, header)
        try:
            sheet.write_all(rows)
        except BaseException:
            sheet.abandon()
            raise
        book.close()


class _Sheet:
    """The one sheet."""

    def __init__(self, book: Any, header: Sequence[str]) -> None:
        self._book = book
        self._sheet = book.add_worksheet()
        self._header = header
        self._day = book.add_format({"num_format": "yyyy-mm-dd"})
        self._instant = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._bold = book.add_format({"bold": True})

    def write_all(self, rows: Iterable[Sequence[Any]]) -> None:
        """Write the header and the rows below it."""
        self._sheet.freeze_panes(1, 0)
        for column, name in enumerate(self._header):
            self._sheet.write_string(0, column, name, self._bold)
        for at, row in enumerate(rows, 1):
            if at >= MOST_ROWS:
                raise DoesNotFit("rows", f"a sheet has at most {MOST_ROWS:,} rows, the header among them")
            for column, cell in enumerate(row):
                if cell is not None:
                    self._cell(at, column, cell)

    def abandon(self) -> None:
        """Let go of the rows so far; nothing reaches the file."""
        self._sheet.row_data_fh.close()
        self._book.fileclosed = True

    def _cell(self, at: int, column: int, cell: Any) -> None:
        if isinstance(cell, bool):
            self._sheet.write_boolean(at, column, cell)
        elif isinstance(cell, int | float | Decimal) and _exact(cell):
            self._sheet.write_number(at, column, cell)
        elif isinstance(cell, datetime) and cell.date() >= _FIRST_DAY:
            moment = cell.astimezone(UTC).replace(tzinfo=None) if cell.tzinfo else cell
            self._sheet.write_datetime(at, column, moment.replace(microsecond=0), self._instant)
        elif isinstance(cell, date) and not isinstance(cell, datetime) and cell >= _FIRST_DAY:
            self._sheet.write_datetime(at, column, cell, self._day)
        else:
            self._text(at, column, cell)

    def _text(self, at: int, column: int, cell: Any) -> None:
        text = _shown(cell)
        if len(text) > MOST_CHARACTERS // 2 and len(text.encode("utf-16-le", "surrogatepass")) > 2 * MOST_CHARACTERS:
            place = f"row {at + 1}, {self._header[column]}"
            raise DoesNotFit(place, f"a cell has at most {MOST_CHARACTERS:,} characters, not {len(text):,}")
        self._sheet.write_string(at, column, text)


def _exact(number: float | Decimal) -> bool:
    """Say whether a sheet, which keeps 15 digits, holds a number without changing it."""
    exact = Decimal(number) if not isinstance(number, float) else Decimal(repr(number))
    return exact.is_finite() and len(exact.normalize().as_tuple().digits) <= _DIGITS and exact.adjusted() < 300


def _shown(cell: Any) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Decimal):
        return f"{cell.normalize():f}"
    if isinstance(cell, date):
        return cell.isoformat().replace("+00:00", "Z")
    if isinstance(cell, tuple):
        return ",".join(map(str, cell))
    if isinstance(cell, int | float):
        return str(cell)
    return json.dumps(cell, ensure_ascii=False, sort_keys=True, default=_shown)
