"""The guess of a map for an open file."""

from __future__ import annotations

from pathlib import Path

from opencrm.plugins.importing.files.reading import TableFile
from opencrm.plugins.importing.guessing.profiling import profiles
from opencrm.plugins.importing.guessing.proposing import Surroundings, proposal
from opencrm.plugins.importing.guessing.words import plain, slug
from opencrm.plugins.importing.guessing.writing import Told, written


def guess(file: TableFile, entity: str | None, around: Surroundings, *, sheet: str | None = None) -> str:
    """Return a map for a file that nobody has described, as TOML to be read and changed.

    Args:
        file: The file.
        entity: What each row is, where it must not be guessed.
        around: What of the workspace matters.
        sheet: The sheet of a workbook that is read.

    Raises:
        NotFound: There is no such entity.
        FileRefused: The file cannot be read.
    """
    columns = profiles(file.header, file.rows())
    proposed = proposal(columns, entity, around)
    system = slug(plain(Path(file.name).stem), ())
    return written(proposed, Told(name=file.name, system=system, encoding=file.guess, sheet=sheet))
