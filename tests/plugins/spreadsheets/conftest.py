"""`workbook(...)` and `open_document(...)` make workbooks by hand, so that a test says every byte of one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_BOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


def write_workbook(path: Path, *sheets: str, strings: str = "") -> Path:
    """Write an xlsx file whose sheets hold these rows; `strings` are the shared texts."""
    listed = "".join(f'<sheet name="S{at}" sheetId="{at}" r:id="r{at}"/>' for at, _ in enumerate(sheets, 1))
    links = "".join(
        f'<Relationship Id="r{at}" Type="{_LINKS}/worksheet" Target="worksheets/sheet{at}.xml"/>'
        for at, _ in enumerate(sheets, 1)
    )
    links += f'<Relationship Id="rs" Type="{_LINKS}/sharedStrings" Target="sharedStrings.xml"/>' if strings else ""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        override = f'<Override PartName="/xl/workbook.xml" ContentType="{_BOOK}"/>'
        archive.writestr("[Content_Types].xml", f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">{override}</Types>')
        book = f'<Relationship Id="r1" Type="{_LINKS}/officeDocument" Target="xl/workbook.xml"/>'
        archive.writestr(
            "_rels/.rels", f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{book}</Relationships>'
        )
        archive.writestr(
            "xl/workbook.xml",
            f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets>{listed}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>',
        )
        for at, rows in enumerate(sheets, 1):
            body = rows if rows.startswith("<sheetData>") else f"<sheetData>{rows}</sheetData>"
            archive.writestr(f"xl/worksheets/sheet{at}.xml", f'{_HEAD}<worksheet xmlns="{_MAIN}">{body}</worksheet>')
        if strings:
            archive.writestr("xl/sharedStrings.xml", f'{_HEAD}<sst xmlns="{_MAIN}">{strings}</sst>')
    return path


def write_open_document(path: Path, rows: str, content: str | None = None) -> Path:
    """Write an ods file with one sheet of these rows."""
    office = "urn:oasis:names:tc:opendocument:xmlns"
    names = f'xmlns:office="{office}:office:1.0" xmlns:table="{office}:table:1.0" xmlns:text="{office}:text:1.0"'
    body = f'<office:spreadsheet><table:table table:name="T">{rows}</table:table></office:spreadsheet>'
    text = (
        content
        or f"{_HEAD}<office:document-content {names}><office:body>{body}</office:body></office:document-content>"
    )
    manifest = f'<manifest:manifest xmlns:manifest="{office}:manifest:1.0"/>'
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", manifest)
        archive.writestr("content.xml", text)
    return path


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[..., Path]:
    """`workbook(rows, ...)` is an xlsx file with a sheet for each argument."""
    return lambda *sheets, strings="": write_workbook(tmp_path / "a.xlsx", *sheets, strings=strings)


@pytest.fixture
def open_document(tmp_path: Path) -> Callable[..., Path]:
    """`open_document(rows)` is an ods file with one sheet."""
    return lambda rows, content=None: write_open_document(tmp_path / "a.ods", rows, content)
