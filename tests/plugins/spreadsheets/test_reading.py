"""Workbooks as they come out of other programs: typed cells, several sheets, bombs and ruins."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from struct import pack_into
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
import xlsxwriter

from opencrm import ConfigurationError, InputError
from opencrm.plugins.spreadsheets.extra import module_of_extra
from opencrm.plugins.spreadsheets.problems import BadWorkbook, WorkbookTooLarge
from opencrm.plugins.spreadsheets.reading import sheet_rows

MAY = datetime.fromisoformat("2024-05-06")
DAWN = datetime.fromisoformat("2024-01-02T09:20:17")
Make = Callable[..., Path]
CELL = '<table:table-cell office:value-type="{}" {}><text:p>{}</text:p></table:table-cell>'


def read(path: Path, sheet: str = "") -> list[tuple[int, list[Any]]]:
    with sheet_rows(path, sheet) as rows:
        return [(row.line, list(row.cells)) for row in rows]


def cells(path: Path, sheet: str = "") -> list[list[Any]]:
    return [found for _, found in read(path, sheet)]


def written(path: Path, *rows: list[Any]) -> Path:
    """Write a workbook as Excel would."""
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("Data")
    formats = {
        date: book.add_format({"num_format": "dd.mm.yyyy"}),
        datetime: book.add_format({"num_format": "dd.mm.yyyy hh:mm:ss"}),
        time: book.add_format({"num_format": "hh:mm:ss"}),
        timedelta: book.add_format({"num_format": "[h]:mm:ss"}),
    }
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            if type(cell) in formats:
                sheet.write_datetime(at, column, cell, formats[type(cell)])
            elif isinstance(cell, str) and not cell.startswith("="):
                sheet.write_string(at, column, cell)
            elif cell is not None:
                sheet.write(at, column, cell)
    book.close()
    return path


def test_cells_keep_their_types(tmp_path: Path) -> None:
    """Dates, times, numbers without noise, yes and no, text with its zeros and blanks."""
    row = [date(2024, 1, 2), DAWN, time(9, 20, 17), timedelta(hours=27, minutes=30)]
    path = written(tmp_path / "a.xlsx", list("abcd"), row, [5, 0.1 + 0.2, 1e300, True], ["00123", " x ", False, -2.5])
    assert cells(path)[1:] == [
        [date(2024, 1, 2), DAWN, time(9, 20, 17), "27:30:00"],
        [5, Decimal("0.3"), Decimal("1E+300"), "true"],
        ["00123", " x ", "false", Decimal("-2.5")],
    ]


def test_every_second_of_a_day_is_read_as_it_was_written(tmp_path: Path) -> None:
    """A fraction of a day hits a second but nearly; none is lost by that."""
    moments = [MAY + timedelta(seconds=each) for each in range(1, 86_400, 601)]
    path = written(tmp_path / "a.xlsx", ["at"], *[[each] for each in moments])
    assert [found for [found] in cells(path)[1:]] == moments


def test_a_formula_gives_the_value_that_the_program_kept(workbook: Make) -> None:
    """Nothing is calculated; a cell with an error costs its row, which names it."""
    sheet = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>n</t></is></c><c r="B1" t="str"><v>m</v></c></row>'
        '<row r="2"><c r="A2"><f>1+1</f><v>2</v></c><c r="B2" t="str"><f>"a"</f><v>abc</v></c></row>'
        '<row r="3"><c r="A3"><v>1</v></c><c r="B3" s="0" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
    )
    with sheet_rows(workbook(sheet), "") as rows:
        found = [(list(row.cells), row.fault) for row in rows]
    assert found[1] == ([2, "abc"], None)
    assert found[2][1] == "holds an error in the cell B3"


def test_lines_are_those_that_the_program_shows(tmp_path: Path) -> None:
    """The header is the first row that is not blank; blank rows between count."""
    path = written(tmp_path / "a.xlsx", [None], [None, None], [None, "name", "n"], [None], [None, "Ann", 5])
    assert read(path) == [(3, ["name", "n"]), (4, [None, None]), (5, ["Ann", 5])]


def test_cells_merged_downwards_hold_for_each_row(tmp_path: Path) -> None:
    """What was merged across stays in its first cell."""
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    sheet = book.add_worksheet()
    for column, name in enumerate(("firm", "person", "note")):
        sheet.write(0, column, name)
    sheet.merge_range(1, 0, 3, 0, "Acme")
    for at, name in enumerate(("Ann", "Bob", "Cy"), 1):
        sheet.write(at, 1, name)
    sheet.merge_range(4, 0, 4, 1, "Beta")
    sheet.write(4, 2, "x")
    book.close()
    found = cells(tmp_path / "a.xlsx")[1:]
    assert found == [["Acme", "Ann", None], ["Acme", "Bob", None], ["Acme", "Cy", None], ["Beta", None, "x"]]


def test_of_several_sheets_one_is_named(workbook: Make) -> None:
    """Blank and hidden ones do not count; without a name, two sheets with cells are refused."""
    one, two = '<row r="1"><c r="A1"><v>1</v></c></row>', '<row r="1"><c r="A1"><v>2</v></c></row>'
    path = workbook("", one)
    assert cells(path) == [[1]]
    path = workbook(one, two)
    with pytest.raises(BadWorkbook, match=r"several sheets, 'S1', 'S2': say which, as a\.xlsx#S1"):
        read(path)
    assert (cells(path, "S2"), cells(path, " s1")) == ([[2]], [[1]])
    with pytest.raises(BadWorkbook, match="has no sheet 'S3', only 'S1', 'S2'"):
        read(path, "S3")
    with pytest.raises(BadWorkbook, match="is empty"):
        read(workbook("", ""))


def test_open_document_sheets_are_read_too(open_document: Make) -> None:
    """Repeated cells and rows stand there as often as they say, trailing blank ones not at all."""
    number = CELL.format("float", 'office:value="1.5"', "1,5")
    day = CELL.format("date", 'office:date-value="2024-01-02"', "2.1.24")
    rows = (
        f"<table:table-row>{CELL.format('string', '', 'n')}{CELL.format('string', '', 'd')}</table:table-row>"
        f'<table:table-row table:number-rows-repeated="2">{number}{day}</table:table-row>'
        '<table:table-row table:number-rows-repeated="1048573">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    found = cells(open_document(rows))
    assert found == [["n", "d"], *[[Decimal("1.5"), date(2024, 1, 2)]] * 2]


BOMB = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"{}><v>1</v></c></row>'


@pytest.mark.parametrize("more", ["", ' t="n"', " x='/>'"])
def test_a_far_cell_is_refused_before_it_is_laid_out(more: str, workbook: Make) -> None:
    """Two cells in a file of two kilobytes make a rectangle of half a terabyte."""
    path = workbook(BOMB.format(more))
    with pytest.raises(WorkbookTooLarge, match="1,048,576 rows and 16,384 columns"):
        read(path)


def test_a_far_cell_that_has_but_a_format_is_nothing(workbook: Make) -> None:
    """Programs leave such cells behind."""
    sheet = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576" s="1"/></row>'
    assert cells(workbook(sheet)) == [[1]]


def test_a_long_text_shown_in_many_cells_is_refused(workbook: Make) -> None:
    """The file holds it once; memory would hold it in each cell."""
    row = "".join('<c t="s"><f></f><v>0</v></c>' if at % 2 else '<c t="s"><v>0</v></c>' for at in range(4_000))
    path = workbook(f'<row r="1">{row}</row>', strings=f"<si><t>{'x' * 200_000}</t></si>")
    with pytest.raises(WorkbookTooLarge, match="bytes of text"):
        read(path)


def test_an_archive_of_many_files_is_no_workbook(tmp_path: Path) -> None:
    """However small they are; it is said how many."""
    with ZipFile(tmp_path / "x.xlsx", "w") as archive:
        for number in range(20_000):
            archive.writestr(str(number), "")
    with pytest.raises(WorkbookTooLarge, match="holds 20,000 files"):
        read(tmp_path / "x.xlsx")


def test_what_would_be_huge_once_unpacked_is_not_unpacked(tmp_path: Path) -> None:
    """The directory's own word is enough to refuse it."""
    path = tmp_path / "a.xlsx"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"<row/>" * 5_000_000)
    assert path.stat().st_size < 300_000
    with pytest.raises(WorkbookTooLarge, match="times as large"):
        read(path)


def test_a_directory_that_tells_less_is_not_believed(workbook: Make) -> None:
    """A member that inflates to more than is announced is refused after that many bytes."""
    path = workbook("<row/>" * 1_000_000)
    data = bytearray(path.read_bytes())
    name = b"xl/worksheets/sheet1.xml"
    entry = data.rindex(name) - 46
    assert data[entry : entry + 4] == b"PK\x01\x02"
    pack_into("<L", data, entry + 24, 500)
    path.write_bytes(data)
    with pytest.raises(BadWorkbook, match="another size"):
        read(path)


ODS_BOMBS = {
    "cells": '<table:table-row table:number-rows-repeated="1048576"><table:table-cell office:value-type="float" '
    'office:value="1" table:number-columns-repeated="16384"/></table:table-row>',
    "text": '<table:table-row><table:table-cell office:value-type="string" table:number-columns-repeated="16384">'
    f"<text:p>{'x' * 100_000}</text:p></table:table-cell></table:table-row>",
}


@pytest.mark.parametrize("kind", ODS_BOMBS)
def test_what_is_repeated_a_million_times_is_refused(kind: str, open_document: Make) -> None:
    """In OpenDocument one cell can say so."""
    with pytest.raises(WorkbookTooLarge):
        read(open_document(ODS_BOMBS[kind]))


def test_entities_are_not_unfolded(open_document: Make) -> None:
    """A billion laughs are refused, and quickly."""
    levels = "".join(f'<!ENTITY l{at} "{f"&l{at - 1};" * 10}">' for at in range(1, 12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{levels}]><x>&l11;</x>'
    with pytest.raises(BadWorkbook):
        read(open_document("", bomb))


RUINS = {
    "empty": b"",
    "text": b"name,city\nAnn,Graz\n",
    "half a zip": b"PK\x03\x04\x14\x00junk",
    "old or encrypted": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
    "picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
}


@pytest.mark.parametrize("kind", RUINS)
def test_what_is_no_workbook_is_refused_with_its_name(tmp_path: Path, kind: str) -> None:
    """An InputError with a code; never a traceback."""
    path = tmp_path / "a.xlsx"
    path.write_bytes(RUINS[kind])
    with pytest.raises(BadWorkbook, match=r"a\.xlsx") as caught:
        read(path)
    assert caught.value.code == "bad_workbook"


def test_a_broken_byte_anywhere_is_read_or_refused(tmp_path: Path) -> None:
    """Whatever byte of a workbook is changed, or wherever it ends: rows, or an InputError."""
    good = written(tmp_path / "good.xlsx", ["a", "b"], ["x", 5]).read_bytes()
    for at in range(0, len(good), 41):
        for data in (good[:at], good[:at] + bytes([good[at] ^ 0x5A]) + good[at + 1 :]):
            path = tmp_path / "bad.xlsx"
            path.write_bytes(data)
            try:
                read(path)
            except InputError:
                continue


def test_a_zip_of_other_things_is_no_workbook(tmp_path: Path) -> None:
    """A Word document, or any archive."""
    with ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    with pytest.raises(BadWorkbook):
        read(tmp_path / "a.xlsx")


def test_without_the_extra_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways name the command that helps."""
    for module in ("python_calamine", "xlsxwriter"):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ConfigurationError, match=r"pip install opencrm\[xlsx\]"):
            module_of_extra(module)


def test_listing_plugins_loads_no_extra() -> None:
    """A workspace without the extra starts."""
    code = "import sys, opencrm.plugins.spreadsheets as s; list(s.opencrm_register_importers()); "
    code += "assert not {'python_calamine', 'xlsxwriter'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_times_that_opencrm_wrote_are_in_utc(tmp_path: Path) -> None:
    """Its mark in the workbook says so; others' times have no zone."""
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    book.set_custom_property("opencrm times", "UTC")
    sheet = book.add_worksheet()
    sheet.write(0, 0, "at")
    sheet.write_datetime(1, 0, DAWN, book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}))
    book.close()
    assert cells(tmp_path / "a.xlsx")[1] == [DAWN.replace(tzinfo=UTC)]
