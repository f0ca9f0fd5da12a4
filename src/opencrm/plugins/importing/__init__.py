"""Imports of files through maps: `opencrm import`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from opencrm import Importer, hookimpl

if TYPE_CHECKING:
    from opencrm.embed import Row


@hookimpl
def opencrm_register_importers() -> Iterator[Importer]:
    """Read CSV, in whatever encoding and with whatever delimiter it comes."""
    yield Importer(name="csv", suffixes=[".csv", ".tsv", ".tab", ".txt"], rows=_rows)


@contextmanager
def _rows(path: Path) -> Iterator[Iterator[Row]]:
    from opencrm import embed
    from opencrm.plugins.importing.files.reading import open_csv

    file = open_csv(path)
    yield (embed.Row(line, cells, fault.reason if fault else None) for line, cells, fault in file.records())
