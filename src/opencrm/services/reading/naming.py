"""What records are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from opencrm.core.conditions import In
from opencrm.core.entity import Spec
from opencrm.core.values import Id, is_id
from opencrm.services.reading.rows import Query

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader

_CHUNK = 500


def names_of(reader: Reader, spec: Spec, ids: Iterable[Id], *, deleted: bool | None = False) -> Mapping[Id, str | None]:
    """Return the names of records, by id; None where one has none, or none that may be read.

    Args:
        reader: The reader; a record that they may not read is left out.
        spec: Whose records.
        ids: The records.
        deleted: Whether they are deleted ones; None where either may be among them.
    """
    if deleted is None:
        return {**names_of(reader, spec, ids, deleted=True), **names_of(reader, spec, ids)}
    display, wanted = spec.options.display, sorted(filter(is_id, set(ids)))
    shown = display in reader.rights.readable(spec)
    parts = [In("id", wanted[start : start + _CHUNK]) for start in range(0, len(wanted), _CHUNK)]
    fields = (display,) if shown else ("id",)
    queries: Iterable[Query[Any]] = (
        Query(spec, where=where, sort="id", fields=fields, deleted=deleted) for where in parts
    )
    rows = (row for query in queries for row in reader.stream(query))
    return {row.id: str(row[display]) if shown and row[display] is not None else None for row in rows}
