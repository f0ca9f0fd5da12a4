"""How much memory a workbook would take, found out by reading its XML in blocks.

A reader of workbooks lays a sheet out as a rectangle and copies a shared text into each cell that shows it, so that a
file of a few kilobytes can ask for hundreds of gigabytes. Here the rectangle and the texts are measured beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from zipfile import ZipInfo

import attrs

from opencrm.plugins.spreadsheets.archives import IN_UTC, Archive
from opencrm.plugins.spreadsheets.open_document import measure_ods
from opencrm.plugins.spreadsheets.problems import BadWorkbook, WorkbookTooLarge

MOST_CELLS = 5_000_000
"""Cells of a sheet: its rows times its columns, from A1 to the last cell that is in use."""

MOST_TEXT = 512 * 1024 * 1024
"""Bytes of text that a sheet may show."""

_TAIL = 64 * 1024
_OVERLAP = 256
_STRING_END = re.compile(rb"</(?:\w+:)?si>")
_CELL = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{1,9})([0-9]{1,12})["'](?!(?:\s+s="[0-9]+")?\s*/>)""")
_ERROR = re.compile(rb"""\sr="([A-Z]{1,3})([0-9]{1,7})"[^>]*\st="e\"""")
_SHARED = re.compile(rb"""\st\s*=\s*["']s["']""")
_SHOWN = re.compile(rb"""\st\s*=\s*["']s["'][^>]*>\s*<(?:\w+:)?v[^>]*>\s*([0-9]{1,9})""")


@attrs.frozen
class Measured:
    """What is known of a workbook before it is read.

    Attributes:
        errors: By member, the cells that hold an error such as `#N/A`, as row (from 1) and column letters.
        utc: Whether opencrm wrote it, so that its times are in UTC.
    """

    errors: dict[str, list[tuple[int, str]]]
    utc: bool


def measure(archive: Archive) -> Measured:
    """Read everything once, and refuse what would be too large.

    Raises:
        BadWorkbook: It is damaged, or not in the form in which programs write it.
        WorkbookTooLarge: A sheet would take too much memory.
    """
    if "content.xml" in archive.members:
        measure_ods(archive, MOST_CELLS, MOST_TEXT)
        return Measured({}, utc=False)
    texts = _lengths(archive)
    errors: dict[str, list[tuple[int, str]]] = {}
    utc = False
    for name, member in archive.members.items():
        if _is_strings(name):
            continue
        if found := _sheet(archive, member, texts):
            errors[name] = found
        if name == "docProps/custom.xml":
            utc = IN_UTC.encode() in b"".join(archive.blocks(member))
    return Measured(errors, utc)


def _is_strings(name: str) -> bool:
    return name.lower().endswith("sharedstrings.xml")


def _lengths(archive: Archive) -> list[int]:
    """Return about how many bytes each shared text has."""
    lengths: list[int] = []
    for name, member in archive.members.items():
        begin = 0
        for at, part in _parts(archive, member) if _is_strings(name) else ():
            for end in _STRING_END.finditer(part):
                lengths.append(at + end.end() - begin)
                begin = at + end.end()
    return lengths


def _sheet(archive: Archive, member: ZipInfo, texts: list[int]) -> list[tuple[int, str]]:
    """Measure what may be a sheet; return its cells with errors."""
    rows = columns = shown = 0
    longest = max(texts, default=0)
    errors: list[tuple[int, str]] = []
    for _, part in _parts(archive, member):
        cells = _CELL.findall(part)
        if cells:
            rows = max(rows, *(int(row) for _, row in cells))
            columns = max(columns, *map(_column, {letters for letters, _ in cells}))
        shared = len(_SHARED.findall(part))
        if shared:
            named = [int(each) for each in _SHOWN.findall(part)]
            shown += sum(texts[at] for at in named if at < len(texts)) + (shared - len(named)) * longest
        errors += [(int(row), letters.decode()) for letters, row in _ERROR.findall(part)]
        if rows * columns > MOST_CELLS:
            text = f"has {rows:,} rows and {columns:,} columns in use; at most {MOST_CELLS:,} cells may be"
            raise WorkbookTooLarge(archive.name, text)
        if shown > MOST_TEXT:
            raise WorkbookTooLarge(archive.name, f"shows more than {MOST_TEXT:,} bytes of text")
    return errors


def _parts(archive: Archive, member: ZipInfo) -> Iterator[tuple[int, bytes]]:
    """Give a member's bytes with their position, cut where no tag is open."""
    rest, at = b"", 0
    for block in archive.blocks(member):
        if at == 0 and not rest and block.startswith((b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")):
            raise BadWorkbook(archive.name, f"is not readable: {member.filename} is not UTF-8")
        data = rest + block
        cut = data.rfind(b"</", max(0, len(data) - _TAIL))
        cut = cut if cut > 0 else max(0, len(data) - _OVERLAP)
        yield at, data[:cut]
        rest, at = data[cut:], at + cut
    yield at, rest


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number
