"""The measure of an OpenDocument sheet, in which a cell or a row may say that it is repeated a million times."""

from __future__ import annotations

from typing import TypeAlias
from xml.parsers.expat import ExpatError, ParserCreate

from opencrm.plugins.spreadsheets.archives import Archive
from opencrm.plugins.spreadsheets.problems import BadWorkbook, WorkbookTooLarge

Attributes: TypeAlias = dict[str, str]

_CELLS = ("table:table-cell", "table:covered-table-cell")


class _Meter:
    """Follows the elements of a sheet, and keeps account of the rectangle and of the text that it shows."""

    def __init__(self, archive: Archive, most_cells: int, most_text: int) -> None:
        self._name = archive.name
        self._most_cells, self._most_text = most_cells, most_text
        self._table()

    def _table(self) -> None:
        self._rows = self._width = self._text = 0
        self._row_times = self._cell_times = 1
        self._blank_rows = self._at = self._used = self._row_text = self._cell_text = 0
        self._full = False

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "table:table":
            self._table()
        elif tag == "table:table-row":
            self._row_times = _times(attributes, "table:number-rows-repeated")
            self._at = self._used = self._row_text = 0
        elif tag in _CELLS:
            self._cell_times = _times(attributes, "table:number-columns-repeated")
            self._full, self._cell_text = "office:value-type" in attributes or "table:formula" in attributes, 0
            self._text_of(" ".join(attributes.values()))

    def _text_of(self, text: str) -> None:
        self._cell_text += len(text)

    def characters(self, text: str) -> None:
        self._full = self._full or not text.isspace()
        self._cell_text += len(text)

    def end(self, tag: str) -> None:
        if tag in _CELLS:
            self._at += self._cell_times
            if self._full:
                self._used = self._at
                self._row_text += self._cell_text * self._cell_times
            self._full = False
        elif tag == "table:table-row":
            self._end_row()

    def _end_row(self) -> None:
        self._blank_rows += self._row_times
        if not self._used:
            return
        self._rows, self._blank_rows = self._rows + self._blank_rows, 0
        self._width = max(self._width, self._used)
        self._text += self._row_text * self._row_times
        if self._rows * self._width > self._most_cells:
            text = (
                f"has {self._rows:,} rows and {self._width:,} columns in use; at most {self._most_cells:,} cells may be"
            )
            raise WorkbookTooLarge(self._name, text)
        if self._text > self._most_text:
            raise WorkbookTooLarge(self._name, f"shows more than {self._most_text:,} characters of text")


def measure_ods(archive: Archive, most_cells: int, most_text: int) -> None:
    """Read an OpenDocument sheet once, and refuse what would be too large.

    Raises:
        BadWorkbook: It is damaged.
        WorkbookTooLarge: A sheet would take too much memory.
    """
    meter = _Meter(archive, most_cells, most_text)
    parser = ParserCreate()
    parser.StartElementHandler = meter.start
    parser.EndElementHandler = meter.end
    parser.CharacterDataHandler = meter.characters
    try:
        for block in archive.blocks(archive.members["content.xml"]):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except ExpatError:
        raise BadWorkbook(archive.name, "is damaged, or encrypted: content.xml is not XML") from None


def _times(attributes: Attributes, name: str) -> int:
    text = attributes.get(name, "1").strip()
    return int(text) if text.isdecimal() and len(text) < 12 else 1 if not text.isdecimal() else 10**12
