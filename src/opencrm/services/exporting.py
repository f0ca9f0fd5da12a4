"""Taking records out: an act, written down before the first byte is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.conditions import Equal, In, all_of, plain
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.services.reading.rows import Query
from opencrm.storage import tables

if TYPE_CHECKING:
    from opencrm.hooks import Exporter
    from opencrm.services.reading.reader import Reader
    from opencrm.services.reading.rows import Record
    from opencrm.services.writing.work import Work

KIND = "exported"
"""What the journal calls an export; such a line carries its act's id in place of a record's."""

_AT_ONCE = 400


@attrs.frozen
class Export:
    """Records on their way out.

    Attributes:
        fields: Names of the fields, in order, and of the parts after them.
        rows: Each record's typed values, as they are read; parts are lists of objects.
    """

    fields: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


def by_ending(exporters: Iterable[Exporter]) -> Mapping[str, Exporter]:
    """Return what writes files, by the endings of their names; of two for one ending, the first that is registered."""
    found: dict[str, Exporter] = {}
    for each in exporters:
        found |= {suffix: each for suffix in each.suffixes if suffix not in found}
    return found


def begin(work: Work, query: Query[Any], parts: Sequence[str] = ()) -> None:
    """Judge an export, and write into the journal who takes out what.

    Args:
        work: The work block.
        query: Which records, and which fields of them.
        parts: Names of the parts that go with them, such as `points`.

    Raises:
        PermissionDenied: The principal may export none of these records.
        NotFound: There is no such entity.
        InputError: A field is unknown or may not be read, or the entity has no such parts.
    """
    spec = work.entity(query.entity)
    _check_parts(work, spec, parts)
    if work.rights.expression(spec, "export").nothing:
        raise work.rights.denied(f"{spec.name}.export", "no grant")
    work.check(query)
    asked = {
        "where": None if query.where is None else plain(query.where),
        "fields": None if query.fields is None else list(query.fields),
        "sort": query.sort,
        **({"parts": list(parts)} if parts else {}),
    }
    stamp = next(work.stamps(1))
    line = {name: value for name, value in stamp.items() if name != "entry_id"} | {
        "id": stamp["entry_id"],
        "entity": spec.name,
        "record_id": work.act,
        "kind": KIND,
        "before": None,
        "after": asked,
    }
    work.tx.insert(tables.journal, [line | {"pending": False}])


def rows(reader: Reader, query: Query[Any], parts: Sequence[str] = ()) -> Export:
    """Return the fields and the records that leave.

    Raises:
        InputError: A field is unknown, or may not be read.
    """
    spec = reader.entity(query.entity)
    readable = reader.rights.readable(spec)
    fields = tuple(query.fields or (name for name in spec.fields if name in readable and name != "deleted_at"))
    unknown = [name for name in fields if name not in readable]
    if unknown:
        raise InputError({"fields": [f"{spec.name} has no field {name!r}" for name in unknown]})
    if parts:
        records = reader.stream(attrs.evolve(query, fields=tuple(dict.fromkeys((*fields, "id")))), action="export")
        return Export((*fields, *parts), _with_parts(reader, spec, fields, records, parts))
    records = reader.stream(attrs.evolve(query, fields=fields), action="export")
    return Export(fields, (tuple(record[name] for name in fields) for record in records))


def _check_parts(reader: Reader, spec: Spec, parts: Sequence[str]) -> None:
    nested = reader.configuration.schemas.nested(spec)
    unknown = [name for name in parts if name not in nested]
    if unknown:
        offered = f"; it has {', '.join(nested)}" if nested else ""
        raise InputError({"parts": [f"{spec.name} has no parts {name!r}{offered}" for name in unknown]})


def _with_parts(
    reader: Reader, spec: Spec, fields: Sequence[str], records: Iterator[Record], parts: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    """Give records with their parts, which are read for some hundred records at once."""
    while chunk := list(islice(records, _AT_ONCE)):
        ids = [record["id"] for record in chunk]
        found = [_parts(reader, spec, name, ids) for name in parts]
        for record in chunk:
            yield (*(record[name] for name in fields), *(each.get(record["id"], []) for each in found))


def _parts(reader: Reader, spec: Spec, name: str, ids: Sequence[Id]) -> Mapping[Id, list[dict[str, Any]]]:
    """Return the parts of one name by their record, oldest first, with what an import could set."""
    part, link = reader.configuration.schemas.nested(spec)[name]
    whole = Equal("entity", spec.name) if link == "record_id" else None
    where = all_of([each for each in (whole, In(link, tuple(ids))) if each is not None])
    shown = [field.name for field in part.fields.values() if field.settable and field.name not in _links(part)]
    found: dict[Id, list[dict[str, Any]]] = {}
    for row in reader.stream(Query(part, where=where, sort="id"), action="export"):
        own = {field: row[field] for field in shown if field in row.fields and row[field] is not None}
        found.setdefault(row[link], []).append(own)
    return found


def _links(part: Spec) -> set[str]:
    return {*part.options.part_of, *(("entity",) if "record_id" in part.options.part_of else ())}
