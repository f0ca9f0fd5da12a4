"""Taking back: a new write by the undoer, refused where something happened since."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from opencrm.core.change import Change, JournalEntry, Kind, Values
from opencrm.core.values import Id, is_id
from opencrm.errors import DomainError, InputError, NotFound, PermissionDenied, UndoRefused
from opencrm.services import journal
from opencrm.services.cleaning import tombstones
from opencrm.services.commands import Undo
from opencrm.services.process.tasking import departing
from opencrm.services.touching import UNTOUCHED, Touched, touched_since
from opencrm.services.viewing.binding import check_taken_back

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

_AT_ONCE = 500
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

    What an act entailed beyond its principal's reach, as the references that follow a merge, goes back with it.
    Effects outside the database are not taken back.

    Raises:
        NotFound: There is no such line or act, or none that the principal may know of.
        UndoRefused: A field was changed since, or the record no longer is as the line left it.
        InputError: A view or a segment would be again as the principal may not read it, or cannot be used so.
        PermissionDenied, Duplicate, Objected: See `Work.apply`.
    """
    found: list[JournalEntry] = []
    for command in commands:
        found += take_back(work, _lines(work, command), {work.act, command.act or ""})
    return tuple(found)


def take_back(work: Work, lines: Sequence[JournalEntry], own: Collection[Id]) -> list[JournalEntry]:
    """Take back lines that the principal knows of, given newest first; acts of `own` are nobody else's doing.

    Raises:
        UndoRefused, PermissionDenied, Duplicate, Objected: See `undo`.
    """
    found: list[JournalEntry] = []
    for run in _runs(line for line in lines if not departing.goes_along(line)):
        if not _entailed(run[0]):
            found += _Run(work, work, own).take_back(run)
            continue
        with work.entailing("undo what an act entailed") as inner:
            found += _Run(work, inner, own).take_back(run)
    return found


def known(work: Work, rows: Iterable[Values]) -> list[JournalEntry]:
    """Return raw rows of one act as lines; all are about records that the principal may know of.

    What the act entailed beyond anybody's reach is there as well; by the fields the principal may know less.

    Raises:
        NotFound: There is none of the principal's own, or one of a record that they may not know of.
    """
    lines = [journal.read(row, work.configuration.schemas.dumper(work.entity(row["entity"]))) for row in rows]
    own = [line for line in lines if not _entailed(line)]
    states = _states(work, own)
    if not own or any((line.entity, line.record_id) not in states for line in own):
        raise _unknown()
    return lines


def _lines(work: Work, command: Undo) -> list[JournalEntry]:
    if (command.entry is None) == (command.act is None):
        raise InputError({"undo": ["names either an entry or an act"]})
    id = command.entry or command.act or ""
    rows = (journal.of_id(work.tx, id) if command.entry else journal.of_act(work.tx, id)) if is_id(id) else []
    if command.entry:  # By itself a line is the undoer's to take back, or nobody's.
        rows = [{**row, "acting_as": None} for row in rows]
    return known(work, rows)[::-1]


def _entailed(line: JournalEntry) -> bool:
    return line.acting_as == journal.SYSTEM


def _runs(lines: Iterable[JournalEntry]) -> Iterator[list[JournalEntry]]:
    """Give lines in runs that can be taken back at once: of one sort, and about each record once."""
    run: dict[tuple[str, Id], JournalEntry] = {}
    sort: object = None
    for line in lines:
        own = (_INVERSE[line.kind], _entailed(line))
        if run and (own != sort or (line.entity, line.record_id) in run or len(run) == _AT_ONCE):
            yield list(run.values())
            run = {}
        sort = own
        run[line.entity, line.record_id] = line
    if run:
        yield list(run.values())


@attrs.frozen
class _Run:
    """Takes a run of lines back.

    Args:
        work: The undoer's block.
        inner: The block that writes: the undoer's own or, for what was entailed, opencrm's.
        own: Acts whose lines are nobody else's doing.
    """

    work: Work
    inner: Work
    own: Collection[Id]

    def take_back(self, lines: Sequence[JournalEntry]) -> list[JournalEntry]:
        """Take lines back at once or, where they stand in each other's way, one after the other."""
        try:
            with self.inner.savepoint():
                return self._at_once(lines)
        except UndoRefused:
            raise
        except (DomainError, InputError, PermissionDenied):
            if len(lines) == 1:
                raise
        return [taken for line in lines for taken in self._at_once([line])]

    def _at_once(self, lines: Sequence[JournalEntry]) -> list[JournalEntry]:
        states, since = _states(self.inner, lines), touched_since(self.inner, lines, self.own)
        seen = states if self.inner is self.work else _states(self.work, lines)
        changes: dict[Id, Change] = {}
        for line in lines:
            key = (line.entity, line.record_id)
            names = _names(self.inner, line)
            touched = _touched(line, states[key], names, since.get(key, UNTOUCHED))
            if not touched:
                changes[line.entry_id] = self._inverse(line, states[key], names)
            elif key in seen:
                raise _refusal(self.work, line, touched)
        check_taken_back(self.inner, changes.values())
        taken = self.inner.apply([*changes.values()], undoes=[*changes]) if changes else ()
        tombstones.lay_again(self.inner.tx, lines, self.inner.now)
        shown = [line for line in taken if (line.entity, line.record_id) in seen]
        return list(journal.readable_entries(shown, self.work.rights))

    def _inverse(self, line: JournalEntry, state: Values, names: Iterable[str]) -> Change:
        now, kind = self.inner.now, _INVERSE[line.kind]
        gone = {"deleted_at": now if kind is Kind.DELETED else None}
        before = gone if kind in (Kind.DELETED, Kind.RESTORED) else (line.before or {})
        back = {name: before.get(name) for name in names}
        if kind is Kind.MOVED:
            back["stage_since"] = now  # It enters the stage again: the log goes on, it is not turned back.
        return Change(line.entity, line.record_id, kind, state, {**state, **back, "updated_at": now})


def check_untouched(work: Work, line: JournalEntry, since: Touched) -> None:
    """Refuse to take back what somebody else touched since.

    Raises:
        UndoRefused: A field was.
        NotFound: The line is about nothing that the principal may read.
    """
    if since.standing and not _entailed(line):
        contested = _contested(line, _names(work, line), since)
        if contested:
            raise _refusal(work, line, contested)


def _names(work: Work, line: JournalEntry) -> list[str]:
    """Name the fields to take back: those that may be read, and those that opencrm keeps in step with them."""
    if _INVERSE[line.kind] in (Kind.DELETED, Kind.RESTORED):
        return ["deleted_at"]
    spec = work.entity(line.entity)
    readable = [name for name in line.after if name in work.rights.readable(spec)]
    if not readable:
        raise _unknown()
    return [name for name in line.after if name in readable or spec.fields[name].author is not None]


def _refusal(work: Work, line: JournalEntry, touched: Collection[str]) -> UndoRefused:
    """Return what is said of a line that was touched since, as far as its reader may know of it."""
    readable = work.rights.readable(work.entity(line.entity))
    told = sorted(readable.intersection(touched))
    return UndoRefused(f"changed since: {', '.join(told) or 'the record'}", fields=told, entry=line.entry_id)


def _touched(line: JournalEntry, state: Values, names: Iterable[str], since: Touched) -> set[str]:
    """Name the fields that are not as the line left them, or were touched by somebody else since."""
    deleted, kind = state["deleted_at"] is not None, _INVERSE[line.kind]
    turned = kind in (Kind.DELETED, Kind.RESTORED) and deleted != (kind is Kind.RESTORED)
    left = {name for name in names if name != "deleted_at" and name not in since.later}
    otherwise = {name for name in left if state[name] != line.after[name]}
    return _contested(line, names, since) | otherwise | ({"deleted_at"} if turned else set())


def _contested(line: JournalEntry, names: Iterable[str], since: Touched) -> set[str]:
    """Name the fields touched since that stand in the way: of a creation all of them."""
    return {*since.standing} if line.kind is Kind.CREATED else {*names, "deleted_at"}.intersection(since.standing)


def _states(work: Work, lines: Iterable[JournalEntry]) -> dict[tuple[str, Id], Values]:
    several = _by_entity((line.entity, line.record_id) for line in lines)
    return {
        (name, id): state
        for name, ids in several.items()
        for id, state in work.states(work.entity(name), ids, deleted=None).items()
    }


def _by_entity(keys: Iterable[tuple[str, Id]]) -> Mapping[str, list[Id]]:
    found: dict[str, dict[Id, None]] = {}
    for entity, id in keys:
        found.setdefault(entity, {})[id] = None
    return {name: list(ids) for name, ids in found.items()}


def _unknown() -> NotFound:
    return NotFound("there is no such journal entry")
