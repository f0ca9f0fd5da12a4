"""Clocks of promises as values: each step gives the clock after it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import attrs

from opencrm.core.process.timing.calendars import Calendar
from opencrm.core.values import Id

RUNNING, PAUSED, MET, BREACHED = "running", "paused", "met", "breached"


@attrs.frozen(kw_only=True)
class Clock:
    """The clock of one promise for one record.

    Attributes:
        id: Its own.
        sla: The promise's key.
        entity: What kind of record.
        record_id: Which one.
        state: `running`, `paused`, `met` (ended in time) or `breached` (ran out, whether ended since or not).
        started_at: When it started.
        since: Since when it runs; None where it stands still or has ended.
        due_at: When it runs out, or ran out; None while it stands still in time.
        paused_at: Since when it stands still.
        breached_at: When it ran out.
        ended_at: When it ended.
        elapsed: How many seconds of working time it had run before `since`.
        target: How many it may take.
        rung: How many steps of its ladder are behind it.
    """

    id: Id
    sla: str
    entity: str
    record_id: Id
    state: str = RUNNING
    started_at: datetime
    since: datetime | None = None
    due_at: datetime | None = None
    paused_at: datetime | None = None
    breached_at: datetime | None = None
    ended_at: datetime | None = None
    elapsed: int = 0
    target: int = 0
    rung: int = 0

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.ended_at is not None

    def spent(self, at: datetime, calendar: Calendar) -> int:
        """Return the seconds of working time that it has run until an instant."""
        running = timedelta() if self.since is None else calendar.between(self.since, at)
        return self.elapsed + int(running.total_seconds())


def target_of(calendar: Calendar, started_at: datetime, length: str) -> int:
    """Return how many seconds of working time a duration holds from an instant on."""
    return int(calendar.between(started_at, calendar.add(started_at, length)).total_seconds())


def resumed(clock: Clock, at: datetime, calendar: Calendar) -> Clock:
    """Return a clock that runs from now on."""
    left = timedelta(seconds=clock.target - clock.elapsed)
    if clock.breached_at is not None:
        return attrs.evolve(clock, state=BREACHED, since=at, paused_at=None)
    due = calendar.add(at, left) if left > timedelta() else at
    return attrs.evolve(clock, state=RUNNING, since=at, due_at=due, paused_at=None, rung=0)


def paused(clock: Clock, at: datetime, calendar: Calendar) -> Clock:
    """Return a clock that stands still from now on; one that has run out stays so."""
    spent = clock.spent(at, calendar)
    if clock.breached_at is not None:
        return attrs.evolve(clock, since=None, paused_at=at, elapsed=spent)
    return attrs.evolve(clock, state=PAUSED, since=None, due_at=None, paused_at=at, elapsed=spent)


def ended(clock: Clock, at: datetime, calendar: Calendar) -> Clock:
    """Return a clock that is over: met, unless it ran out before."""
    late = clock.breached_at is not None or (clock.due_at is not None and clock.due_at < at)
    breached_at = (clock.breached_at or clock.due_at) if late else None
    state = BREACHED if late else MET
    spent = clock.spent(at, calendar)
    return attrs.evolve(
        clock, state=state, since=None, paused_at=None, ended_at=at, elapsed=spent, breached_at=breached_at
    )


def retargeted(clock: Clock, length: str, calendar: Calendar) -> Clock:
    """Return a clock with another target; one that runs in time runs out accordingly."""
    target = target_of(calendar, clock.started_at, length)
    if clock.since is None or clock.breached_at is not None or target == clock.target:
        return attrs.evolve(clock, target=target)
    left = timedelta(seconds=max(target - clock.elapsed, 0))
    due = calendar.add(clock.since, left if clock.elapsed else length)
    return attrs.evolve(clock, target=target, due_at=due, rung=0)


def stepped(
    clock: Clock, at: datetime, calendar: Calendar, *, holds: Callable[[str], bool], still: bool, length: str | None
) -> Clock:
    """Return a clock after a change of its record.

    Args:
        clock: The clock; it has not ended.
        at: The instant of the change.
        calendar: Its calendar, in its zone.
        holds: Says whether the promise's condition of that name is met.
        still: Whether it stands still whatever the conditions say.
        length: How long it may take from now on; None for as long as before.
    """
    if not still and holds("stop"):
        return ended(clock, at, calendar)
    if length is not None:
        clock = retargeted(clock, length, calendar)
    stands = clock.since is None
    if stands:
        return clock if still or not holds("resume") else resumed(clock, at, calendar)
    return paused(clock, at, calendar) if still or holds("pause") else clock
