"""What a document is made of: plain texts of a record and of what belongs to it, as somebody may read them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from opencrm.core.conditions import All, Condition, Equal
from opencrm.core.entity import Spec
from opencrm.core.entity.paths import link_of, parted, target_of
from opencrm.core.values import Id
from opencrm.errors import NotFound
from opencrm.services.process.rendering import Words, shown, unknown
from opencrm.services.reading.reader import Reader
from opencrm.services.reading.rows import Query

MOST_NAMES = 200
MOST_ROWS = 1000
_PATH = re.compile(r"([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?)(\[\])?(\?)?")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@attrs.frozen
class DataPath:
    """Where one thing of a document's data comes from: `contact.name`, `amount?`, `lines[]`, `contact.points[]`.

    Attributes:
        path: A field, or one of a record that a field refers to; of several, the name of parts or of an entity, which
            belong to the record or to one that a field refers to.
        several: Whether it is a list of records.
        optional: Whether a document is made without it.
    """

    path: str
    several: bool = False
    optional: bool = False

    def __str__(self) -> str:
        return f"{self.path}[]" if self.several else self.path


def data_map(raw: Any) -> Mapping[str, DataPath]:
    """Read a data map: `{"client": "contact.name", "phone": "contact.phone?", "positions": "lines[]"}`.

    Raises:
        ValueError: It is none; says which of its names, and why.
    """
    if not isinstance(raw, Mapping) or len(raw) > MOST_NAMES:
        raise ValueError(f"must be an object of at most {MOST_NAMES} names, each with a path such as contact.name")
    return MappingProxyType({_name(name): _path(name, path) for name, path in raw.items()})


def data_path(raw: Any) -> DataPath:
    """Read one path: `amount`, `contact.name`, `lines[]`.

    Raises:
        ValueError: It is none.
    """
    return _path("a path", raw)


def part_of(spec: Spec, it: DataPath, entities: Mapping[str, Spec]) -> tuple[Spec, str] | None:
    """Return of what a list's rows are, and by which field they belong to a record; None of what is no list."""
    return _part_of(spec, it.path, entities) if it.several else None


def veiled(spec: Spec, it: DataPath, entities: Mapping[str, Spec], readable: Callable[[Spec], Collection[str]]) -> bool:
    """Say whether a path leads to, or by way of, a field that somebody may not read."""
    reference, name = parted(it.path)
    end = entities[target_of(spec, reference) or ""] if reference else spec
    if reference and link_of(spec, reference) not in readable(spec):
        return True
    found = part_of(spec, it, entities)
    return name not in readable(end) if found is None else not set(readable(found[0])).issuperset(found[0].fields)


def astray(spec: Spec, several: Mapping[str, DataPath], entities: Mapping[str, Spec]) -> dict[str, str]:
    """Return the names whose paths lead nowhere from an entity's records, each with its path."""
    return {name: it.path for name, it in several.items() if not _leads(spec, it, entities)}


def sample(spec: Spec, several: Mapping[str, DataPath], entities: Mapping[str, Spec]) -> dict[str, Any]:
    """Return data as a record might have it: a text for each name, and one row with all of its fields for each list."""
    found: dict[str, Any] = {}
    for name, it in several.items():
        part = part_of(spec, it, entities)
        found[name] = "1" if part is None else [dict.fromkeys(part[0].fields, "1")]
    return found


def gathered(reader: Reader, entity: str, id: Id, several: Mapping[str, DataPath]) -> dict[str, Any]:
    """Return the data of a record: texts as a person reads them, with what the reader may not read left empty.

    Raises:
        NotFound: There is no such record, or none that the reader may know of.
    """
    spec = reader.entity(entity)
    state = reader.states(spec, [id]).get(id)
    if state is None:
        raise NotFound(f"there is no such {spec.name}", entity=spec.name, id=id)
    words = Words(reader, spec, state)
    return {
        name: _several(reader, words, spec, id, it.path) if it.several else words.text(f"{{{it.path}}}")
        for name, it in several.items()
    }


def missing(data: Mapping[str, Any], several: Mapping[str, DataPath]) -> list[str]:
    """Return the names that must hold something and do not."""
    return sorted(name for name, it in several.items() if not it.optional and not data[name])


def _name(raw: Any) -> str:
    if not isinstance(raw, str) or not _NAME.fullmatch(raw):
        raise ValueError(f"{raw!r} must be a name of lower-case letters, digits and _")
    return raw


def _path(name: str, raw: Any) -> DataPath:
    found = _PATH.fullmatch(raw) if isinstance(raw, str) else None
    if found is None:
        raise ValueError(f"{name}: must be a path such as amount, contact.name, phone? or lines[]")
    return DataPath(found[1], bool(found[2]), bool(found[3]))


def _leads(spec: Spec, it: DataPath, entities: Mapping[str, Spec]) -> bool:
    return _part_of(spec, it.path, entities) is not None if it.several else not unknown(spec, [it.path], entities)


def _part_of(spec: Spec, path: str, entities: Mapping[str, Spec]) -> tuple[Spec, str] | None:
    """Return what a list's path means, and by which field it belongs to a record: parts, or whatever refers to it."""
    reference, name = parted(path)
    whose = entities.get(target_of(spec, reference) or "") if reference else spec
    return None if whose is None else next(_parts(whose, name, entities.values()), None)


def _parts(spec: Spec, name: str, entities: Iterable[Spec]) -> Iterator[tuple[Spec, str]]:
    for part in entities:
        links = [link for link, to in part.references().items() if to == spec.name]
        if part.options.nested == name:
            yield from ((part, link) for link in (part.options.nested_in or part.options.part_of) if link in links)
        elif part.name == name and len(links) == 1:
            yield part, links[0]


def _several(reader: Reader, words: Words, spec: Spec, id: Id, path: str) -> list[dict[str, str]]:
    found = _part_of(spec, path, reader.configuration.catalogue.entities)
    reference = parted(path)[0]
    whose = words.value(link_of(spec, reference)) if reference else id
    return [] if found is None or whose is None else _rows(reader, *found, whose)


def _rows(reader: Reader, part: Spec, link: str, id: Id) -> list[dict[str, str]]:
    readable = reader.rights.readable(part)
    if link not in readable:
        return []
    own: Condition = All((Equal(link, id),))
    wanted: Query[Any] = Query(part, where=own, sort="id", limit=MOST_ROWS)
    zone = reader.rights.zone
    return [
        {field: shown(it, row.get(field), zone) if field in readable else "" for field, it in part.fields.items()}
        for row in reader.list(wanted)
    ]
