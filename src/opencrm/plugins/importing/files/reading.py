"""Rows of a CSV file, one at a time, each with the line on which it begins and with what is wrong about its shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, NamedTuple

import attrs

from opencrm import Importer
from opencrm.plugins.importing.files.headers import from_line, header_of, is_error_header, without_told
from opencrm.plugins.importing.files.records import Records, csv_records
from opencrm.plugins.importing.files.sniffing import detect
from opencrm.plugins.importing.problems import BadHeader, Fault, FileRefused

_HALF = re.compile("[\ud800-\udfff]")


class Row(NamedTuple):
    """One row.

    Attributes:
        line: Number of the physical line on which it begins, from 1; the header counts.
        cells: The cells' texts, as many as the header has, unless the row is at fault.
        fault: What is wrong about its shape or its characters, or None.
    """

    line: int
    cells: Sequence[str]
    fault: Fault | None


@attrs.frozen(kw_only=True)
class TableFile:
    """A file of rows that can be read from its beginning as often as needed; a CSV file is never held in memory.

    Attributes:
        path: Where it lies.
        header: The names of the columns, without surrounding blanks; a nameless one is empty.
        digest: SHA-256 of its bytes, in hexadecimal.
        clean: Whether every cell is known to be good text.
        lines: About how many physical lines it has.
        guess: The encoding, where it is a guess that the user should look at.
        defused: Whether text that looks like a formula may have an apostrophe before it, as exports of CSV do it.
        delimiter: What stands between its cells, or would in CSV.
        header_row: The line of the header, where that is not the first.
        repaired: Whether it is an error file; what it tells of the rows is left out.
        records: Opens it and gives its lines.
    """

    path: Path
    header: tuple[str, ...]
    digest: str
    clean: bool
    lines: int
    guess: str | None = None
    defused: bool = False
    delimiter: str = ","
    header_row: int | None = None
    repaired: bool = False
    records: Callable[[], Records]

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.path.name

    def position(self, column: str) -> int:
        """Return where a column stands, from 0.

        Raises:
            BadHeader: There is no such column, or there are two.
        """
        found = [at for at, name in enumerate(self.header) if name == column]
        if not found:
            found = [at for at, name in enumerate(self.header) if alike(name) == alike(column)]
        if len(found) == 1:
            return found[0]
        if found:
            raise BadHeader(self.name, f"has the column {column!r} {len(found)} times")
        listed = ", ".join(repr(name) for name in self.header if name)
        raise BadHeader(self.name, f"has no column {column!r} on its {self._place}, only {listed}")

    @property
    def _place(self) -> str:
        return f"line {self.header_row}" if self.header_row else "first line (header_row names another)"

    def positions(self, columns: Iterable[str]) -> Mapping[str, int]:
        """Return where each of the columns stands."""
        return {column: self.position(column) for column in columns}

    def rows(self) -> Iterator[Row]:
        """Give the rows below the header; blank ones are left out.

        Raises:
            FileRefused: A part of the file cannot be read.
        """
        records = self.records()
        next(records)
        judge = _Judge(self.header, clean=self.clean)
        for line, cells, fault in records:
            if fault or any(map(str.strip, cells)):
                yield judge.row(line, cells, fault)


def open_csv(
    path: Path, *, encoding: str | None = None, delimiter: str | None = None, header_row: int | None = None
) -> TableFile:
    """Open a CSV file, after finding out its encoding and delimiter.

    Args:
        path: The file.
        encoding: Its encoding, where it must not be guessed; a mark at the file's beginning counts more.
        delimiter: What stands between its cells, where it must not be guessed.
        header_row: The line of the header, where that is not the first. The header of an error file always is.

    Raises:
        FileRefused: One of its kinds says what is wrong.
    """
    found = detect(path, encoding=encoding, delimiter=delimiter, header_row=header_row)
    table = TableFile(
        path=path,
        header=(),
        digest=found.digest,
        clean=found.clean,
        lines=found.lines,
        guess=found.encoding if found.guessed else None,
        defused=True,
        delimiter=found.delimiter,
        records=lambda: csv_records(path, found),
    )
    return _headed(table, header_row)


def open_with(path: Path, importer: Importer, sheet: str | None = None, *, header_row: int | None = None) -> TableFile:
    """Open a file of another kind, which a plugin reads.

    Args:
        path: The file.
        importer: What reads such files.
        sheet: Which of its tables; None where it is but one.
        header_row: The line of the header, where that is not the first that is not blank.

    Raises:
        FileRefused: Files of this kind have no tables to choose from.
        InputError: The plugin cannot read the file.
    """
    with path.open("rb") as stream:
        digest = file_digest(stream, "sha256").hexdigest()
    if sheet is not None and importer.table is None:
        raise FileRefused(path.name, f"has no sheets: it is read as {importer.name}")
    table = importer.table

    def records() -> Records:
        with importer.rows(path) if sheet is None or table is None else table(path, sheet) as rows:
            for row in rows:
                fault = Fault("", "unreadable_row", row.fault) if row.fault else None
                yield row.line, [_shown(cell) for cell in row.cells], fault

    whole = digest if sheet is None else sha256(f"{digest} {sheet}".encode()).hexdigest()
    return _headed(TableFile(path=path, header=(), digest=whole, clean=False, lines=0, records=records), header_row)


def _headed(table: TableFile, header_row: int | None) -> TableFile:
    """Return a table with the header that its records begin with, or that they have on that line."""
    opened = table.records
    repaired = is_error_header(_peek(opened))
    least = 0 if repaired else header_row or 0

    def records() -> Records:
        found = from_line(opened(), least)
        return without_told(found) if repaired else found

    return attrs.evolve(
        table,
        header=header_of(table.path, records(), least),
        header_row=None if repaired else header_row,
        repaired=repaired,
        records=records,
    )


def _peek(records: Callable[[], Records]) -> Sequence[str]:
    return [cell.strip().lstrip("\ufeff") for cell in next(records(), (0, (), None))[1]]


def with_header(file: TableFile, header: Sequence[str]) -> TableFile:
    """Return a file with other names of its columns.

    Where the file has a header, on the line that `header_row` names, they stand instead of it; else the first line is
    a row.

    Raises:
        BadHeader: The first line has another number of cells.
    """
    if len(header) != len(file.header):
        raise BadHeader(file.name, f"has {len(file.header)} columns, and the map names {len(header)}")

    def records() -> Records:
        found = file.records()
        line = next(found)[0] if file.header_row else 0
        yield line, header, None
        yield from found

    return attrs.evolve(file, header=tuple(header), records=records)


class _Judge:
    """Says what is wrong about the shape of a row."""

    def __init__(self, header: Sequence[str], *, clean: bool) -> None:
        self._header = header
        self._width = len(header)
        self._least = max(at for at, name in enumerate(header, 1) if name)
        self._clean = clean

    def row(self, line: int, cells: Sequence[str], fault: Fault | None) -> Row:
        if fault is None and len(cells) != self._width:
            cells, fault = self._fit(cells)
        if fault is None and cells[0].strip() == self._header[0] and self._repeats(cells):
            fault = Fault("", "repeated_header", "repeats the header")
        if fault is None and not self._clean:
            fault = self._broken(cells)
        return Row(line, cells, fault)

    def _fit(self, cells: Sequence[str]) -> tuple[Sequence[str], Fault | None]:
        """Make up for delimiters at the end that only the header or only the rows have."""
        surplus = cells[self._width :]
        if len(cells) >= self._least and not any(map(str.strip, surplus)):
            return [*cells[: self._width], *[""] * (self._width - len(cells))], None
        reason = f"has {len(cells)} cells where the header has {self._width}"
        return cells, Fault("", "ragged_row", reason)

    def _repeats(self, cells: Sequence[str]) -> bool:
        return [cell.strip() for cell in cells] == list(self._header)

    def _broken(self, cells: Sequence[str]) -> Fault | None:
        for name, cell in zip(self._header, cells, strict=True):
            if not cell.isascii() and _HALF.search(cell):
                return Fault(
                    name, "bad_encoding", "holds bytes that are no text in the file's encoding", readable(cell)
                )
        return None


def readable(text: str) -> str:
    """Return text that can be written as UTF-8: half surrogates and NUL become their escapes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


def _shown(cell: Any) -> str:
    """Return a cell of a typed table as text: whole numbers without a point, dates as ISO 8601."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)


def alike(name: str) -> str:
    """Return a column's name as columns are found by it."""
    return " ".join(name.casefold().split())
