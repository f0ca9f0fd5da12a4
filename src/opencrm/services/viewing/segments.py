"""Segments: who is in them now, and who was when a snapshot was taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from opencrm.core.conditions import All, Equal
from opencrm.core.entities.workspace.views import Segment
from opencrm.core.values import Id, is_id
from opencrm.services.reading.counting import Count
from opencrm.services.reading.reader import Reader
from opencrm.services.reading.rows import Page, Query
from opencrm.services.viewing.definitions import USUAL_SORT, definition, query_of
from opencrm.services.viewing.definitions import usable as usable_of
from opencrm.services.viewing.snapshots import Compared, Snapshot, compare, recorded, snapshot, snapshots, taken

__all__ = [
    "Compared",
    "Snapshot",
    "compare",
    "contains",
    "count",
    "members",
    "query",
    "recorded",
    "snapshot",
    "snapshots",
    "taken",
    "usable",
]


def query(reader: Reader, segment_id: Id) -> Query[Any]:
    """Return the query that gives a segment's members, as this reader sees them.

    Raises:
        NotFound: There is no such segment, or none that the reader may know of.
        InputError: Its condition speaks of a field that is gone, or that the reader may not read.
    """
    return query_of(reader, definition(reader, Segment, segment_id), within=(segment_id,))


def members(
    reader: Reader,
    segment_id: Id,
    *,
    fields: Sequence[str] | None = None,
    sort: str = USUAL_SORT,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Any]:
    """Return one page of those who are in a segment now, of whom the reader may know.

    Args:
        reader: Whoever looks.
        segment_id: The segment, one's own or published to one's unit.
        fields: The fields wanted; by default all that may be read.
        sort: A field's name, with `-` before it for descending order.
        limit: How many rows a page has at most.
        cursor: Where the page before ended.

    Raises:
        NotFound, InputError: See `query` and `Reader.list`.
    """
    found = query(reader, segment_id)
    return reader.list(attrs.evolve(found, fields=fields, sort=sort, limit=limit, cursor=cursor))


def count(reader: Reader, segment_id: Id) -> Count:
    """Return how many are in a segment now, of whom the reader may know, as `Reader.count` counts.

    Raises:
        NotFound, InputError: See `query`.
    """
    found = query(reader, segment_id)
    return reader.count(found.entity, found.where)


def contains(reader: Reader, segment_id: Id, record_id: Id) -> bool:
    """Say whether a record that the reader may know of is in a segment now.

    Raises:
        NotFound, InputError: See `query`.
    """
    found = query(reader, segment_id)
    if not is_id(record_id):
        return False
    here = Equal("id", record_id)
    where = here if found.where is None else All((here, found.where))
    return len(reader.list(attrs.evolve(found, where=where, fields=("id",), sort="id", limit=1))) == 1


def usable(reader: Reader, ids: Sequence[Id]) -> Mapping[Id, bool]:
    """Say of each of these segments that the reader may know of whether `query` gives its query to them."""
    return usable_of(reader, Segment, ids)
