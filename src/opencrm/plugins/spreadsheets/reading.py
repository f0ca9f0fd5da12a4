"""Rows of one sheet, typed as the sheet's cells are."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from opencrm.embed import Row
from opencrm.plugins.spreadsheets.archives import Archive, opened
from opencrm.plugins.spreadsheets.extra import module_of_extra
from opencrm.plugins.spreadsheets.measuring import Measured, measure
from opencrm.plugins.spreadsheets.problems import BadWorkbook

_WHOLE = 10**15
_RELATIONS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@contextmanager
def sheet_rows(path: Path, sheet: str) -> Iterator[Iterator[Row]]:
    """Open a workbook and give the rows of a sheet, from the first that is not blank.

    Args:
        path: The file.
        sheet: The sheet's name; empty where the workbook has one sheet with cells, and no other.

    Raises:
        ConfigurationError: The extra is not installed.
        BadWorkbook: It cannot be read, has no such sheet, or several and none is named.
        WorkbookTooLarge: It would take too much memory.
    """
    calamine = module_of_extra("python_calamine")
    with opened(path) as archive:
        measured = measure(archive)
        errors = _errors(archive, measured)
    try:
        with calamine.CalamineWorkbook.from_path(path) as workbook:
            found = _chosen(workbook, sheet, path, calamine.SheetVisibleEnum.Visible)
            yield _rows(found, errors.get(found.name, {}), utc=measured.utc)
    except calamine.PasswordError:
        raise BadWorkbook(path.name, "is encrypted: save it without a password") from None
    except calamine.CalamineError as error:
        raise BadWorkbook(path.name, f"cannot be read: {error}") from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # What a fault inside the reader becomes; it is no Exception.
            raise
        raise BadWorkbook(path.name, "cannot be read: it is damaged") from None


def _chosen(workbook: Any, name: str, path: Path, visible: Any) -> Any:
    """Return the sheet to read; of several that hold cells, one must be named."""
    names: list[str] = workbook.sheet_names
    listed = ", ".join(repr(each) for each in names)
    if name:
        found = [each for each in names if each == name] or [each for each in names if _same(each, name)]
        if not found:
            raise BadWorkbook(path.name, f"has no sheet {name!r}, only {listed}")
        return workbook.get_sheet_by_name(found[0])
    sheets = [workbook.get_sheet_by_name(names[0])] if len(names) == 1 else _full(workbook, visible)
    if len(sheets) > 1:
        raise BadWorkbook(path.name, f"has several sheets, {listed}: say which, as {path.name}#{names[0]}")
    if not sheets:
        raise BadWorkbook(path.name, "is empty")
    return sheets[0]


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _full(workbook: Any, visible: Any) -> list[Any]:
    """Return the visible sheets that hold cells."""
    seen = [each.name for each in workbook.sheets_metadata if each.visible == visible]
    sheets = (workbook.get_sheet_by_name(name) for name in seen)
    return [sheet for sheet in sheets if sheet.end is not None]


def _rows(sheet: Any, errors: dict[int, list[str]], *, utc: bool) -> Iterator[Row]:
    merged = _merged_down(sheet)
    first = 0
    above: dict[int, Any] = {}
    for line, raw in enumerate(sheet.iter_rows(), 1):
        cells = [_typed(cell, utc=utc) for cell in raw]
        if not first and all(cell is None for cell in cells):
            continue
        first = first or line
        for at in merged.get(line, ()) if line > first + 1 else ():
            cells[at] = above.get(at) if cells[at] is None else cells[at]
        above = dict(enumerate(cells)) if merged else above
        wrong = errors.get(line) if line > first else None
        yield Row(line, cells, f"holds an error in the cell {', '.join(wrong)}" if wrong else None)


def _merged_down(sheet: Any) -> dict[int, list[int]]:
    """Return, by line, the columns whose cell is merged with the one above: it holds the same value."""
    offset = sheet.start[1] if sheet.start else 0
    found: dict[int, list[int]] = {}
    for (top, left), (bottom, _right) in sheet.merged_cell_ranges or ():
        for row in range(top + 1, min(bottom, sheet.total_height - 1) + 1) if left >= offset else ():
            found.setdefault(row + 1, []).append(left - offset)
    return found


def _typed(cell: Any, *, utc: bool) -> Any:
    """Return a cell as a value that becomes text without loss."""
    if cell == "" or cell is None:
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return _number(cell)
    if isinstance(cell, datetime):
        return _instant(cell, utc=utc)
    if isinstance(cell, timedelta):
        return _clock(cell)
    return cell.replace(microsecond=0) if isinstance(cell, time) else cell


def _number(number: float) -> Any:
    """Return a number to 15 digits, which is what a spreadsheet shows: 0.1 + 0.2 is 0.3."""
    if isinstance(number, int) or (number.is_integer() and abs(number) < _WHOLE):
        return int(number)
    short = Decimal(f"{number:.15g}")
    return short if abs(short.adjusted()) > 40 else Decimal(f"{short:f}")


def _instant(moment: datetime, *, utc: bool) -> date:
    """Return a time to the second, which a fraction of a day hits but nearly; a midnight is a date."""
    whole = (moment + timedelta(milliseconds=500)).replace(microsecond=0) if moment.microsecond else moment
    if utc:
        return whole.replace(tzinfo=UTC)
    return whole if whole.time() != time() else whole.date()


def _clock(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _errors(archive: Archive, measured: Measured) -> dict[str, dict[int, list[str]]]:
    """Return the cells with errors by sheet and line."""
    found: dict[str, dict[int, list[str]]] = {}
    for sheet, member in (_members(archive) if measured.errors else {}).items():
        for row, letters in measured.errors.get(member, ()):
            found.setdefault(sheet, {}).setdefault(row, []).append(f"{letters}{row}")
    return found


def _members(archive: Archive) -> dict[str, str]:
    """Return the member of each sheet of an xlsx file."""
    try:
        book = _tree(archive, "xl/workbook.xml")
        links = {each.get("Id"): each.get("Target") or "" for each in _tree(archive, "xl/_rels/workbook.xml.rels")}
    except (KeyError, ElementTree.ParseError):
        return {}
    sheets = [each for each in book.iter() if each.tag.endswith("}sheet")]
    targets = {each.get("name") or "": links.get(each.get(_RELATIONS), "") for each in sheets}
    return {name: _absolute(target) for name, target in targets.items()}


def _tree(archive: Archive, name: str) -> ElementTree.Element:
    return ElementTree.fromstring(b"".join(archive.blocks(archive.members[name])))


def _absolute(target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
