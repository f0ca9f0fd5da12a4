"""The guess of a map for an open file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs

from opencrm.plugins.importing.files.reading import TableFile, alike, with_header
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
    header = distinct(file.header)
    renamed = header != file.header
    if renamed:
        file = with_header(attrs.evolve(file, header_row=file.header_row or 1), header)
    columns = profiles(file.header, file.rows())
    proposed = proposal(columns, entity, around)
    system = slug(plain(Path(file.name).stem), ())
    told = Told(
        name=file.name,
        system=system,
        encoding=file.guess,
        sheet=sheet,
        header_row=file.header_row,
        header=header if renamed else (),
    )
    return written(proposed, told)


def distinct(header: Sequence[str]) -> tuple[str, ...]:
    """Return a header in which no two columns have one name: of several alike, all but the first are numbered."""
    taken: set[str] = {alike(name) for name in header}
    seen: set[str] = set()
    found = []
    for name in header:
        several = (name, *(f"{name} {number}" for number in range(2, len(header) + 2)))
        new = name if not name or alike(name) not in seen else next(it for it in several if alike(it) not in taken)
        seen.add(alike(new))
        taken.add(alike(new))
        found.append(new)
    return tuple(found)
