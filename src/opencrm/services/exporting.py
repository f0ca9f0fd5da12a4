"""Taking records out: an act, written down before the first byte is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.conditions import plain
from opencrm.errors import InputError, PermissionDenied
from opencrm.services.reading.rows import Query
from opencrm.storage import tables

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

KIND = "exported"
"""What the journal calls an export; such a line carries its act's id in place of a record's."""


@attrs.frozen
class Export:
    """Records on their way out.

    Attributes:
        fields: Names of the fields, in order.
        rows: Each record's typed values, as they are read.
    """

    fields: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


def begin(work: Work, query: Query[Any]) -> None:
    """Judge an export, and write into the journal who takes out what.

    Raises:
        PermissionDenied: The principal may export none of these records.
        NotFound: There is no such entity.
        InputError: A field is unknown, or may not be read.
    """
    spec = work.entity(query.entity)
    if work.rights.expression(spec, "export").nothing:
        name, action = work.rights.name, f"{spec.name}.export"
        raise PermissionDenied(f"{name} may not do this: {action}", principal=name, action=action, reason="no grant")
    work.check(query)
    asked = {
        "where": None if query.where is None else plain(query.where),
        "fields": None if query.fields is None else list(query.fields),
        "sort": query.sort,
    }
    line = next(work.stamps(1)) | {
        "entity": spec.name,
        "record_id": work.act,
        "kind": KIND,
        "before": None,
        "after": asked,
    }
    work.tx.insert(tables.journal, [line | {"pending": False}])


def rows(reader: Reader, query: Query[Any]) -> Export:
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
    records = reader.stream(attrs.evolve(query, fields=fields), action="export")
    return Export(fields, (tuple(record[name] for name in fields) for record in records))
