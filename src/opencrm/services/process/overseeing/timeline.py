"""The timeline of a record: what happened to it and to what belongs to it, who was told, and what caused each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import Select, bindparam, select

from opencrm.core.change import JournalEntry, Values
from opencrm.core.columns import IdColumn, key_column
from opencrm.core.conditions import All, Condition, Equal
from opencrm.core.entities import File
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.services import journal
from opencrm.services.notifying.rendering import rendered
from opencrm.services.process.overseeing import history
from opencrm.services.process.submitting.keeping import submissions
from opencrm.services.reading.rows import Query
from opencrm.storage import tables
from opencrm.storage.statements import padded

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader

MOST = 500
"""How many happenings are told at most."""
_PARTS = 100
_TOLD = tables.notification


@attrs.frozen(kw_only=True)
class Happening:
    """One thing that happened to a record, or because of it.

    Attributes:
        id: Of the journal's line, the notification, the run or the submission.
        at: When.
        kind: What: a kind of the journal (`created`, `moved`), `told`, `ran` or `submitted`.
        entity: The entity of what it happened to: the record, or what belongs to it, such as a task or a file.
        record_id: That one.
        rule: The rule, the stage, the task or the form that caused it; None of what somebody did.
        principal: Who did it, or began it.
        acting_as: As whom, where a rule or a plugin acted.
        fields: Which fields changed.
        text: What was told, or which steps a run took.
        user_id: Who was told.
        state: How it went: of a letter `sent` or `dead`, of a run `done` or `failed`.
    """

    id: Id
    at: datetime
    kind: str
    entity: str
    record_id: Id
    rule: str | None = None
    principal: str | None = None
    acting_as: str | None = None
    fields: tuple[str, ...] = ()
    text: str | None = None
    user_id: Id | None = None
    state: str | None = None


def timeline(reader: Reader, entity: Any, id: Id, *, limit: int = 100) -> list[Happening]:
    """Return what happened to a record and to what belongs to it, the newest first, as far as the reader may know.

    Args:
        reader: The reader.
        entity: The record's entity.
        id: The record.
        limit: How many happenings at most.

    Raises:
        NotFound: There is no such record, or none that the reader may know of.
        InputError: The limit cannot be used.
    """
    if not 1 <= limit <= MOST:
        raise InputError({"limit": [f"must lie between 1 and {MOST}"]})
    spec = reader.entity(entity)
    found = [_line(each) for each in reader.history(spec, id)]
    parts = {spec.name: {id}, **_parts(reader, spec, id)}
    for name, ids in parts.items():
        if name != spec.name:
            found += map(_line, _lines(reader, reader.entity(name), ids))
    found += _told(reader, parts)
    found += _ran(reader, spec, id)
    found += _submitted(reader, spec, id)
    return sorted(found, key=lambda it: (it.at, it.id), reverse=True)[:limit]


def _line(entry: JournalEntry) -> Happening:
    names = ("at", "entity", "record_id", "rule", "principal", "acting_as")
    told = {name: getattr(entry, name) for name in names}
    return Happening(id=entry.entry_id, kind=entry.kind.value, fields=tuple(sorted(entry.after)), **told)


def _parts(reader: Reader, spec: Spec, id: Id) -> dict[str, set[Id]]:
    """Return what refers to a record, and its files, by entity: of each so many at most."""
    found: dict[str, set[Id]] = {}
    for other in reader.configuration.catalogue.entities.values():
        known = reader.rights.readable(other)
        for where in _belonging(other, spec, id):
            if where[0] <= known:
                rows = reader.list(Query(other, where=where[1], sort="-id", fields=("id",), limit=_PARTS)).rows
                found.setdefault(other.name, set()).update(row.id for row in rows if row.id != id)
    return {name: ids for name, ids in found.items() if ids}


def _belonging(other: Spec, spec: Spec, id: Id) -> Iterator[tuple[set[str], Condition]]:
    """Give the conditions by which records of an entity belong to one, each with the fields that it looks at."""
    for name, target in other.references().items():
        if target == spec.name:
            yield {name}, Equal(name, id)
    if other.name == File.spec.name:
        yield {"entity", "record_id"}, All((Equal("entity", spec.name), Equal("record_id", id)))


def _lines(reader: Reader, spec: Spec, ids: Iterable[Id]) -> Sequence[JournalEntry]:
    return journal.of_records(reader.tx, spec, reader.configuration.schemas.dumper(spec), reader.rights, set(ids))


def _told(reader: Reader, parts: Mapping[str, set[Id]]) -> Iterator[Happening]:
    """Give who was told of these records: not of what follows from a change of which the reader may know nothing."""
    rows = [row for entity, ids in parts.items() for row in _notifications(reader, entity, ids)]
    dumper = reader.configuration.schemas.dumper
    hidden = journal.untold(reader.tx, reader.rights, dumper, {row["cause"] for row in rows if row["cause"]})
    kept = [row for row in rows if row["cause"] not in hidden]
    for row, told in zip(kept, rendered(reader, kept), strict=True):
        names = {name: row[name] for name in ("id", "at", "entity", "record_id", "rule", "user_id")}
        mail = row["mail"] if row["mail"] != "none" else None
        yield Happening(kind="told", text=told.text, state=mail, **names)


def _notifications(reader: Reader, entity: str, ids: Iterable[Id]) -> list[Values]:
    wanted = padded(sorted(ids))

    def build() -> Select[Any]:
        among = _TOLD.c.record_id.in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(len(wanted))])
        same = _TOLD.c.entity == bindparam("entity", type_=key_column(100))
        return select(_TOLD).where(same, among).order_by(_TOLD.c.id.desc()).limit(MOST)

    given = {"entity": entity} | {f"i{at}": id for at, id in enumerate(wanted)}
    return reader.tx.query(("told of records", len(wanted)), build, given)


def _ran(reader: Reader, spec: Spec, id: Id) -> Iterator[Happening]:
    for run in history.of_record(reader, spec.name, id, limit=_PARTS).items:
        steps = ", ".join(" ".join(filter(None, (step["action"], step["detail"]))) for step in run.steps)
        names = {name: getattr(run, name) for name in ("id", "at", "entity", "record_id", "rule", "state")}
        yield Happening(kind="ran", acting_as=f"automation:{run.automation}", text=steps or None, **names)


def _submitted(reader: Reader, spec: Spec, id: Id) -> Iterator[Happening]:
    for one in submissions(reader, spec, id):
        yield Happening(id=one.id, at=one.at, kind="submitted", entity=spec.name, record_id=id, rule=one.form)
