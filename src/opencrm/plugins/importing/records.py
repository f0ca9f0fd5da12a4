"""Physical lines and the CSV records in them; a record with an open quote costs its first line alone."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO, TypeAlias

from opencrm.plugins.importing.problems import BadEncoding, Fault, NotCsv
from opencrm.plugins.importing.sniffing import Format

Records: TypeAlias = Iterator[tuple[int, Sequence[str], Fault | None]]
"""Lines of a table, the header first: number of the line, cells, and what is wrong."""

_LONGEST_LINE = 1_000_000
_MOST_BROKEN = 1_000


class _Lines:
    """Physical lines, counted; what a broken record swallowed can be put back."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._again: deque[str] = deque()
        self.given = 0
        self.record: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._stream.readline(_LONGEST_LINE)
        if not line:
            raise StopIteration
        self.given += 1
        if len(line) == _LONGEST_LINE:
            raise NotCsv(self._name, f"line {self.given} is longer than {_LONGEST_LINE:,} characters")
        self.record.append(line)
        return line

    def put_back(self) -> None:
        """Give all lines of the record but its first once more."""
        self._again.extendleft(reversed(self.record[1:]))
        self.given -= len(self.record) - 1


def csv_records(path: Path, form: Format) -> Records:
    """Give each record with its line; one with an open quote costs its first line alone."""
    with path.open(encoding=form.encoding, errors="surrogateescape", newline="") as stream:
        lines, broken = _Lines(stream, path.name), 0
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
            except UnicodeError as error:
                raise BadEncoding(path.name, f"is not text in {form.encoding} near line {line}: {error}") from None
            except csv.Error:
                broken += 1
                if broken > _MOST_BROKEN:
                    raise NotCsv(path.name, f"has more than {_MOST_BROKEN:,} lines whose quotes do not match") from None
                lines.put_back()
                parsed = csv.reader(lines, delimiter=form.delimiter, strict=True)
                text = lines.record[0].rstrip("\r\n")
                yield line, [text], Fault("", "bad_quotes", "has a quote that is not closed, or text after one", text)
                continue
            if cells:
                yield line, cells, None
