"""Workbooks: xlsx and ods are read, xlsx is written. Needs the extra `xlsx`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from opencrm import Exporter, Importer, hookimpl

if TYPE_CHECKING:
    from opencrm.embed import Row

_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@hookimpl
def opencrm_register_importers() -> Iterator[Importer]:
    """Read workbooks, one sheet at a time."""
    yield Importer(name="spreadsheet", suffixes=[".xlsx", ".xlsm", ".ods"], rows=_rows, table=_sheet)


@hookimpl
def opencrm_register_exporters() -> Iterator[Exporter]:
    """Write a workbook of one sheet, in which nothing is a formula."""
    yield Exporter(name="xlsx", suffixes=[".xlsx"], write=_write, media_type=_MEDIA_TYPE)


def _rows(path: Path) -> AbstractContextManager[Iterator[Row]]:
    return _sheet(path, "")


def _sheet(path: Path, name: str) -> AbstractContextManager[Iterator[Row]]:
    from opencrm.plugins.spreadsheets.reading import sheet_rows

    return sheet_rows(path, name)


def _write(stream: BinaryIO, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    from opencrm.plugins.spreadsheets.writing import write_xlsx

    write_xlsx(stream, header, rows)
