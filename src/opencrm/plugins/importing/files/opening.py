"""Opens a file by its kind, as a map or the command says."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import attrs

from opencrm import Importer
from opencrm.plugins.importing.files.headers import titled
from opencrm.plugins.importing.files.reading import TableFile, open_csv, open_with, with_header
from opencrm.plugins.importing.mapping.maps import FileMap
from opencrm.plugins.importing.problems import FileRefused

_TEXT = (".csv", ".tsv", ".tab", ".txt", "")


@attrs.frozen(kw_only=True)
class Opener:
    """Opens files.

    Args:
        importers: What reads files that are no CSV.
        sheet: The sheet of a workbook, where the map does not say.
        encoding: The files' encoding, where it must not be guessed.
        delimiter: What stands between cells, where it must not be guessed.
    """

    importers: Iterable[Importer]
    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None

    def open(self, path: Path, file: FileMap | None = None) -> TableFile:
        """Open a file; of an error file, what the map says of the shape of the original file does not count.

        Raises:
            FileRefused: It is not there, or cannot be read.
            InputError: A plugin that reads such files refuses it.
        """
        if not path.is_file():
            raise FileRefused(path.name, f"there is no such file: {path}")
        table = self._opened(path, file, file.header_row if file else None)
        return with_header(table, file.header) if file is not None and file.header and not table.repaired else table

    def open_unknown(self, path: Path) -> TableFile:
        """Open a file that nobody has described; its header may stand below a title.

        Raises:
            FileRefused: It is not there, or cannot be read.
            InputError: A plugin that reads such files refuses it.
        """
        table = self.open(path)
        line = titled(table.records())
        return table if line is None else self._opened(path, None, line)

    def _opened(self, path: Path, file: FileMap | None, header_row: int | None) -> TableFile:
        suffix = path.suffix.lower()
        other = next((each for each in self.importers if suffix in each.suffixes), None)
        sheet = self.sheet or (file.sheet if file else None)
        if other is not None and suffix not in _TEXT:
            return open_with(path, other, sheet, header_row=header_row)
        encoding = self.encoding or (file.encoding if file else None)
        delimiter = self.delimiter or (file.delimiter if file else None)
        table = open_csv(path, encoding=encoding, delimiter=delimiter, header_row=header_row)
        if sheet is not None and not table.repaired:
            raise FileRefused(path.name, "has no sheets: it is text")
        return table
