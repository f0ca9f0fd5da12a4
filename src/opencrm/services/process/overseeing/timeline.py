"""The timeline of a record: what happened to it and to what belongs to it, who was told, and what caused each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.change import JournalEntry, Kind, Values
from opencrm.core.values import Id
from opencrm.errors import InputError, NotFound
from opencrm.services.notifying.rendering import rendered
from opencrm.services.process.overseeing.sources import Line, Place, lines
from opencrm.services.reading import cursors
from opencrm.storage import tables

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader

MOST = 500
"""How many happenings a page has at most."""


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
        from_stage: Of a move, where the record stood; with its pipeline, such as `windows.offer`, if it left that.
        to_stage: Of a move, where it went; with its pipeline, if that is another one.
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
    from_stage: str | None = None
    to_stage: str | None = None
    text: str | None = None
    user_id: Id | None = None
    state: str | None = None


@attrs.frozen
class Happenings:
    """A page of a timeline, the newest first.

    Attributes:
        items: The happenings.
        next: The cursor of the page after it; None on the last.
    """

    items: tuple[Happening, ...]
    next: str | None = None

    def __iter__(self) -> Iterator[Happening]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


def timeline(reader: Reader, entity: Any, id: Id, *, limit: int = 100, cursor: str | None = None) -> Happenings:
    """Return what happened to a record and to what belongs to it, the newest first, as far as the reader may know.

    What is added meanwhile belongs before the pages that were read, and moves nothing on those that follow.

    Args:
        reader: The reader.
        entity: The record's entity.
        id: The record.
        limit: How many happenings a page has at most.
        cursor: `next` of the page before.

    Raises:
        NotFound: There is no such record, or none that the reader may know of.
        InputError: The limit or the cursor cannot be used.
    """
    if not 1 <= limit <= MOST:
        raise InputError({"limit": [f"must lie between 1 and {MOST}"]})
    spec = reader.entity(entity)
    if not reader.states(spec, [id]):
        raise NotFound(f"there is no such {spec.name}", entity=spec.name, id=id)
    secret, binding = reader.configuration.secret, f"{reader.rights.name}|timeline|{spec.name}|{id}"
    before = None if cursor is None else _place(cursors.read(secret, binding, cursor))
    found = [*islice(lines(reader, spec, id, before=before, most=limit + 1), limit + 1)]
    page = found[:limit]
    happened = tuple(_happenings(reader, page))
    if len(found) == len(page):
        return Happenings(happened)
    at, last = page[-1].place
    return Happenings(happened, cursors.write(secret, binding, [at.isoformat(), last]))


def _place(position: Sequence[Any]) -> Place:
    at, last = position
    return datetime.fromisoformat(at), last


def _happenings(reader: Reader, page: Sequence[Line]) -> Iterator[Happening]:
    rows = [line.held for line in page if line.table is tables.notification and not isinstance(line.held, JournalEntry)]
    texts = {told.id: told.text for told in rendered(reader, rows)}
    for line in page:
        if isinstance(line.held, JournalEntry):
            yield _changed(line.held)
        elif line.table is tables.notification:
            yield _told(line.held, texts)
        else:
            yield _ran(line.held) if line.table is tables.run else _submitted(line.held)


def _changed(entry: JournalEntry) -> Happening:
    names = ("at", "entity", "record_id", "rule", "principal", "acting_as")
    told = {name: getattr(entry, name) for name in names}
    fields = tuple(sorted(entry.after))
    start, end = _stages(entry)
    return Happening(id=entry.entry_id, kind=entry.kind.value, fields=fields, from_stage=start, to_stage=end, **told)


def _stages(entry: JournalEntry) -> tuple[str | None, str | None]:
    """Return from where to where a record was moved, as far as that may be read."""
    if entry.kind is not Kind.MOVED:
        return None, None
    return _stage(entry.before or {}), _stage(entry.after)


def _stage(values: Values) -> str | None:
    """Return a stage, with its pipeline where that changed too."""
    pipeline, stage = values.get("pipeline"), values.get("stage")
    return f"{pipeline}.{stage}" if pipeline is not None and stage is not None else stage


def _told(row: Values, texts: Mapping[Id, str]) -> Happening:
    names = {name: row[name] for name in ("id", "at", "entity", "record_id", "rule", "user_id")}
    mail = row["mail"] if row["mail"] != "none" else None
    return Happening(kind="told", text=texts[row["id"]], state=mail, **names)


def _ran(row: Values) -> Happening:
    steps = ", ".join(" ".join(filter(None, (step["action"], step.get("detail")))) for step in row["steps"])
    names = {name: row[name] for name in ("id", "at", "entity", "record_id", "rule", "state")}
    return Happening(kind="ran", acting_as=f"automation:{row['automation']}", text=steps or None, **names)


def _submitted(row: Values) -> Happening:
    names = {name: row[name] for name in ("id", "at", "entity")}
    return Happening(kind="submitted", record_id=row["record_id"], rule=row["form"], **names)
