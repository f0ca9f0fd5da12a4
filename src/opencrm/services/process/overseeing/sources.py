"""What a timeline is made of: lines of several tables, about a record and what belongs to it, the newest first."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
from sqlalchemy import Column, ColumnElement, Integer, Select, Table, and_, bindparam, or_, select

from opencrm.core.change import JournalEntry, Values
from opencrm.core.columns import IdColumn, InstantColumn, key_column
from opencrm.core.conditions import Condition, Equal, Not, all_of, any_of
from opencrm.core.entities import File
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.services import journal
from opencrm.services.reading import saved
from opencrm.storage import tables

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader

Place: TypeAlias = tuple[datetime, Id]
"""Where a line stands among the others: by its instant, and by its id among those of the same instant."""

_CHUNK = 500
_MERGED = tables.merged


@attrs.frozen
class Line:
    """One line of a timeline, as far as its reader may know of it.

    Attributes:
        place: Where it stands.
        table: Where it was read.
        held: A line of the journal as the reader may see it, or a row of another table.
    """

    place: Place
    table: Table
    held: JournalEntry | Values


@attrs.frozen
class _About:
    """Which records the lines are about: one, or those of an entity that belong to it and that may be read."""

    spec: Spec
    shape: Hashable
    values: Mapping[str, Any]
    among: Callable[[Column[Any]], ColumnElement[bool]]


@attrs.frozen
class _From:
    """How far to read: the place before which lines are wanted, and how many at first."""

    before: Place | None
    most: int


def lines(reader: Reader, spec: Spec, id: Id, *, before: Place | None, most: int) -> Iterator[Line]:
    """Give the lines of a record's timeline before a place, the newest first, without those that tell of nothing.

    Args:
        reader: The reader.
        spec: The record's entity.
        id: The record, which the reader may read.
        before: The place; None for the very newest.
        most: How many are wanted, more or less: so many are read at first.
    """
    own, start = _About(spec, "own", {"one": id}, lambda column: column == _id("one")), _From(before, most)
    several = [_defined(reader, spec, id, start) if _defines(reader, spec) else _entries(reader, own, start)]
    several += [_told(reader, own, start), _ran(reader, own, start), _submitted(reader, own, start)]
    for part in _parts(reader, spec, id):
        several += [_entries(reader, part, start), _told(reader, part, start)]
    return heapq.merge(*several, key=lambda line: line.place, reverse=True)


def _parts(reader: Reader, spec: Spec, id: Id) -> Iterator[_About]:
    """Give what refers to a record, and its files, by entity: what the reader may read, by fields that they may."""
    for other in reader.configuration.catalogue.entities.values():
        known = reader.rights.readable(other)
        several = [where for fields, where in _belonging(other, spec, id) if fields <= known]
        if several:
            seen = reader.seen(other)
            others = Not(Equal("id", id)) if other.name == spec.name else None
            where = any_of(several) if others is None else all_of([any_of(several), others])
            plan = reader.plan(seen, ("id",), reader.bound(seen, where))
            ids = partial(reader.statement, plan)
            yield _About(other, plan.shape, plan.values, partial(_within, ids))


def _within(ids: Callable[[], Select[Any]], column: Column[Any]) -> ColumnElement[bool]:
    return column.in_(ids())


def _belonging(other: Spec, spec: Spec, id: Id) -> Iterator[tuple[set[str], Condition]]:
    """Give the conditions by which records of an entity belong to one, each with the fields that it looks at."""
    for name, target in other.references().items():
        if target == spec.name:
            yield {name}, Equal(name, id)
    if other.name == File.spec.name:
        yield {"entity", "record_id"}, all_of([Equal("entity", spec.name), Equal("record_id", id)])


def _entries(reader: Reader, about: _About, start: _From) -> Iterator[Line]:
    """Give lines of the journal, with the fields that may be read; without lines that hold none."""
    spec, readable = about.spec, reader.rights.readable(about.spec)
    dumper = reader.configuration.schemas.dumper(spec)
    for rows in _older(reader, tables.journal, about, start):
        entries = (journal.readable_entry(journal.read(row, dumper), readable) for row in rows)
        yield from (_entry(each) for each in entries if journal.tells(each))


def _defined(reader: Reader, spec: Spec, id: Id, start: _From) -> Iterator[Line]:
    """Give the lines of what speaks of other fields: how much of them is shown follows from all that came before."""
    found = sorted(map(_entry, reader.history(spec, id)), key=lambda line: line.place, reverse=True)
    return (line for line in found if start.before is None or line.place < start.before)


def _defines(reader: Reader, spec: Spec) -> bool:
    return spec.name in saved.DEFINED and not reader.rights.owner


def _entry(entry: JournalEntry) -> Line:
    return Line((entry.at, entry.entry_id), tables.journal, entry)


def _told(reader: Reader, about: _About, start: _From) -> Iterator[Line]:
    return _caused(reader, tables.notification, about, start)


def _ran(reader: Reader, about: _About, start: _From) -> Iterator[Line]:
    return _caused(reader, tables.run, about, start)


def _caused(reader: Reader, table: Table, about: _About, start: _From) -> Iterator[Line]:
    """Give what follows from changes: not from one of which the reader may know nothing."""
    dumper = reader.configuration.schemas.dumper
    for rows in _older(reader, table, about, start):
        causes = set() if reader.rights.owner else {row["cause"] for row in rows if row["cause"]}
        hidden = journal.untold(reader.tx, reader.rights, dumper, causes)
        yield from (_row(table, row) for row in rows if row["cause"] not in hidden)


def _submitted(reader: Reader, own: _About, start: _From) -> Iterator[Line]:
    """Give what came by web forms about a record, or about one that was merged into it."""

    def among(column: Column[Any]) -> ColumnElement[bool]:
        went = select(_MERGED.c.record_id).where(_MERGED.c.entity == _ENTITY, _MERGED.c.into_id == _id("one"))
        return or_(column == _id("one"), column.in_(went))

    about = attrs.evolve(own, shape="own or merged", among=among)
    for rows in _older(reader, tables.submission, about, start):
        yield from (_row(tables.submission, row) for row in rows)


def _row(table: Table, row: Values) -> Line:
    return Line((row["at"], row["id"]), table, row)


_ENTITY: ColumnElement[str] = bindparam("about", type_=key_column(100))


def _older(reader: Reader, table: Table, about: _About, start: _From) -> Iterator[list[Values]]:
    """Give a table's rows about some records, the newest first, so many at a time."""
    while True:
        before, most = start.before, start.most
        given = {**about.values, "about": about.spec.name, "page": most}
        if before is not None:
            given |= {"before_at": before[0], "before_id": before[1]}
        build = partial(_statement, table, about, first=before is None)
        rows = reader.tx.query(("timeline", table.name, about.shape, before is None), build, given)
        yield rows
        if len(rows) < most:
            return
        start = _From((rows[-1]["at"], rows[-1]["id"]), _CHUNK)


def _statement(table: Table, about: _About, *, first: bool) -> Select[Any]:
    columns = [column for column in table.c if column.name != "pending"]
    found = select(*columns).where(table.c.entity == _ENTITY, about.among(table.c.record_id))
    if not first:
        at = bindparam("before_at", type_=InstantColumn())
        found = found.where(or_(table.c.at < at, and_(table.c.at == at, table.c.id < _id("before_id"))))
    ordered = found.order_by(table.c.at.desc(), table.c.id.desc())
    return ordered.limit(bindparam("page", type_=Integer()))


def _id(name: str) -> Any:
    return bindparam(name, type_=IdColumn())
