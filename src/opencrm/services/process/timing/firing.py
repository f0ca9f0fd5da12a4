"""Firing: what a timer does when it is due, in one transaction with its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.change import Values
from opencrm.core.process.events import OnField, OnTime
from opencrm.core.process.reactions import Owned, Process, Source
from opencrm.core.process.tasks import Rung
from opencrm.core.process.timing.moments import Weekly
from opencrm.core.process.timing.sla_clocks import BREACHED, Clock
from opencrm.core.values import Id
from opencrm.services.process import failing, reacting
from opencrm.services.process.running import written
from opencrm.services.process.runs import Step
from opencrm.services.process.tasking import waking
from opencrm.services.process.timing import clock_table, clocks, keeping, table
from opencrm.services.process.timing.table import Timer
from opencrm.services.reading.planning.plans import Sort

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

PAGE = 201
"""How many records a rule that goes by the time of the day runs for in one transaction."""


def fire(work: Work, timer: Timer) -> None:
    """Do what a timer is for, unless it was set anew or taken away meanwhile, and end it.

    Args:
        work: As the system.
        timer: One that is due.
    """
    state = _state(work, timer)
    if table.held(work.tx, timer):
        with work.grown(timer.payload.get(keeping.GENERATION, 1)):
            _FIRE[timer.kind](work, timer, state)


def failed(work: Work, timer: Timer, error: Exception) -> None:
    """Try a timer again later; after the last attempt it is dead, and the history of runs tells so."""
    text = failing.told(error)
    if not table.failed(work.tx, timer, text, work.now) or timer.record_id is None:
        return
    if timer.kind == waking.AGAIN:
        failing.each(work, [timer], lambda _: _left_out(work, timer, text), lambda *_: None)
    else:
        _write_down(work, timer.entity, timer.record_id, source_of(work, timer), text)


def skip(work: Work, timer: Timer) -> None:
    """Leave out what a timer was to do: what comes again goes on with its next time, a promise with its next step."""
    if timer.kind == "sla":
        _climbed(work, timer, _state(work, timer))
        return
    if timer.kind == waking.AGAIN:
        _left_out(work, timer)
        return
    owned = _process(work).rules.get(timer.payload.get("rule", ""))
    if timer.kind == "every" and owned is not None and owned.rule.active and isinstance(owned.rule.on, OnTime):
        again = every_timer(_process(work), owned, work.now)
        table.again(work.tx, timer, again.due_at, again.payload)
    else:
        table.done(work.tx, timer)


def _left_out(work: Work, timer: Timer, why: str | None = None) -> None:
    """Leave out steps of a task's ladder that cannot be done: it goes on with the next."""
    failing.skip(work, timer.record_id or "", why)
    table.done(work.tx, timer)


def _state(work: Work, timer: Timer) -> Values | None:
    """Return the record that a timer is about, locked."""
    if timer.record_id is None or timer.entity not in work.configuration.catalogue.entities:
        return None
    return work.states(work.entity(timer.entity), [timer.record_id]).get(timer.record_id)


def _rotten(work: Work, timer: Timer, state: Values | None) -> None:
    """Run the rules that listen, if the record still stands there since the same move."""
    process, place = _process(work), {name: timer.payload[name] for name in ("pipeline", "stage", "since")}
    if state is not None and keeping.place_of(state) == place:
        at = keeping.rots_at(process, state)
        if at is not None and at > work.now:  # It may stand there for longer than it might when it came.
            table.again(work.tx, timer, at, {**timer.payload, "at": at.isoformat()})
            return
        for owned in process.heard(("rotten", place["pipeline"], place["stage"])):
            reacting.came(work, owned, timer.entity, [state["id"]])
    table.done(work.tx, timer)


def _field(work: Work, timer: Timer, state: Values | None) -> None:
    """Run the rule, if the record's field still says so."""
    owned = _process(work).rules.get(timer.payload["rule"])
    if owned is None or state is None or not (owned.rule.active and isinstance(owned.rule.on, OnField)):
        table.done(work.tx, timer)
        return
    at = keeping.instant_of(_process(work), owned, state)
    if at is not None and at > work.now:
        table.again(work.tx, timer, at, {**timer.payload, "at": at.isoformat()})
        return
    if at is not None and at.isoformat() == timer.payload["at"]:
        reacting.came(work, owned, timer.entity, [state["id"]])
    table.done(work.tx, timer)


def _every(work: Work, timer: Timer, _: Values | None) -> None:
    """Run the rule for some of its records, and come again: for the next of them, else at its next time."""
    owned = _process(work).rules.get(timer.payload["rule"])
    if owned is None or not (owned.rule.active and isinstance(owned.rule.on, OnTime)):
        table.done(work.tx, timer)
        return
    ids = _page(work, owned, owned.rule.on.entity, timer.payload.get("after"))
    _run(work, owned, owned.rule.on.entity, ids)
    if len(ids) == PAGE:
        table.again(work.tx, timer, timer.due_at, {**timer.payload, "after": ids[-1]})
    else:
        again = every_timer(_process(work), owned, work.now)
        table.again(work.tx, timer, again.due_at, again.payload)


def every_timer(process: Process, owned: Owned, now: datetime) -> Timer:
    """Return the timer of a rule that goes by the time of the day, for its next time."""
    on = owned.rule.on
    assert isinstance(on, OnTime)
    at = Weekly(on.days, on.at, on.zone or process.zone).after(now)
    payload = {"rule": owned.rule.key, "at": at.isoformat()}
    return Timer(kind="every", key=every_key(owned), entity=on.entity, record_id=None, due_at=at, payload=payload)


def every_key(owned: Owned) -> str:
    """Return the key of the timer of a rule that goes by the time of the day."""
    return f"every:{owned.rule.key}"


def _page(work: Work, owned: Owned, entity: str, after: Id | None) -> list[Id]:
    """Return the next records that meet a rule's condition, as its automation reads them."""
    with work.reacting_as(owned.source) as inner:
        spec = inner.seen(entity)
        where, sort = inner.bound(spec, owned.rule.when), Sort(spec.fields["id"], False)
        plan = inner.plan(spec, ("id",), where, sort, after=None if after is None else (after, after), limit=PAGE)
        return [row[0] for row in inner.tx.select(plan.shape, lambda: inner.statement(plan), plan.values)]


def _run(work: Work, owned: Owned, entity: str, ids: Sequence[Id]) -> None:
    """Run a rule for records; those for which it cannot be done get timers of their own, which try again."""

    def failed(id: Id, error: Exception) -> None:
        key, payload = f"again:{owned.rule.key}:{id}", {"rule": owned.rule.key}
        timer = Timer(kind="again", key=key, entity=entity, record_id=id, due_at=work.now, payload=payload)
        failing.later(work, timer, error)

    failing.each(work, ids, lambda some: reacting.came(work, owned, entity, some), failed)


def _again(work: Work, timer: Timer, state: Values | None) -> None:
    """Run a rule for a record for which it could not be run at its time of the day."""
    owned = _process(work).rules.get(timer.payload["rule"])
    if owned is not None and state is not None and owned.rule.active and isinstance(owned.rule.on, OnTime):
        reacting.came(work, owned, timer.entity, [state["id"]])
    table.done(work.tx, timer)


def _task(work: Work, timer: Timer, state: Values | None) -> None:
    """Do the steps of a task's ladder that could not be done when they were due."""
    table.done(work.tx, timer)
    if state is not None:
        waking.wake(work, [state["id"]])


def _sla(work: Work, timer: Timer, state: Values | None) -> None:
    """Do the steps of a promise's ladder that are due."""
    for source, entity, rung in _climbed(work, timer, state):
        if rung.escalation is not None and state is not None:
            waking.escalate(work, source, rung.escalation, work.entity(entity), state)


def _climbed(work: Work, timer: Timer, state: Values | None) -> Sequence[tuple[Source, str, Rung]]:
    """Write down that a promise's clock passed the steps that are due, set the timer for the next, and return them."""
    clock = clock_table.of_id(work.tx, timer.payload["clock"])
    owned = None if clock is None else _process(work).slas.get(clock.sla)
    if clock is None or owned is None or state is None or clock.since is None:
        table.done(work.tx, timer)
        return ()
    ladder = clocks.ladder_of(work, clock, owned.sla)
    begin, end = clocks.passed_of(clock, ladder, work.now), sum(rung.at <= work.now for rung in ladder)
    clock_table.save(work.tx, [_after(clock, [rung.at for rung in ladder[begin:end] if rung.escalation is None], end)])
    if end < len(ladder):
        table.again(work.tx, timer, ladder[end].at, timer.payload)
    else:
        table.done(work.tx, timer)
    return [(owned.source, clock.entity, rung) for rung in waking.once(ladder[begin:end])]


def _after(clock: Clock, breached: Sequence[datetime], rung: int) -> Clock:
    """Return a clock after steps of its ladder."""
    after = attrs.evolve(clock, rung=rung)
    return attrs.evolve(after, state=BREACHED, breached_at=breached[0]) if breached else after


def _write_down(work: Work, entity: str, record: Id, source: Source, text: str) -> None:
    if entity in work.configuration.catalogue.entities:
        written(work, source, work.entity(entity), record, [Step("timer", work.now, "failed", text)])


def source_of(work: Work, timer: Timer) -> Source:
    """Return what a timer belongs to, as far as it is known."""
    process = _process(work)
    if timer.kind == "sla":
        clock = clock_table.of_id(work.tx, timer.payload["clock"])
        promise = None if clock is None else process.slas.get(clock.sla)
        return promise.source if promise else Source("", timer.key)
    if timer.kind == waking.AGAIN:
        return Source(timer.payload["automation"], timer.payload["rule"])
    if timer.kind == "rotten":
        heard = process.heard(("rotten", timer.payload["pipeline"], timer.payload["stage"]))
        return heard[0].source if heard else Source("", timer.key)
    owned = process.rules.get(timer.payload["rule"])
    return owned.source if owned else Source("", timer.key)


def _process(work: Work) -> Process:
    return work.configuration.catalogue.process


_FIRE: Mapping[str, Callable[[Any, Timer, Values | None], None]] = MappingProxyType(
    {"rotten": _rotten, "field": _field, "every": _every, "again": _again, waking.AGAIN: _task, "sla": _sla}
)
