"""Making documents anew: for databases from before search, and for fields that it looks into since.

Only what differs is written, a batch at a time: it may be stopped at any time and begun anew, beside other work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, bindparam, delete, literal_column, select

from opencrm.core.columns import IdColumn
from opencrm.core.entity import Spec
from opencrm.core.search import Document, documents
from opencrm.core.search.documents import Looked, looked_into, source_of
from opencrm.core.values import Id
from opencrm.errors import PermissionDenied
from opencrm.services.reading.reader import Reader
from opencrm.services.searching.indexing import row
from opencrm.storage.search import document, entry
from opencrm.storage.statements import padded

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

BATCH = 500
_LAST = "ffffffff-ffff-ffff-ffff-ffffffffffff"

Opening: TypeAlias = "Callable[[], AbstractContextManager[Work]]"


class Batch(NamedTuple):
    """What one step did.

    Attributes:
        what: The entity whose records were looked at; empty where it was documents.
        looked: How many of them.
        put_right: How many documents were made or taken away.
    """

    what: str
    looked: int
    put_right: int


def judge(reader: Reader) -> None:
    """Refuse who may not put documents right.

    Raises:
        PermissionDenied: The principal is not an owner.
    """
    if not reader.rights.owner:
        raise PermissionDenied(
            "only an owner makes the documents of search anew",
            principal=reader.rights.name,
            action="search.reindex",
            reason="not an owner",
        )


def reindex(opening: Opening) -> Iterator[Batch]:
    """Put all documents right, in a work block a batch; give what each of them did.

    Args:
        opening: Opens a work block of the system.
    """
    key: int | None = 0
    while key is not None:
        with opening() as work:
            key, stale, looked = _stale(work, key)
            _leave(work, stale)
        yield Batch("", looked, len(stale))
    with opening() as work:
        specs = _searchable(work)
    yield from enter(opening, [spec.name for spec in specs])


def enter(opening: Opening, entities: Sequence[str]) -> Iterator[Batch]:
    """Make the documents that records of some entities lack, the latest records first."""
    for name in entities:
        after: Id | None = _LAST
        while after is not None:
            with opening() as work:
                after, missing, looked = _missing(work, work.entity(name), after)
                work.tx.insert(entry, [row(it) for it in missing])
            yield Batch(name, looked, len(missing))


def due(reader: Reader) -> tuple[str, ...]:
    """Return the entities whose documents were not all made since search looks into their fields.

    They are made from the latest record to the first one, so the first one tells.
    """
    return tuple(
        spec.name for spec in _searchable(reader) if any(_lacking(reader, spec, it) for it in looked_into(spec))
    )


def wrong(reader: Reader) -> Iterator[str]:
    """Give a line for each document that is missing or tells of what is no more: none, if all is well.

    Args:
        reader: Who may read everything.
    """
    key: int | None = 0
    while key is not None:
        key, stale, _ = _stale(reader, key)
        yield from (f"document {it} tells of what is no more" for it in stale)
    for spec in _searchable(reader):
        after: Id | None = _LAST
        while after is not None:
            after, missing, _ = _missing(reader, spec, after)
            yield from (f"there is no document of {it.field} of {it.source_id}" for it in missing)


def _searchable(reader: Reader) -> list[Spec]:
    return [spec for spec in reader.configuration.catalogue.entities.values() if looked_into(spec)]


def _lacking(reader: Reader, spec: Spec, looked: Looked) -> bool:
    """Say whether the first record with a value in a field has no document of it."""
    table, value = spec.table, spec.column(looked.name)

    def build() -> Any:
        statement = select(table.c.id).where(table.c.deleted_at.is_(None), value.is_not(None))
        return statement.order_by(table.c.id).limit(literal_column("1"))

    ids = [id for [id] in reader.tx.select(("search first", spec.name, looked.label), build, {})]
    known = reader.configuration.catalogue.entities
    wanted = [it for state in reader.whole(spec, ids).values() for it in documents(spec, state, known)]
    meant = {it for it in wanted if it.field == looked.label}
    return not meant <= _stored(reader, [it.record_id for it in meant])


def _missing(reader: Reader, spec: Spec, after: Id) -> tuple[Id | None, list[Document], int]:
    """Return the documents that the next records of an entity lack, and the last of these records."""
    ids = _ids(reader, spec, after)
    known = reader.configuration.catalogue.entities
    wanted = [it for state in reader.whole(spec, ids).values() for it in documents(spec, state, known)]
    stored = _stored(reader, list(dict.fromkeys(it.record_id for it in wanted)))
    return (ids[-1] if ids else None), [it for it in wanted if it not in stored], len(ids)


def _stale(reader: Reader, after: int) -> tuple[int | None, list[int], int]:
    """Return which of the next documents tell of what is no more, and the last of them."""
    known = reader.configuration.catalogue.entities
    found = sorted(_next(reader, after), key=lambda pair: source_of(pair[0].field))
    stale: list[int] = []
    for name, group in groupby(found, key=lambda pair: source_of(pair[0].field)):
        if name in known:  # A plugin that is switched off may be back.
            own = list(group)
            states = reader.whole(known[name], list(dict.fromkeys(it.source_id for it, _ in own)))
            wanted = {it for state in states.values() for it in documents(known[name], state, known)}
            stale += [key for it, key in own if it not in wanted]
    return max((key for _, key in found), default=None), stale, len(found)


def _ids(reader: Reader, spec: Spec, after: Id) -> list[Id]:
    key, deleted = spec.table.c.id, spec.table.c.deleted_at

    def build() -> Any:
        statement = select(key).where(deleted.is_(None), key < bindparam("after", type_=IdColumn()))
        return statement.order_by(key.desc()).limit(literal_column(str(BATCH)))

    return [id for [id] in reader.tx.select(("search ids", spec.name), build, {"after": after})]


def _stored(reader: Reader, ids: Sequence[Id]) -> set[Document]:
    """Return the documents that lead to these records."""
    found: set[Document] = set()
    for start in range(0, len(ids), BATCH):
        several = padded(ids[start : start + BATCH])
        given = [bindparam(f"i{at}", type_=IdColumn()) for at in range(len(several))]
        build = lambda given=given: select(*_columns()).where(document.c.record_id.in_(given))  # noqa: E731
        values = {f"i{at}": id for at, id in enumerate(several)}
        found |= {Document(*it) for it in reader.tx.select(("search of", len(several)), build, values)}
    return found


def _next(reader: Reader, after: int) -> list[tuple[Document, int]]:
    key = document.c.id

    def build() -> Any:
        statement = select(*_columns(), key).where(key > bindparam("after", type_=key.type))
        return statement.order_by(key).limit(literal_column(str(BATCH)))

    rows = reader.tx.select(("search next",), build, {"after": after})
    return [(Document(*found), key) for *found, key in rows]


def _columns() -> list[ColumnElement[Any]]:
    return [document.c[name] for name in Document._fields]


def _leave(work: Work, keys: Sequence[int]) -> None:
    one = document.c.id == bindparam("key", type_=document.c.id.type)
    if keys:
        work.tx.run("search leave key", lambda: delete(document).where(one), [{"key": key} for key in keys])
