"""Editing many records alike: each is judged like an edit of its own, and all are undone as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import attrs

from opencrm.core.change import Change, JournalEntry, Values
from opencrm.core.conditions import TRUE, Greater, all_of
from opencrm.core.entity import Spec
from opencrm.core.values import Id, is_id
from opencrm.errors import InputError, NotFound, OpenCRMError
from opencrm.services import journal
from opencrm.services.cleaning.culprits import Refusal, judged, write
from opencrm.services.cleaning.pacing import MOST, PACE, Door, Pace, check_own, patiently
from opencrm.services.cleaning.rehearsing import trial
from opencrm.services.cleaning.steps import MassEdit, changes_nothing, step_of
from opencrm.services.reading.rows import Query
from opencrm.services.writing.work import Work

_LISTED = 1_000
_SHOWN = 20


@attrs.frozen
class Sample:
    """What one record's fields were and became, as far as they may be read."""

    record: Id
    before: Values
    after: Values


@attrs.frozen(kw_only=True)
class Edited:
    """What a mass edit did, or would do.

    Attributes:
        act: The act that all of it belongs to, by which it is undone; None of a rehearsal.
        found: How many records were looked at; of those named, the ones that are there.
        changed: How many became other than they were.
        unchanged: How many were so already.
        refused: How many were refused, by code.
        refusals: The first thousand of them.
        samples: Some of those that changed.
    """

    act: Id | None
    found: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: Mapping[str, int] = attrs.field(factory=dict)
    refusals: tuple[Refusal, ...] = ()
    samples: tuple[Sample, ...] = ()

    def __add__(self, more: Edited) -> Edited:
        return attrs.evolve(
            self,
            found=self.found + more.found,
            changed=self.changed + more.changed,
            unchanged=self.unchanged + more.unchanged,
            refused=dict(Counter(self.refused) + Counter(more.refused)),
            refusals=(self.refusals + more.refusals)[:_LISTED],
            samples=(self.samples + more.samples)[:_SHOWN],
        )


def edit(work: Work, wish: MassEdit[Any]) -> Edited:
    """Edit up to 10,000 records in this transaction.

    Raises:
        InputError: The wish cannot be read, whatever the records, or asks for more than 10,000.
        PermissionDenied: The principal may do this to no record at all.
        OpenCRMError: With `whole`, the first refusal.
    """
    spec = work.entity(wish.entity)
    wish.check()
    ids = _chosen(work, spec, wish, None, MOST + 1)
    if len(ids) > MOST:
        raise _too_many(wish, MOST)
    return _edit(work, spec, wish, ids)


def rehearse(door: Door, wish: MassEdit[Any]) -> Edited:
    """Return what `edit` would do, by doing it and taking it back; raises what `edit` raises.

    Args:
        door: Opens a work block, of which nothing is kept: `lambda: crm.work(principal)`.
        wish: What to do.
    """
    with trial(door) as work:
        found = edit(work, wish)
    return attrs.evolve(found, act=None)


def run(
    door: Door,
    wish: MassEdit[Any],
    *,
    act: Id | None = None,
    rehearsed: bool = False,
    pace: Pace = PACE,
    tell: Callable[[Edited], None] = lambda _: None,
) -> Edited:
    """Edit any number of records, in as many transactions as it takes; all belong to one act.

    On PostgreSQL a transaction takes 10,000 records, on SQLite what is done in some thirty milliseconds.
    What was committed stays when it is broken off; the same wish with the same `act` goes on, and does nothing twice.

    Args:
        door: Opens a work block: `lambda: crm.work(principal)`.
        wish: What to do.
        act: The act that was broken off, to go on with it.
        rehearsed: Only find out what would be done, 10,000 records at a time.
        pace: How much a transaction takes.
        tell: Is told how far it is, after each transaction.

    Raises:
        NotFound: There is no such act, or it is somebody else's.
        InputError, PermissionDenied: As `edit`.
    """
    return _Run(door, wish, tell, pace, rehearsed).run(act)


def _edit(work: Work, spec: Spec, wish: MassEdit[Any], ids: Sequence[Id]) -> Edited:
    """Edit these records; those chosen by a condition that are gone meanwhile were never there."""
    step = step_of(work, spec, wish)
    known = [id for id in ids if is_id(id)]
    states = work.states(spec, known, deleted=wish.restore)
    tally = _Tally(spec.name, raises=wish.whole)
    done = _missing(work, spec, wish, [id for id in ids if id not in states], tally)
    changes = judged(work, _changes(step, (states[id] for id in ids if id in states), tally), tally.refuse)
    real = [change for change in changes if not changes_nothing(change)]
    lines = list(work.apply(real) if wish.whole and real else write(work, real, tally.refuse))
    return Edited(
        act=work.act,
        found=len(states) + done,
        changed=len(lines),
        unchanged=done + len(changes) - len(real),
        refused=dict(tally.codes),
        refusals=tuple(tally.refusals),
        samples=_samples(work, lines),
    )


def _missing(work: Work, spec: Spec, wish: MassEdit[Any], ids: Sequence[Id], tally: _Tally) -> int:
    """Refuse those that were named and are not there; return how many are deleted, or back, already."""
    named = ids if wish.ids is not None else ()
    there = work.states(spec, [id for id in named if is_id(id)], deleted=not wish.restore)
    done = there if wish.delete or wish.restore else {}
    for id in named:
        if id not in done:
            tally.refuse(id, NotFound(f"there is no such {spec.name}", entity=spec.name, id=id))
    return len(done)


def _samples(work: Work, lines: Iterable[JournalEntry]) -> tuple[Sample, ...]:
    shown = journal.readable_entries(islice(lines, _SHOWN), work.rights)
    return tuple(Sample(line.record_id, line.before or {}, line.after) for line in shown)


def _changes(step: Callable[[Values], Change], states: Iterable[Values], tally: _Tally) -> list[Change]:
    found = []
    for state in states:
        try:
            found.append(step(state))
        except OpenCRMError as error:
            tally.refuse(state["id"], error)
    return found


def _chosen(work: Work, spec: Spec, wish: MassEdit[Any], after: Id | None, most: int) -> list[Id]:
    """Return the ids of the next records of a wish, in their order."""
    if wish.ids is not None:
        every = list(dict.fromkeys(wish.ids))
        start = every.index(after) + 1 if after is not None else 0
        return every[start : start + most]
    beyond = Greater("id", after) if after is not None else TRUE
    query: Query[Any] = Query(
        spec, where=all_of((wish.where or TRUE, beyond)), sort="id", fields=["id"], deleted=wish.restore
    )
    return [record["id"] for record in islice(work.stream(query), most)]


def _too_many(wish: MassEdit[Any], most: int) -> InputError:
    field = "where" if wish.ids is None else "ids"
    return InputError({field: [f"names more than {most:,} records, which one transaction does not take: narrow it"]})


@attrs.define
class _Tally:
    """Counts what is refused; or raises it."""

    entity: str
    raises: bool
    codes: Counter[str] = attrs.field(factory=Counter)
    refusals: list[Refusal] = attrs.field(factory=list)

    def refuse(self, id: Id, error: OpenCRMError) -> None:
        if self.raises:
            raise error
        self.codes[error.code] += 1
        if len(self.refusals) < _LISTED:
            self.refusals.append(Refusal(self.entity, id, error.code, str(error)))


@attrs.define
class _Run:
    """A mass edit under way, transaction after transaction."""

    door: Door
    wish: MassEdit[Any]
    tell: Callable[[Edited], None]
    pace: Pace
    rehearsed: bool
    _size: int = 0
    _last: Id | None = None
    _over: bool = False

    def run(self, act: Id | None) -> Edited:
        total = Edited(act=None)
        self._size = self.pace.first
        while not self._over:
            resumed = act if total.act is None else None
            part, seconds = patiently(partial(self._transaction, total.act, resumed))
            self._size = self.pace.next(self._size, part.found or self._size, seconds)
            total = attrs.evolve(total + part, act=part.act)
            self.tell(total)
        return attrs.evolve(total, act=None) if self.rehearsed else total

    def _transaction(self, act: Id | None, resumed: Id | None) -> Edited:
        """Edit the next records; how far it came is remembered only once they are kept."""
        with trial(self.door) if self.rehearsed else self.door() as work:
            if resumed is not None:
                check_own(work, resumed)
            if act is not None or resumed is not None:
                work.go_on(act or resumed or "")
            ids, more = self._next(work)
            found = _edit(work, work.entity(self.wish.entity), self.wish, ids)
        self._over, self._last = not more, ids[-1] if ids else None
        return found

    def _next(self, work: Work) -> tuple[list[Id], bool]:
        """Return the ids of the next records, and whether there are more after them."""
        self.wish.check()
        at_once = self.wish.whole or self.rehearsed
        size = self.pace.most if at_once else self.pace.size(work, self._size)
        ids = _chosen(work, work.entity(self.wish.entity), self.wish, self._last, size + 1)
        if self.wish.whole and len(ids) > size:
            raise _too_many(self.wish, size)
        return ids[:size], len(ids) > size


__all__ = ["MOST", "Edited", "MassEdit", "Pace", "Refusal", "Sample", "edit", "rehearse", "run"]
