"""Taking an import back: what nobody touched since goes, the rest stays and is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from copy import deepcopy
from functools import partial

import attrs

from opencrm.core.change import JournalEntry, Kind
from opencrm.core.values import Id
from opencrm.services.cleaning.culprits import Refusal
from opencrm.services.cleaning.pacing import Door, patiently
from opencrm.services.cleaning.rehearsing import trial
from opencrm.services.imports.jobs import ImportJob, ImportJobs, jobs_named
from opencrm.services.imports.units import Unit, newest_unit
from opencrm.services.touching import Key

_LAST = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_LIKELY = 250
_LISTED = 1_000


@attrs.define
class Undone:
    """What became of an import, or of all of a run, that was taken back.

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
    """Take back what an import or all imports of a run did, newest first, transaction by transaction as it was done.

    A record that was changed since stays, together with its parts, and so does one that the undoer may not take back;
    the others go. What was taken back already is left alone, so that an undo that was broken off can be begun again.

    Args:
        door: Opens a work block.
        id: The import, or the run.
        rehearsed: Only find out what would be done: the same transactions, each of them taken back. Where one looks to
            depend on another, all of its import is tried once more in a single one.
        tell: Is told how far it is, after each transaction.

    Raises:
        NotFound: There is no such import, or it is somebody else's.
    """
    with door() as work:
        several = jobs_named(work, id)
    found = _SoFar()
    for job in several:
        found = _rehearse(door, job, tell, found) if rehearsed else _Undo(door, job, tell, found).run()
    found.done.act = None if rehearsed else found.done.act
    return found.done


@attrs.define
class _SoFar:
    """How far an undo is.

    Attributes:
        done: What is told.
        refused: The records that stay.
        gone: Those of which lines were taken back.
        own: The imports that are taken back.
    """

    done: Undone = attrs.field(factory=Undone)
    refused: set[Key] = attrs.field(factory=set)
    gone: set[Key] = attrs.field(factory=set)
    own: set[Id] = attrs.field(factory=set)


class _Entangled(Exception):
    """One transaction's part depends on another's, and cannot be rehearsed without it."""


def _rehearse(door: Door, job: ImportJob, tell: Callable[[Undone], None], found: _SoFar) -> _SoFar:
    try:
        return _Undo(lambda: trial(door), job, tell, deepcopy(found), apart=True).run()
    except _Entangled:
        with trial(door) as work:
            return _Undo(lambda: nullcontext(work), job, tell, found).run()


@attrs.define
class _Undo:
    """Takes one import back.

    Args:
        door: Opens a work block.
        job: The import.
        tell: Is told how far it is.
        found: What was done before; is gone on with.
        apart: Whether each transaction is taken back before the next, which is to raise where that may matter.
    """

    door: Door
    job: ImportJob
    tell: Callable[[Undone], None]
    found: _SoFar
    apart: bool = False
    _whole: bool = attrs.field(default=True, init=False)
    _likely: int = attrs.field(default=_LIKELY, init=False)

    def run(self) -> _SoFar:
        before = _LAST
        self.found.own.add(self.job.id)
        while before:
            before, _ = patiently(partial(self._transaction, before))
            self.tell(self.found.done)
        with self.door() as work:
            ImportJobs(work).undone(self.job, whole=self._whole)
        return self.found

    def _transaction(self, before: Id) -> Id:
        """Take back the newest lines before one; return the last of them, or nothing where there are no more."""
        found = self.found
        with self.door() as work:
            if found.done.act is not None:
                work.go_on(found.done.act)
            lines = newest_unit(work, self.job.id, before, likely=self._likely)
            unit = Unit(work, {work.act, *found.own}, found.refused)
            taken = unit.take(lines)
            act = work.act
        if self.apart and (unit.tried or any(map(self._again, taken))):
            raise _Entangled
        found.done.act, self._likely = act, len(lines)
        self._count(unit, taken)
        return lines[-1].entry_id if lines else ""

    def _again(self, line: JournalEntry) -> bool:
        """Say whether a line finds its record otherwise than it would, if newer lines had been taken back."""
        return line.kind is not Kind.CREATED and (line.entity, line.record_id) in self.found.gone

    def _count(self, unit: Unit, taken: Sequence[JournalEntry]) -> None:
        """Count what was kept: a record once, whatever number of its lines."""
        found, done = self.found, self.found.done
        done.lines += len(taken)
        self._whole = self._whole and not unit.stays
        for line in taken:
            if (line.entity, line.record_id) not in found.gone:
                found.gone.add((line.entity, line.record_id))
                done.records[line.entity] += 1
        for refusal in unit.refusals:
            if (refusal.entity, refusal.record) not in found.refused:
                found.refused.add((refusal.entity, refusal.record))
                done.refused[refusal.code] += 1
                done.refusals += [refusal] if len(done.refusals) < _LISTED else []
