"""Which line of a file is its header, and what stands before the cells in an error file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import dropwhile, islice
from pathlib import Path

from opencrm.plugins.importing.files.records import Records
from opencrm.plugins.importing.problems import BadHeader, EmptyFile, Fault

ERROR_COLUMNS = ("row", "column", "reason", "value", "code")
"""What stands before the original cells in an error file; `row` is the number of the physical line."""

_LOOKED_AT = 60
_LEAST_WIDTH = 3


def header_of(path: Path, records: Records, least: int) -> tuple[str, ...]:
    """Return the names of the columns; `least` is the line on which they were sought.

    Raises:
        BadHeader: The line cannot be read.
        EmptyFile: There is none.
    """
    line, cells, fault = next(records, (0, (), None))
    if fault:
        raise BadHeader(path.name, f"line {line}: {fault.reason}")
    header = tuple(cell.strip().lstrip("\ufeff") for cell in cells)
    if not any(header):
        raise EmptyFile(path.name, "is empty" if least < 2 else f"has no header on line {least}")
    return header


def from_line(records: Records, least: int) -> Records:
    """Give the records from this line on, beginning with one that is not blank."""
    return dropwhile(lambda it: it[0] < least or (it[2] is None and not any(map(str.strip, it[1]))), records)


def titled(records: Records) -> int | None:
    """Return the line of the header where lines with a single cell stand above it, such as a title; else None."""
    some: Iterator[tuple[int, Sequence[str]]] = ((line, cells) for line, cells, _ in islice(records, _LOOKED_AT))
    filled = [(line, found) for line, cells in some if (found := [cell.strip() for cell in cells if cell.strip()])]
    width = max((len(found) for _, found in filled), default=0)
    if width < _LEAST_WIDTH or len(filled[0][1]) > 1:
        return None
    at = next(at for at, (_, found) in enumerate(filled) if len(found) > 1 and 5 * len(found) >= 4 * width)
    line, header = filled[at]
    below = [len(found) > 1 for _, found in filled[at + 1 :]]
    unlike = len({text.casefold() for text in header}) == len(header)
    return line if unlike and 2 * sum(below) >= len(below) else None


def is_error_header(header: Sequence[str]) -> bool:
    """Say whether a header is that of an error file."""
    return tuple(header[: len(ERROR_COLUMNS)]) == ERROR_COLUMNS and len(header) > len(ERROR_COLUMNS)


def without_told(records: Records) -> Records:
    """Give an error file's records as they were in the original file."""
    count = len(ERROR_COLUMNS)
    for line, cells, fault in records:
        lost = Fault("", "ragged_row", "has no cells of the original row") if len(cells) <= count else None
        yield line, cells[count:], fault or lost
