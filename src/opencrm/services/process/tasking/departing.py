"""Tasks of records that are deleted: cancelled with them, and open again where a record comes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, bindparam, select

from opencrm.core.change import Change, JournalEntry, Kind, Values
from opencrm.core.columns import IdColumn, InstantColumn, key_column
from opencrm.core.entities import Task
from opencrm.core.entity import Spec
from opencrm.core.process.reactions import FINISHED, TASK
from opencrm.core.values import Id
from opencrm.services import journal
from opencrm.services.process.tasking import standing
from opencrm.storage import tables
from opencrm.storage.statements import padded

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

_CHUNK = 500
_LINE = tables.journal


def follow(work: Work, changes: Sequence[Change], lines: Sequence[JournalEntry]) -> None:
    """Cancel the open tasks of records that were just deleted; open those again that went so with what is back.

    Nothing follows from it: what a task says to be done where somebody cancels it is about a record that is there.

    Args:
        work: Whoever deleted them, or brought them back.
        changes: What was stored.
        lines: Its lines in the journal.
    """
    entities = work.configuration.catalogue.process.subjects
    for entity in dict.fromkeys(it.entity for it in changes if it.kind in _FOLLOWED and it.entity in entities):
        for kind, followed in _FOLLOWED.items():
            pairs = zip(changes, lines, strict=True)
            own = ((it, line) for it, line in pairs if it.entity == entity and it.kind is kind)
            while some := list(islice(own, _CHUNK)):
                followed(work, work.entity(entity), [it for it, _ in some], {it.id: line.entry_id for it, line in some})


def _cancel(work: Work, spec: Spec, changes: Sequence[Change], causes: Mapping[Id, Id]) -> None:
    found = standing.open_tasks(work, spec, [change.id for change in changes])
    if found:
        with work.entailing("the record of a task was deleted") as inner:
            states = _about(inner, spec, found)
            gone = [_turned(inner, it, "cancelled") for it in states.values() if it["state"] not in FINISHED]
            inner.apply(gone, causes=[causes[found[it.id]] for it in gone])


def _reopen(work: Work, spec: Spec, changes: Sequence[Change], causes: Mapping[Id, Id]) -> None:
    found = _cancelled(work, spec, changes)
    if found:
        with work.entailing("the record of a task is back") as inner:
            were = dict(_were(inner, spec, found))
            states = _about(inner, spec, {id: about for id, about in found.items() if id in were})
            back = [_turned(inner, it, were[id]) for id, it in states.items() if it["state"] == "cancelled"]
            inner.apply(back, causes=[causes[found[it.id]] for it in back])


_FOLLOWED = {Kind.DELETED: _cancel, Kind.RESTORED: _reopen}


def _about(work: Work, spec: Spec, found: Mapping[Id, Id]) -> dict[Id, Values]:
    """Return tasks that are about their records, and not about others that these belong to."""
    process, states = work.configuration.catalogue.process, work.states(work.entity(Task), list(found))
    return {id: it for id, it in states.items() if process.subject(it) == (spec.name, found[id])}


def _turned(work: Work, state: Values, to: str) -> Change:
    return Change(TASK, state["id"], Kind.CHANGED, state, {**state, "state": to, "updated_at": work.now})


def _cancelled(work: Work, spec: Spec, changes: Sequence[Change]) -> dict[Id, Id]:
    """Return the tasks of records that were cancelled at the instant of a deletion, each with its record."""
    subject = work.configuration.catalogue.process.subjects[spec.name]
    ids = padded(sorted(change.id for change in changes))
    when = padded(sorted({it.before["deleted_at"] for it in changes if it.before and it.before["deleted_at"]}))
    if not when:
        return {}

    def build() -> Select[Any]:
        tasks = work.entity(Task)
        task, column = tasks.table, tasks.column(subject)
        about = column.in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(len(ids))])
        then = task.c.updated_at.in_([bindparam(f"t{at}", type_=InstantColumn()) for at in range(len(when))])
        gone = (task.c.state == bindparam("state", type_=key_column(64)), task.c.deleted_at.is_(None))
        return select(task.c.id, column.label("about")).where(about, then, *gone).order_by(task.c.id)

    given = {f"i{at}": id for at, id in enumerate(ids)} | {f"t{at}": it for at, it in enumerate(when)}
    rows = work.tx.query(("cancelled then", subject, len(ids), len(when)), build, {**given, "state": "cancelled"})
    return {row["id"]: row["about"] for row in rows}


def _were(work: Work, spec: Spec, found: Mapping[Id, Id]) -> Iterator[tuple[Id, str]]:
    """Give the tasks that went with their records, each with the state in which it was."""
    last = _last_lines(work, list(found))
    by_us = {id: row for id, row in last.items() if row["acting_as"] == journal.SYSTEM and row["cause"] is not None}
    causes = {row["cause"] for row in by_us.values()}
    lines = {row["id"]: row for row in journal.of_ids(work.tx, causes)} if causes else {}
    for id, row in by_us.items():
        cause = lines.get(row["cause"])
        if cause is not None and (cause["entity"], cause["record_id"]) == (spec.name, found[id]):
            yield id, (row["before"] or {}).get("state", "open")


def _last_lines(work: Work, tasks: Sequence[Id]) -> dict[Id, Values]:
    """Return the last line of each of some tasks."""
    ids = padded(sorted(tasks))

    def build() -> Select[Any]:
        mine = _LINE.c.record_id.in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(len(ids))])
        same = _LINE.c.entity == bindparam("entity", type_=key_column(100))
        columns = [_LINE.c[name] for name in ("record_id", "acting_as", "cause", "before")]
        return select(*columns).where(same, mine).order_by(_LINE.c.id)

    given = {f"i{at}": id for at, id in enumerate(ids)}
    rows = work.tx.query(("lines of tasks", len(ids)), build, {**given, "entity": TASK})
    return {row["record_id"]: row for row in rows}


def goes_along(line: JournalEntry) -> bool:
    """Say whether a line tells of a task that went, or came back, with its record: so it does again where that does."""
    return line.entity == TASK and line.acting_as == journal.SYSTEM and line.cause is not None and "state" in line.after
