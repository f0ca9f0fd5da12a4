"""Taking an import back: what nobody touched since goes, the rest stays and is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import groupby
from typing import TypeAlias

import attrs

from opencrm.core.change import JournalEntry, Kind, Values
from opencrm.core.values import Id
from opencrm.errors import ConfigurationError, ConflictError, NotFound, OpenCRMError
from opencrm.schemas import Dumper
from opencrm.services import journal, undoing
from opencrm.services.cleaning.pacing import Door, patiently
from opencrm.services.cleaning.rehearsing import rehearsal
from opencrm.services.imports.jobs import ImportJob, ImportJobs, job
from opencrm.services.writing.work import Work

Key: TypeAlias = tuple[str, Id]
"""An entity's name and a record's id."""

_LAST = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_LINES = 5_000
_LISTED = 1_000
_BACK = (Kind.CREATED, Kind.RESTORED)


@attrs.frozen
class Refusal:
    """A record that stays as it is, and why."""

    entity: str
    record: Id
    code: str
    text: str


@attrs.define
class Undone:
    """What became of an import that was taken back.

    Attributes:
        act: The undo's own act, by which it can be undone in its turn; None of a rehearsal.
        lines: How many lines of the journal were taken back.
        records: How many records that was, by entity; parts are told with their own entity.
        refused: How many records stay, by the code of the reason.
        refusals: The first thousand of them.
    """

    act: Id | None = None
    lines: int = 0
    records: Counter[str] = attrs.field(factory=Counter)
    refused: Counter[str] = attrs.field(factory=Counter)
    refusals: list[Refusal] = attrs.field(factory=list)


def undo(door: Door, id: Id, *, rehearsed: bool = False, tell: Callable[[Undone], None] = lambda _: None) -> Undone:
    """Take back what an import did, newest first, transaction by transaction as it was done.

    A record that was changed since stays, together with its parts, and so does one that the undoer may not take back;
    the others go. What was taken back already is left alone, so that an undo that was broken off can be begun again.

    Args:
        door: Opens a work block.
        id: The import.
        rehearsed: Only find out what would be done, in one transaction that is taken back.
        tell: Is told how far it is, after each transaction.

    Raises:
        NotFound: There is no such import, or it is somebody else's.
    """
    if not rehearsed:
        return _Undo(door, tell).run(id)
    with door() as work, rehearsal(work):
        found = _Undo(lambda: nullcontext(work), tell).run(id)
    found.act = None
    return found


@attrs.define
class _Undo:
    door: Door
    tell: Callable[[Undone], None]
    done: Undone = attrs.field(factory=Undone, init=False)
    _refused: set[Key] = attrs.field(factory=set, init=False)
    _gone: set[Key] = attrs.field(factory=set, init=False)

    def run(self, id: Id) -> Undone:
        with self.door() as work:
            found = job(work, id)
        before = _LAST
        while before:
            before, _ = patiently(partial(self._transaction, found, before))
            self.tell(self.done)
        with self.door() as work:
            ImportJobs(work).undone(found, whole=not self.done.refused)
        return self.done

    def _transaction(self, found: ImportJob, before: Id) -> Id:
        """Take back the newest lines before one; return the last of them, or nothing where there are no more."""
        with self.door() as work:
            if self.done.act is not None:
                work.go_on(self.done.act)
            rows = _unit(work, found.id, before)
            part = _Part(work, {work.act, found.id}, self._refused)
            lines = part.take([journal.read(row, _dumper(work, row)) for row in rows])
            act = work.act
        self.done.act = act
        self._count(part, lines)
        return rows[-1]["id"] if rows else ""

    def _count(self, part: _Part, lines: Sequence[JournalEntry]) -> None:
        """Count what was kept: a record once, whatever number of its lines."""
        done = self.done
        done.lines += len(lines)
        for line in lines:
            if (line.entity, line.record_id) not in self._gone:
                self._gone.add((line.entity, line.record_id))
                done.records[line.entity] += 1
        for refusal in part.refusals:
            if (refusal.entity, refusal.record) not in self._refused:
                self._refused.add((refusal.entity, refusal.record))
                done.refused[refusal.code] += 1
                done.refusals += [refusal] if len(done.refusals) < _LISTED else []


@attrs.define
class _Part:
    """The lines of one transaction of the import: a record and its parts go together, or stay together."""

    work: Work
    own: Collection[Id]
    refused: Collection[Key]
    refusals: list[Refusal] = attrs.field(factory=list)

    def take(self, lines: Sequence[JournalEntry]) -> list[JournalEntry]:
        """Take lines back, given newest first; return those that were."""
        states = self._states(lines)
        groups: dict[Key, list[JournalEntry]] = {}
        for line in lines:
            groups.setdefault(self._whole(line, states), []).append(line)
        seen = {key: several for key, several in groups.items() if self._may_try(key, several, states)}
        left = {key: [line for line in several if not _is_back(line, states)] for key, several in seen.items()}
        return self._take([(key, several) for key, several in left.items() if several])

    def _take(self, groups: Sequence[tuple[Key, Sequence[JournalEntry]]]) -> list[JournalEntry]:
        done: list[JournalEntry] = []
        waiting = [groups] if groups else []
        while waiting:
            part = waiting.pop()
            lines = sorted((line for _, several in part for line in several), key=lambda it: it.entry_id, reverse=True)
            try:
                with self.work.savepoint():
                    undoing.take_back(self.work, lines, self.own)
            except (ConfigurationError, ConflictError):
                raise
            except OpenCRMError as error:
                if len(part) == 1:
                    self._refuse(part[0][0], error)
                else:
                    waiting += [part[len(part) // 2 :], part[: len(part) // 2]]
            else:
                done += lines
        return done

    def _may_try(self, key: Key, lines: Iterable[JournalEntry], states: Mapping[Key, Values]) -> bool:
        if key in self.refused:
            return False
        if any((line.entity, line.record_id) not in states for line in lines if line.acting_as != "system"):
            self._refuse(key, NotFound(f"there is no such {key[0]} that you may see"))
            return False
        return True

    def _refuse(self, key: Key, error: OpenCRMError) -> None:
        self.refusals.append(Refusal(*key, error.code, str(error)))

    def _states(self, lines: Iterable[JournalEntry]) -> dict[Key, Values]:
        ids: dict[str, dict[Id, None]] = {}
        for line in lines:
            ids.setdefault(line.entity, {})[line.record_id] = None
        found = {name: self.work.states(self.work.entity(name), list(each), deleted=None) for name, each in ids.items()}
        return {(name, id): state for name, several in found.items() for id, state in several.items()}

    def _whole(self, line: JournalEntry, states: Mapping[Key, Values]) -> Key:
        """Return the record that a line is about or, of a part's line, whose part it is."""
        own = (line.entity, line.record_id)
        spec, state = self.work.entity(line.entity), states.get(own, line.after)
        for link in spec.options.part_of:
            if state.get(link) is not None:
                return (state["entity"] if link == "record_id" else spec.references()[link], state[link])
        return own


def _unit(work: Work, act: Id, before: Id) -> list[Values]:
    """Return the newest lines of an act before one: those of whole transactions, on SQLite of one."""
    most = _LINES
    while True:
        rows = journal.newest_of_act(work.tx, act, before=before, most=most + 1)
        units = [list(several) for _, several in groupby(rows, key=lambda row: row["at"])]
        whole = units if len(rows) <= most else units[:-1]
        if whole or not rows:
            return [row for unit in whole[: 1 if work.tx.sqlite else None] for row in unit]
        most *= 4


def _dumper(work: Work, row: Values) -> Dumper:
    return work.configuration.schemas.dumper(work.entity(row["entity"]))


def _is_back(line: JournalEntry, states: Mapping[Key, Values]) -> bool:
    """Say whether a line was taken back already."""
    state = states.get((line.entity, line.record_id))
    if state is None:
        return False
    if line.kind in _BACK:
        return state["deleted_at"] is not None
    before = line.before or {}
    return line.kind is not Kind.DELETED and all(state.get(name) == before.get(name) for name in line.after)
