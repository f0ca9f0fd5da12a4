"""Exports of records: `opencrm export`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from opencrm import Exporter, hookimpl


@hookimpl
def opencrm_register_exporters() -> Iterator[Exporter]:
    """Write CSV: UTF-8, commas, line feeds, formulas made harmless."""
    yield Exporter(name="csv", suffixes=[".csv"], write=_write, media_type="text/csv")


def _write(stream: BinaryIO, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    from opencrm.plugins.exporting.csv_files import write_csv

    write_csv(stream, header, rows)
