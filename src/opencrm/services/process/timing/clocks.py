"""Clocks of promises: started, stopped and told of in the transaction of whatever changes their records."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from opencrm.core.change import Change, Kind
from opencrm.core.conditions.nodes import is_condition
from opencrm.core.entity import Spec
from opencrm.core.entity.paths import head
from opencrm.core.process.reactions import OwnedSla
from opencrm.core.process.tasks import Rung
from opencrm.core.process.timing import sla_clocks
from opencrm.core.process.timing.calendars import Calendar
from opencrm.core.process.timing.sla_clocks import Clock
from opencrm.core.process.timing.slas import Sla
from opencrm.core.process.values import By
from opencrm.core.values import Id
from opencrm.services.process.entering.asking import holds
from opencrm.services.process.rendering import Words
from opencrm.services.process.timing import clock_table, table
from opencrm.services.process.timing.table import Timer

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

_ENTERS = (Kind.CREATED, Kind.RESTORED)


def keep(work: Work, changes: Sequence[Change], past: Collection[Id], *, quiet: bool) -> None:
    """Start, pause, resume and end the clocks of records that were just changed."""
    process = work.configuration.catalogue.process
    for entity in dict.fromkeys(change.entity for change in changes):
        slas = process.slas_on(entity)
        if slas:
            own = [change for change in changes if change.entity == entity]
            _keep(work, work.entity(entity), slas, own, past if not quiet else [change.id for change in own])


def _keep(work: Work, spec: Spec, slas: Sequence[OwnedSla], changes: Sequence[Change], quiet: Collection[Id]) -> None:
    known = {
        (it.sla, it.record_id): it
        for it in clock_table.going(work.tx, spec.name, [it.id for it in changes if it.before is not None])
    }
    found = [
        (known.get((owned.sla.key, change.id)), after, owned)
        for owned in slas
        for change, after in _stepped(_Judge(work, spec, owned), changes, known, quiet)
    ]
    started, changed = (
        [it for was, it, _ in found if was is None],
        [it for was, it, _ in found if was not in (None, it)],
    )
    clock_table.enter(work.tx, started)
    clock_table.save(work.tx, changed)
    put_timers(work, [(it, owned) for was, it, owned in found if was != it])


def _stepped(
    judge: _Judge, changes: Sequence[Change], known: Mapping[tuple[str, Id], Clock], quiet: Collection[Id]
) -> Iterator[tuple[Change, Clock]]:
    for change in changes:
        clock = known.get((judge.sla.key, change.id))
        if clock is None and (change.id in quiet or not judge.starts(change)):
            continue
        after = judge.started(change) if clock is None else clock
        if after is not None:
            yield change, judge.stepped(after, change, new=clock is None)


@attrs.frozen
class _Judge:
    """Judges changes of records by one promise."""

    work: Work
    spec: Spec
    owned: OwnedSla

    @property
    def sla(self) -> Sla:
        return self.owned.sla

    @property
    def calendar(self) -> Calendar:
        return self.work.configuration.catalogue.process.in_zone(self.sla.calendar)

    def starts(self, change: Change) -> bool:
        """Say whether a change starts a clock."""
        if change.after.get("deleted_at") is not None:
            return False
        start = self.sla.start
        if not is_condition(start):
            return self.sla.begins_with(change)
        came = change.before is None or change.kind in _ENTERS or not holds(self.work, self.spec, start, change.before)
        return came and holds(self.work, self.spec, start, change.after)

    def started(self, change: Change) -> Clock | None:
        """Return the clock that a change starts; None where there is no limit."""
        length, now = self._length(change), self.work.now
        if length is None:
            return None
        return Clock(
            id=self.work.new_id(),
            sla=self.sla.key,
            entity=self.spec.name,
            record_id=change.id,
            started_at=now,
            since=now,
            due_at=self.calendar.add(now, length),
            target=sla_clocks.target_of(self.calendar, now, length),
        )

    def stepped(self, clock: Clock, change: Change, *, new: bool) -> Clock:
        """Return a clock after a change."""
        by = self.sla.targets
        decided = isinstance(by, By) and not new and head(by.field) in _heads(change)
        return sla_clocks.stepped(
            clock,
            self.work.now,
            self.calendar,
            holds=lambda name: self._holds(name, change),
            still=change.after.get("deleted_at") is not None,
            length=self._length(change) if decided else None,
        )

    def _holds(self, name: str, change: Change) -> bool:
        if name == "resume" and (self.sla.resume is None or change.kind is Kind.RESTORED):
            return not self._holds("pause", change)
        condition = getattr(self.sla, name)
        return condition is not None and holds(self.work, self.spec, condition, change.after)

    def _length(self, change: Change) -> str | None:
        with self.work.reacting_as(self.owned.source) as inner:
            return Words(inner, self.spec, change.after).duration(self.sla.targets)


def put_timers(work: Work, several: Sequence[tuple[Clock, OwnedSla]]) -> None:
    """Set the timers of clocks that run to the next step of their ladders, and take away those of the others."""
    timers, gone = [], []
    for clock, owned in several:
        rung = _next(work, clock, owned.sla)
        if rung is None:
            gone.append(key_of(clock))
        else:
            timers.append(timer_of(clock, rung.at))
    table.drop_all(work.tx, gone)
    table.set_all(work.tx, timers, work.new_ids(len(timers)))


def timer_of(clock: Clock, at: datetime) -> Timer:
    """Return the timer of a clock's next step."""
    key, payload = key_of(clock), {"clock": clock.id}
    return Timer(kind="sla", key=key, entity=clock.entity, record_id=clock.record_id, due_at=at, payload=payload)


def key_of(clock: Clock) -> str:
    """Return the key of a clock's timer."""
    return f"sla:{clock.id}"


def ladder_of(work: Work, clock: Clock, sla: Sla) -> Sequence[Rung]:
    """Return the steps of a clock that runs or ran out."""
    calendar = work.configuration.catalogue.process.in_zone(sla.calendar)
    return () if clock.due_at is None else sla.ladder(clock.due_at, calendar)


def _next(work: Work, clock: Clock, sla: Sla) -> Rung | None:
    ladder = ladder_of(work, clock, sla) if clock.since is not None else ()
    passed = passed_of(clock, ladder, work.now)
    return ladder[passed] if passed < len(ladder) else None


def passed_of(clock: Clock, ladder: Sequence[Rung], now: datetime) -> int:
    """Return how many steps are behind a clock: what was missed is left out, but never the breach and what follows."""
    breach = next((at for at, rung in enumerate(ladder) if rung.escalation is None), 0)
    return max(clock.rung, sum(rung.at < now for rung in ladder[:breach]))


def _heads(change: Change) -> set[str]:
    """Return the fields that a change sets, with the words by which paths name references."""
    return {*change.fields, *(name.removesuffix("_id") for name in change.fields)}
