"""Taking back: a new write by the undoer, refused where something happened since."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from opencrm.core.change import Change, JournalEntry, Kind, Values
from opencrm.core.values import is_id
from opencrm.errors import InputError, NotFound, UndoRefused
from opencrm.services import journal
from opencrm.services.commands import Undo

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

_INVERSE = {
    Kind.CREATED: Kind.DELETED,
    Kind.RESTORED: Kind.DELETED,
    Kind.DELETED: Kind.RESTORED,
    Kind.CHANGED: Kind.CHANGED,
    Kind.MOVED: Kind.MOVED,
    Kind.ASSIGNED: Kind.ASSIGNED,
}


def undo(work: Work, commands: Sequence[Undo]) -> tuple[JournalEntry, ...]:
    """Take back single journal lines, or everything that was done in an act, newest first.

    Effects outside the database are not taken back.

    Raises:
        NotFound: There is no such line or act, or none that the principal may know of.
        UndoRefused: A field was changed since, or the record no longer is as the line left it.
        PermissionDenied, Duplicate, Objected: See `Work.apply`.
    """
    found: list[JournalEntry] = []
    for command in commands:
        for line in reversed(_lines(work, command)):
            own = {work.act, command.act or ""}
            found += work.apply([_inverse(work, line, own)], undo=True)
    return tuple(found)


def _lines(work: Work, command: Undo) -> list[JournalEntry]:
    if (command.entry is None) == (command.act is None):
        raise InputError({"undo": ["names either an entry or an act"]})
    id = command.entry or command.act or ""
    rows = (journal.of_id(work.tx, id) if command.entry else journal.of_act(work.tx, id)) if is_id(id) else []
    if not rows:
        raise NotFound("there is no such journal entry")
    return [_known(work, row) for row in rows]


def _known(work: Work, row: Values) -> JournalEntry:
    """Return a line about a record that the principal may know of; by its fields it may know less."""
    spec = work.entity(row["entity"])
    if not work.states(spec, [row["record_id"]], deleted=None):
        raise NotFound("there is no such journal entry")
    return journal.read(row, work.configuration.schemas.dumper(spec))


def _inverse(work: Work, line: JournalEntry, own: Collection[str]) -> Change:
    spec = work.entity(line.entity)
    state = work.states(spec, [line.record_id], deleted=None)[line.record_id]
    kind = _INVERSE[line.kind]
    names = ["deleted_at"] if kind in (Kind.DELETED, Kind.RESTORED) else _visible(work, line)
    _unchanged_since(work, line, state, names, own)
    before = (
        {"deleted_at": work.now if kind is Kind.DELETED else None} if "deleted_at" in names else (line.before or {})
    )
    back = {name: before.get(name) for name in names}
    if kind is Kind.MOVED:
        back["stage_since"] = work.now  # It enters the stage again: the log goes on, it is not turned back.
    return Change(spec.name, line.record_id, kind, state, {**state, **back, "updated_at": work.now})


def _visible(work: Work, line: JournalEntry) -> list[str]:
    """Name the fields to take back: those that may be read, and those that opencrm keeps in step with them."""
    spec = work.entity(line.entity)
    readable = [name for name in line.after if name in work.rights.readable(spec)]
    if not readable:
        raise NotFound("there is no such journal entry")
    return [name for name in line.after if name in readable or spec.fields[name].author is not None]


def _unchanged_since(work: Work, line: JournalEntry, state: Values, names: Iterable[str], own: Collection[str]) -> None:
    """Refuse where somebody else's act (none of `own`) touched the fields after the line."""
    readable = work.rights.readable(work.entity(line.entity))
    since = {name for row in journal.later(work.tx, line) if row["act"] not in own for name in row["after"]}
    later = [name for name in names if name in since or (name != "deleted_at" and state[name] != line.after[name])]
    if line.kind is Kind.CREATED:
        later += since - {"deleted_at"}
    if (state["deleted_at"] is None) == (line.kind is Kind.DELETED):
        later.append("deleted_at")
    if later:
        told = sorted({name for name in later if name in readable})
        raise UndoRefused(f"changed since: {', '.join(told) or 'the record'}", fields=told, entry=line.id)
