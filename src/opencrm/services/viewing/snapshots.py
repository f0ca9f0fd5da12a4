"""Snapshots: who was in a segment at an instant, as far as the one who took it could read.

A snapshot tells which records met a condition, so it is told only to those who may read every field of that
condition; where the condition looks at other records than the members themselves, to the one who took it alone. And
of its members it gives those that the reader may read now.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import Integer, Select, bindparam, exists, select

from opencrm.core.change import Values
from opencrm.core.columns import IdColumn
from opencrm.core.conditions import In
from opencrm.core.entities.workspace.views import Segment
from opencrm.core.values import Id, is_id
from opencrm.errors import DomainError, InputError, NotFound
from opencrm.services.reading import cursors
from opencrm.services.reading.asking import check_limit
from opencrm.services.reading.reader import Reader
from opencrm.services.reading.rows import Page, Query, Record
from opencrm.services.viewing.definitions import definition, expanded, query_of
from opencrm.storage import tables
from opencrm.storage.statements import padded

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

MOST_MEMBERS = 100_000
_CHUNK = 500
_FIRST = "00000000-0000-0000-0000-000000000000"
_TABLE, _MEMBER = tables.segment_snapshot, tables.segment_member


@attrs.frozen(kw_only=True)
class Snapshot:
    """A snapshot that was taken of a segment.

    Attributes:
        id: Its id.
        segment_id: Of which segment.
        entity: What its members are.
        at: When it was taken.
        by: By whom, such as `"user:0190..."`.
    """

    id: Id
    segment_id: Id
    entity: str
    at: datetime
    by: str


_NAMES = tuple(it.name for it in attrs.fields(Snapshot))


@attrs.frozen(kw_only=True)
class Compared:
    """What differs between two snapshots, of what the reader may read now.

    Attributes:
        entered: How many are in the new one only.
        left: How many are in the old one only.
    """

    entered: int
    left: int


def snapshot(work: Work, segment_id: Id) -> Snapshot:
    """Write down who is in a segment now, of whom the principal may know.

    Raises:
        NotFound: There is no such segment, or none that the principal may know of.
        PermissionDenied: The principal may not change the segment.
        InputError: Its condition cannot be used; names the field.
        DomainError: It has more than 100,000 members.
    """
    saved = definition(work, Segment, segment_id)
    _may_change(work, segment_id)
    query = attrs.evolve(query_of(work, saved, within=(segment_id,)), fields=("id",), sort="id")
    where = expanded(work, work.entity(saved["entity"]), saved["where"], within=(segment_id,))
    made = Snapshot(id=work.new_id(), segment_id=segment_id, entity=saved["entity"], at=work.now, by=work.rights.name)
    work.tx.insert(_TABLE, [{**attrs.asdict(made), "where": where, "act": work.act}])
    number = 0
    for ids in _in_chunks(work.stream(query)):
        number += len(ids)
        if number > MOST_MEMBERS:
            raise DomainError(f"a snapshot holds at most {MOST_MEMBERS:,} records: narrow the segment", rule="too many")
        work.tx.insert(_MEMBER, [{"snapshot_id": made.id, "record_id": id} for id in ids])
    return made


def snapshots(reader: Reader, segment_id: Id, *, limit: int = 100) -> tuple[Snapshot, ...]:
    """Return the snapshots of a segment, the newest first, so many at most.

    Raises:
        NotFound: There is no such segment, or none that the reader may know of.
        InputError: The limit lies outside of 1 to 1000.
    """
    check_limit(limit)
    reader.get(Segment, segment_id)

    def build() -> Select[Any]:
        of_segment = _TABLE.c.segment_id == _bound("segment_id")
        return _columns().where(of_segment).order_by(_TABLE.c.id.desc()).limit(bindparam("most", type_=Integer()))

    rows = reader.tx.query("snapshots", build, {"segment_id": segment_id, "most": limit})
    return tuple(Snapshot(**row) for row in rows)


def taken(reader: Reader, segment_id: Id, snapshot_id: Id) -> Snapshot:
    """Return a snapshot of a segment.

    Raises:
        NotFound: There is no such snapshot of it, or none that the reader may know of.
    """
    row = _row(reader, snapshot_id)
    if row["segment_id"] != segment_id:
        raise _not_found()
    return _snapshot(row)


def recorded(
    reader: Reader,
    snapshot_id: Id,
    *,
    fields: tuple[str, ...] | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Any]:
    """Return one page of a snapshot's members, by id: those that the reader may read now.

    Raises:
        NotFound: There is no such snapshot, or none that the reader may know of.
        InputError: Its condition speaks of a field that is gone, or that the reader may not read; or the cursor, the
            fields or the limit cannot be used.
        PermissionDenied: Its condition looks at other records, and somebody else took it.
    """
    check_limit(limit)
    one = _readable(reader, snapshot_id)
    query: Query[Any] = Query(reader.entity(one.entity), sort="id", fields=fields, limit=_CHUNK)
    binding = f"{reader.rights.name}|snapshot|{one.id}"
    after = _FIRST if cursor is None else cursors.read(reader.configuration.secret, binding, cursor)[0]
    found: list[Record] = []
    for ids in _ids_after(reader, one.id, None, after):
        found += reader.list(attrs.evolve(query, where=In("id", tuple(padded(ids))))).rows
        if len(found) > limit:
            position = cursors.write(reader.configuration.secret, binding, [found[limit - 1].id])
            return Page(tuple(found[:limit]), position)
    return Page(tuple(found))


def compare(reader: Reader, old: Id, new: Id) -> Compared:
    """Return how many entered a segment and left it between two snapshots, of what the reader may read now.

    Raises:
        NotFound, InputError, PermissionDenied: See `recorded`; or the two are not of one segment.
    """
    before, after = _readable(reader, old), _readable(reader, new)
    if before.segment_id != after.segment_id or before.entity != after.entity:
        raise InputError({"snapshot": ["is of another segment, or of another entity"]})
    return Compared(entered=_only_in(reader, after, before), left=_only_in(reader, before, after))


def _only_in(reader: Reader, one: Snapshot, other: Snapshot) -> int:
    query: Query[Any] = Query(reader.entity(one.entity), sort="id", fields=("id",), limit=_CHUNK)
    pages = (
        reader.list(attrs.evolve(query, where=In("id", tuple(padded(ids)))))
        for ids in _ids_after(reader, one.id, other.id, _FIRST)
    )
    return sum(map(len, pages))


def _may_change(work: Work, segment_id: Id) -> None:
    spec = work.entity(Segment)
    state = work.states(spec, [segment_id])[segment_id]
    if not work.rights.expression(spec, "update").test(work.linked)(state):
        raise work.rights.denied("segment.snapshot", "only its owner takes snapshots of it")


def _in_chunks(records: Iterator[Record]) -> Iterator[list[Id]]:
    while chunk := [record.id for record in islice(records, _CHUNK)]:
        yield chunk


def _readable(reader: Reader, snapshot_id: Id) -> Snapshot:
    """Return a snapshot, of which the reader may know who is in it."""
    row = _row(reader, snapshot_id)
    where, found = row["where"], _snapshot(row)
    query_of(reader, {"entity": found.entity, "where": where})
    mine = reader.rights.owner or found.by == reader.rights.name
    if not mine and _looks_elsewhere(where):
        raise reader.rights.denied("segment.read", "its condition looks at other records")
    return found


def _row(reader: Reader, snapshot_id: Id) -> Values:
    given = {"id": snapshot_id if is_id(snapshot_id) else _FIRST}
    rows = reader.tx.query("snapshot", lambda: _columns(_TABLE.c.where).where(_TABLE.c.id == _bound("id")), given)
    if not reader.states(reader.entity(Segment), [row["segment_id"] for row in rows]):
        raise _not_found()
    return rows[0]


def _snapshot(row: Values) -> Snapshot:
    return Snapshot(**{name: row[name] for name in _NAMES})


def _not_found() -> NotFound:
    return NotFound("there is no such snapshot", entity="segment")


def _looks_elsewhere(raw: Any) -> bool:
    """Say whether a condition is met because of other records than the one that meets it."""
    match raw:
        case {"all": items} | {"any": items}:
            return any(map(_looks_elsewhere, items))
        case {"not": inner}:
            return _looks_elsewhere(inner)
        case {"field": str(name), **rest} if set(rest) <= {"op", "value"}:
            return "." in name
    return True


def _columns(*more: Any) -> Select[Any]:
    return select(*(_TABLE.c[name] for name in _NAMES), *more)


def _ids_after(reader: Reader, snapshot_id: Id, without: Id | None, after: Id) -> Iterator[list[Id]]:
    """Give a snapshot's record ids in order, those of another left out, some hundred at a time."""
    while True:
        given = {"snapshot_id": snapshot_id, "other_id": without or _FIRST, "after": after}
        rows = reader.tx.query("snapshot ids", _ids, given)
        ids = [row["record_id"] for row in rows]
        if ids:
            yield ids
        if len(ids) < _CHUNK:
            return
        after = ids[-1]


def _ids() -> Select[Any]:
    own, other = _MEMBER.c, _MEMBER.alias()
    shared = exists().where(other.c.snapshot_id == _bound("other_id"), other.c.record_id == own.record_id)
    mine = (own.snapshot_id == _bound("snapshot_id"), own.record_id > _bound("after"))
    return select(own.record_id).where(*mine, ~shared).order_by(own.record_id).limit(_CHUNK)


def _bound(name: str) -> Any:
    return bindparam(name, type_=IdColumn())
