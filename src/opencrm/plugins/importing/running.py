"""One import from beginning to end: everything is judged before the first row is written."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path

import attrs

from opencrm import CRM, Principal
from opencrm.embed import Spec, jobs_of
from opencrm.plugins.importing.chunks import Progress
from opencrm.plugins.importing.doors import Doors
from opencrm.plugins.importing.engine import FileImport
from opencrm.plugins.importing.files.opening import Opener
from opencrm.plugins.importing.files.reading import TableFile
from opencrm.plugins.importing.mapping.automatic import map_of_header
from opencrm.plugins.importing.mapping.checking import check_map
from opencrm.plugins.importing.mapping.custom_fields import bring_fields
from opencrm.plugins.importing.mapping.knowing import known_to
from opencrm.plugins.importing.mapping.map_files import read_map
from opencrm.plugins.importing.mapping.maps import OWN, FileMap, Map
from opencrm.plugins.importing.problems import BadMap
from opencrm.plugins.importing.report import ErrorFile
from opencrm.plugins.importing.rows.planning import FilePlan, Workplace, plan_file

Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Opens a progress bar: a label and a number of steps; gives a function that is told how many more are done."""

_ERRORS_OF = re.compile(r"(?P<name>.+?)(\.(?P<number>[1-9][0-9]{0,2}))?\.errors\.csv")


@attrs.frozen(kw_only=True)
class Wish:
    """What is to be imported.

    Args:
        path: A file, or the folder of a map with several files.
        sheet: The sheet of a workbook, where the map does not say.
        map: The map's file; None for a file whose columns are called like the fields.
        entity: Name of the entity of rows that the map says nothing of.
        encoding: The files' encoding, where it must not be guessed.
        delimiter: What stands between cells, where it must not be guessed.
        dry_run: Whether everything is taken back in the end.
    """

    path: Path
    sheet: str | None = None
    map: Path | None = None
    entity: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    dry_run: bool = False


@attrs.frozen
class Outcome:
    """What became of one file.

    Attributes:
        file: Its name.
        progress: Its rows.
        errors: The error file, if rows stay out.
        before: When the same file was imported before, as a date; None if it was not.
        guess: Its encoding, where that is a guess.
    """

    file: str
    progress: Progress
    errors: Path | None
    before: str | None
    guess: str | None


def run_import(crm: CRM, principal: Principal, wish: Wish, bar: Bar) -> list[Outcome]:
    """Import files; rows that cannot be written go to an error file beside each, the others are kept.

    Raises:
        BadMap, FileRefused: Nothing was written.
        NotFound: There is no such entity.
        ConflictError, ConfigurationError: The database went away; run it again, and it goes on.
    """
    each = None if wish.map is None else read_map(wish.map, _entity_name(crm, wish))
    named = OWN if each is None else each.system or each.name
    reacting = each is not None and each.automations
    origin = f"{'import with automations' if reacting else 'import'}:{named}"[:200]  # Dry runs of rules go by it.
    doors = Doors(crm=crm, principal=principal, origin=origin, automations=reacting)
    if not wish.dry_run:
        return _bring_in(doors, each, wish, bar)
    with doors.dry() as trial:
        return _bring_in(trial, each, wish, bar)


def propose_map(crm: CRM, principal: Principal, wish: Wish) -> str:
    """Return a map for a file that nobody has described, as TOML to be read and changed.

    Args:
        crm: The workspace.
        principal: Whoever asks: fields that they may not read are not proposed.
        wish: The file.

    Raises:
        FileRefused: The file cannot be read.
        NotFound: There is no such entity.
    """
    from opencrm.plugins.importing.guessing.guess import guess
    from opencrm.plugins.importing.guessing.proposing import Surroundings

    with crm.read(principal) as reader:
        catalogue, schemas = known_to(reader, reader.configuration)
    around = Surroundings(catalogue, schemas, crm.configuration.locale.currency)
    return guess(_opener(crm, wish).open_unknown(wish.path), wish.entity, around, sheet=wish.sheet)


def _bring_in(doors: Doors, each: Map | None, wish: Wish, bar: Bar) -> list[Outcome]:
    made = bring_fields(each, doors) if each is not None else 0
    with doors.anew() as now:
        each, plans = _plans(now, each, wish)
        places = _error_paths([plan.file.path for plan in plans])
        together = now.together() if len(plans) > 1 else now
        found = [_run(together, plan, each, bar, errors) for plan, errors in zip(plans, places, strict=True)]
    if made and doors.trial is None:
        list(doors.crm.build_indexes())
    return found


def _entity_name(crm: CRM, wish: Wish) -> str | None:
    return crm.catalogue.entity(wish.entity).name if wish.entity else None


def _plans(doors: Doors, each: Map | None, wish: Wish) -> tuple[Map, list[FilePlan]]:
    configuration, crm = doors.configuration, doors.crm
    with crm.read(doors.principal) as reader:
        user, unit = reader.rights.user_id, reader.rights.home
        catalogue, schemas = known_to(reader, configuration)
    place = Workplace(configuration.catalogue, configuration.schemas, user, unit, configuration.locale.zone)
    entity = catalogue.entity(wish.entity) if wish.entity else None
    if each is None:
        if entity is None:
            raise BadMap("map", "say an entity or a map")
        file = _opener(crm, wish).open(wish.path)
        each = map_of_header(entity, file, schemas)
        opened = [(each.files[0], file)]
    else:
        _check_entity(each, entity)
        check_map(each, catalogue, schemas)
        opened = [(file, _opener(crm, wish).open(path, file)) for file, path in _chosen(each, wish.path)]
    return each, [plan_file(each, file, table, place) for file, table in opened]


def _check_entity(each: Map, entity: Spec | None) -> None:
    """Refuse a map that says nothing of the entity that is asked for."""
    told = [target.entity for file in each.files for target in file.targets]
    if entity is not None and not {entity.name, entity.plural} & set(told):
        raise BadMap(each.name, f"brings in {', '.join(dict.fromkeys(told))}, and no {entity.name}")


def _chosen(each: Map, path: Path) -> list[tuple[FileMap, Path]]:
    """Return the files to read: all of the map's in a folder, or the one that a path names."""
    if path.is_dir():
        nameless = [file for file in each.files if not file.path]
        if nameless:
            raise BadMap(each.name, f"does not say which files of the folder {path} it is for: give a file")
        return [(file, _inside(each, path, file.path)) for file in each.files]
    fitting = each.files if len(each.files) == 1 else _called(each.files, path.name)
    if not fitting:
        listed = ", ".join(file.path for file in each.files)
        raise BadMap(each.name, f"says nothing of a file {path.name!r}, only of {listed}")
    return [(file, path) for file in fitting]


def _called(files: Iterable[FileMap], name: str) -> list[FileMap]:
    """Return the files of this name; of an error file, the one that its rows stayed out of."""
    found = [file for file in files if Path(file.path).name == name]
    errors = _ERRORS_OF.fullmatch(name)
    if found or errors is None:
        return found
    return _called(files, errors["name"])[int(errors["number"] or 1) - 1 :][:1]


def _inside(each: Map, folder: Path, name: str) -> Path:
    """Return the file of that name in the folder; a map reaches no other place."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BadMap(each.name, f"names a file outside the folder: {name}")
    return path


def _opener(crm: CRM, wish: Wish) -> Opener:
    importers = crm.catalogue.importers.values()
    return Opener(importers=importers, sheet=wish.sheet, encoding=wish.encoding, delimiter=wish.delimiter)


def _run(doors: Doors, plan: FilePlan, each: Map, bar: Bar, place: Path) -> Outcome:
    file = plan.file
    before = _imported_before(doors, file, each)
    with ErrorFile(place, file.header, file.delimiter) as errors, bar(file.name, file.lines) as step:
        progress = FileImport(doors=doors, plan=plan, map_hash=each.digest, reject=errors.add, tell=_steps(step)).run()
    return Outcome(file.name, progress, errors.path if errors.count else None, before, file.guess)


def _imported_before(doors: Doors, file: TableFile, each: Map) -> str | None:
    """Return when what stands of the file was brought in; after an undo, a run that made nothing does not count."""
    with doors.crm.read(doors.principal) as reader:
        jobs = jobs_of(reader, file_hash=file.digest, map_hash=each.digest)
    whole = not any(job.state == "undone" for job in jobs)
    left = [job for job in jobs if job.state != "undone" and (whole or _made(job.counts))]
    done = (job.finished_at for job in left)
    return next((f"{at:%Y-%m-%d %H:%M} UTC" for at in done if at is not None), None)


def _made(counts: Mapping[str, int]) -> bool:
    return any(number and what.endswith(" created") for what, number in counts.items())


def _error_paths(files: Iterable[Path]) -> list[Path]:
    """Return where the error files go, each to a place of its own: a workbook comes once for each of its sheets."""
    found: dict[Path, Path] = {}
    for file in files:
        path = next(path for path in _error_places(file) if path.resolve() not in found)
        found[path.resolve()] = path
    return list(found.values())


def _error_places(path: Path) -> Iterator[Path]:
    """Give places for an error file: beside the file, or in the current folder where that cannot be written."""
    place = path.parent if os.access(path.parent, os.W_OK) else Path()
    yield place / f"{path.name}.errors.csv"
    for number in count(2):
        yield place / f"{path.name}.{number}.errors.csv"


def _steps(step: Callable[[int], None]) -> Callable[[int], None]:
    """Return a function that is told the line that was reached, for one that is told how many more were."""
    reached = 0

    def tell(line: int) -> None:
        nonlocal reached
        if line > reached:
            step(line - reached)
            reached = line

    return tell
