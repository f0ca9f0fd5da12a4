"""The error file: one line for each row that stayed out, with what the user needs to repair it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from opencrm.plugins.importing.files.headers import ERROR_COLUMNS
from opencrm.plugins.importing.files.reading import readable
from opencrm.plugins.importing.rows.drafts import Rejected

_ACTIVE = ("=", "+", "-", "@", "\t", "\r")


class ErrorFile:
    """Writes an error file, `FILE.errors.csv`; without a rejected row there is none, and one of an earlier run goes.

    Args:
        path: Where to write.
        header: The original file's header.
        delimiter: What stands between the original file's cells: a map that says so reads this one, too.
    """

    def __init__(self, path: Path, header: Sequence[str], delimiter: str = ",") -> None:
        self.path = path
        self.count = 0
        self._header = header
        self._delimiter = delimiter
        self._stack = ExitStack()
        self._writer: Any = None

    def __enter__(self) -> ErrorFile:
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add(self, rows: Iterable[Rejected]) -> None:
        """Write rejected rows, in the order of their lines."""
        for row in sorted(rows, key=lambda row: row.line):
            if self._writer is None:
                self._open()
            fault = row.fault
            value = fault.value or self._cell(row, fault.column)
            told = (row.line, fault.column, fault.reason, defused(value), fault.code)
            self._writer.writerow([readable(str(cell)) for cell in (*told, *row.cells)])
            self.count += 1

    def _open(self) -> None:
        stream = self._stack.enter_context(self.path.open("w", encoding="utf-8-sig", newline=""))
        self._writer = csv.writer(stream, delimiter=self._delimiter, lineterminator="\n")
        self._writer.writerow([*ERROR_COLUMNS, *self._header])

    def _cell(self, row: Rejected, column: str) -> str:
        if column not in self._header:
            return ""
        at = self._header.index(column)
        return row.cells[at] if at < len(row.cells) else ""


def defused(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_ACTIVE) else text
