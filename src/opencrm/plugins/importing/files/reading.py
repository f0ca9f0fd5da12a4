"""Rows of a CSV file, one at a time, each with the line on which it begins and with what is wrong about its shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, NamedTuple

import attrs

from opencrm import Importer
from opencrm.plugins.importing.files.records import Records, csv_records
from opencrm.plugins.importing.files.sniffing import detect
from opencrm.plugins.importing.problems import BadHeader, EmptyFile, Fault, FileRefused

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
        records: Opens it and gives its lines.
    """

    path: Path
    header: tuple[str, ...]
    digest: str
    clean: bool
    lines: int
    guess: str | None = None
    defused: bool = False
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
            found = [at for at, name in enumerate(self.header) if _alike(name) == _alike(column)]
        if len(found) == 1:
            return found[0]
        if found:
            raise BadHeader(self.name, f"has the column {column!r} {len(found)} times")
        listed = ", ".join(repr(name) for name in self.header if name)
        raise BadHeader(self.name, f"has no column {column!r} on its first line, only {listed}")

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


def open_csv(path: Path, *, encoding: str | None = None, delimiter: str | None = None) -> TableFile:
    """Open a CSV file, after finding out its encoding and delimiter.

    Raises:
        FileRefused: One of its kinds says what is wrong.
    """
    found = detect(path, encoding=encoding, delimiter=delimiter)

    def records() -> Records:
        return csv_records(path, found)

    return TableFile(
        path=path,
        header=_header(path, records),
        digest=found.digest,
        clean=found.clean,
        lines=found.lines,
        guess=found.encoding if found.guessed else None,
        defused=True,
        records=records,
    )


def open_with(path: Path, importer: Importer, sheet: str | None = None) -> TableFile:
    """Open a file of another kind, which a plugin reads.

    Args:
        path: The file.
        importer: What reads such files.
        sheet: Which of its tables; None where it is but one.

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
    return TableFile(path=path, header=_header(path, records), digest=whole, clean=False, lines=0, records=records)


def with_header(file: TableFile, header: Sequence[str]) -> TableFile:
    """Return a file that has no header as one that has this one; its first line is a row.

    Raises:
        BadHeader: The first line has another number of cells.
    """
    if len(header) != len(file.header):
        raise BadHeader(file.name, f"has {len(file.header)} columns, and the map names {len(header)}")

    def records() -> Records:
        yield 0, header, None
        yield from file.records()

    return attrs.evolve(file, header=tuple(header), records=records)


def _header(path: Path, records: Callable[[], Records]) -> tuple[str, ...]:
    line, cells, fault = next(records(), (0, (), None))
    if fault:
        raise BadHeader(path.name, f"line {line}: {fault.reason}")
    header = tuple(cell.strip().lstrip("\ufeff") for cell in cells)
    if not any(header):
        raise EmptyFile(path.name, "is empty")
    return header


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


def _alike(name: str) -> str:
    return " ".join(name.casefold().split())
