"""JSON lines: one object a line, read and written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from opencrm import Exporter, Importer, hookimpl

if TYPE_CHECKING:
    from opencrm.embed import Row

_SUFFIXES = (".jsonl", ".ndjson")


@hookimpl
def opencrm_register_importers() -> Iterator[Importer]:
    """Read JSON lines; what an object holds inside becomes columns such as `points[0].value`."""
    yield Importer(name="jsonlines", suffixes=_SUFFIXES, rows=_rows)


@hookimpl
def opencrm_register_exporters() -> Iterator[Exporter]:
    """Write JSON lines: UTF-8, one object for each record."""
    yield Exporter(name="jsonlines", suffixes=_SUFFIXES, write=_write, media_type="application/x-ndjson")


def _rows(path: Path) -> AbstractContextManager[Iterator[Row]]:
    from opencrm.plugins.jsonlines.reading import object_rows

    return object_rows(path)


def _write(stream: BinaryIO, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    from opencrm.plugins.jsonlines.writing import write_objects

    write_objects(stream, header, rows)
