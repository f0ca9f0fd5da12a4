"""Physical lines and the CSV records in them; a record with an open quote costs its first line alone."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO, TypeAlias

from opencrm.plugins.importing.files.sniffing import Format, errors_of
from opencrm.plugins.importing.problems import Fault

Records: TypeAlias = Iterator[tuple[int, Sequence[str], Fault | None]]
"""Lines of a table, the header first: number of the line, cells, and what is wrong."""

_LONGEST_RECORD = 1_000
"""Lines after which an open quote is taken for a mistake."""


class _Lines:
    """Physical lines, counted; what a broken record swallowed can be put back."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._again: deque[str] = deque()
        self.given = 0
        self.record: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.record) == _LONGEST_RECORD:
            raise csv.Error
        line = self._again.popleft() if self._again else next(self._stream)
        self.given += 1
        self.record.append(line)
        return line

    def put_back(self) -> None:
        """Give all lines of the record but its first once more."""
        self._again.extendleft(reversed(self.record[1:]))
        self.given -= len(self.record) - 1


def csv_records(path: Path, form: Format) -> Records:
    """Give each record with its line; one with an open quote costs its first line alone."""
    with path.open(encoding=form.encoding, errors=errors_of(form.encoding), newline="") as stream:
        lines = _Lines(stream)
        for _ in range(form.skip):
            next(lines)
        parsed = csv.reader(lines, delimiter=form.delimiter, strict=True)
        while True:
            lines.record.clear()
            line = lines.given + 1
            try:
                cells = next(parsed)
            except StopIteration:
                return
            except csv.Error:
                lines.put_back()
                parsed = csv.reader(lines, delimiter=form.delimiter, strict=True)
                text = lines.record[0].rstrip("\r\n")
                yield line, [text], _fault(text)
                continue
            if cells:
                yield line, cells, None


def _fault(text: str) -> Fault:
    if len(text) > csv.field_size_limit():
        return Fault("", "long_cell", f"is longer than {csv.field_size_limit():,} characters", text[:100])
    return Fault("", "bad_quotes", "has a quote that is not closed, or text after one", text[:1000])
