"""Timers kept in step with records: as a step of the write path, in the transaction of whatever changes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from opencrm.core.change import Change, Kind, Values
from opencrm.core.entity import Spec
from opencrm.core.process.events import OnField
from opencrm.core.process.reactions import Owned, Process
from opencrm.core.process.timing.moments import moved
from opencrm.core.values import Id
from opencrm.services.process.timing import clocks, table
from opencrm.services.process.timing.table import Timer

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

_WHOLE = (Kind.CREATED, Kind.DELETED, Kind.RESTORED)
GENERATION = "generation"
"""Under what a timer's payload tells how many runs and timers lie behind what it does; without it, itself alone."""
_PLACE = frozenset({"pipeline", "stage", "stage_since"})


@attrs.frozen
class _Wanted:
    """A timer's key, and the timer, or None where there is to be none."""

    key: str
    timer: Timer | None


def keep(work: Work, changes: Sequence[Change], past: Collection[Id], *, quiet: bool) -> None:
    """Set, move and take away the timers of records that were just changed, and step the clocks of promises.

    An instant that has passed already sets no timer.

    Args:
        work: The work block of the changes.
        changes: The changes.
        past: The records that come with a history, which starts no clock.
        quiet: Whether they are no events: they take others back, or come from elsewhere without automations.
    """
    process = work.configuration.catalogue.process
    wanted = [each for change in changes for each in _wanted(process, change, work.now)]
    put(work, [_grown(each, work.generation) for each in wanted] if work.generation else wanted)
    clocks.keep(work, changes, past, quiet=quiet)


def keep_rolled(work: Work, touched: Mapping[str, Collection[Id]]) -> None:
    """Set, move and take away the timers that go by a roll-up, after it was computed anew.

    Args:
        work: The work block of the changes that it was computed for.
        touched: The records that hold it, by their entities.
    """
    catalogue = work.configuration.catalogue
    for entity, ids in touched.items():
        spec = catalogue.entities[entity]
        several = [it for it in catalogue.process.heard(("field", entity)) if rolled(spec, it)]
        states = work.whole(spec, sorted(ids)) if several else {}
        put(work, (_rolled(catalogue.process, it, entity, id, states, work.now) for it in several for id in ids))


def rolled(spec: Spec, owned: Owned) -> bool:
    """Say whether a rule goes by a roll-up of an entity."""
    field = spec.fields.get(owned.rule.on.field) if isinstance(owned.rule.on, OnField) else None
    return field is not None and field.rollup is not None


def put(work: Work, wanted: Iterable[_Wanted]) -> None:
    """Set the timers that are wanted, and take away those that are not."""
    several = list(wanted)
    table.drop_all(work.tx, (it.key for it in several if it.timer is None))
    timers = [it.timer for it in several if it.timer is not None]
    table.set_all(work.tx, timers, work.new_ids(len(timers)))


def of_record(process: Process, entity: str, state: Values, now: datetime) -> Iterator[Timer]:
    """Give the timers that a record is to have, of instants that lie ahead."""
    for owned in process.heard(("field", entity)):
        timer = field_timer(process, owned, entity, state, now)
        if timer is not None:
            yield timer
    timer = rotten_timer(process, entity, state, now)
    if timer is not None:
        yield timer


def field_timer(process: Process, owned: Owned, entity: str, state: Values, now: datetime) -> Timer | None:
    """Return the timer of a rule that goes by a record's field; None where there is nothing ahead."""
    at = instant_of(process, owned, state)
    if at is None or at < now or _gone(state):
        return None
    payload = {"rule": owned.rule.key, "at": at.isoformat()}
    key, record = field_key(owned, state["id"]), state["id"]
    return Timer(kind="field", key=key, entity=entity, record_id=record, due_at=at, payload=payload)


def instant_of(process: Process, owned: Owned, state: Values) -> datetime | None:
    """Return when a rule that goes by a record's field is to be run; None where the field is empty."""
    on = owned.rule.on
    assert isinstance(on, OnField)
    value = state.get(on.field)
    return None if value is None else moved(value, on.offset, process.zone)


def rotten_timer(process: Process, entity: str, state: Values, now: datetime) -> Timer | None:
    """Return the timer of a record that rots where it stands, if a rule listens; None where nothing lies ahead."""
    at = rots_at(process, state) if _heard(process, state) else None
    if at is None or at < now or _gone(state):
        return None
    payload = {**place_of(state), "at": at.isoformat()}
    return Timer(
        kind="rotten", key=rotten_key(state["id"]), entity=entity, record_id=state["id"], due_at=at, payload=payload
    )


def rots_at(process: Process, state: Values) -> datetime | None:
    """Return when a record has stood where it stands for longer than it should."""
    place = process.stages.get((state.get("pipeline") or "", state.get("stage") or ""))
    since = state.get("stage_since")
    if place is None or place.stage.rots_after is None or since is None:
        return None
    return moved(since, f"+{place.stage.rots_after}", process.zone)


def place_of(state: Values) -> dict[str, str]:
    """Return where a record stands, and since which move, as JSON."""
    since = state["stage_since"]
    return {"pipeline": state["pipeline"], "stage": state["stage"], "since": since.isoformat() if since else ""}


def field_key(owned: Owned, record: Id) -> str:
    """Return the key of the timer of a rule that goes by a record's field."""
    return f"field:{owned.rule.key}:{record}"


def rotten_key(record: Id) -> str:
    """Return the key of the timer of a record that rots."""
    return f"rotten:{record}"


def _wanted(process: Process, change: Change, now: datetime) -> Iterator[_Wanted]:
    for owned in process.heard(("field", change.entity)):
        on = owned.rule.on
        if change.kind in _WHOLE or (isinstance(on, OnField) and on.field in change.fields):
            timer = field_timer(process, owned, change.entity, change.after, now)
            if timer is not None or change.before is not None:
                yield _Wanted(field_key(owned, change.id), timer)
    if change.after.get("stage") is not None and (change.kind in _WHOLE or _PLACE & set(change.fields)):
        timer = rotten_timer(process, change.entity, change.after, now)
        if timer is not None or (change.before is not None and _heard(process, change.before)):
            yield _Wanted(rotten_key(change.id), timer)


def _grown(it: _Wanted, generation: int) -> _Wanted:
    """Return a timer that is set by a run, or by another timer, with how many of these lie behind it then."""
    if it.timer is None:
        return it
    return _Wanted(it.key, attrs.evolve(it.timer, payload={**it.timer.payload, GENERATION: generation + 1}))


def _rolled(process: Process, owned: Owned, entity: str, id: Id, states: Mapping[Id, Values], now: datetime) -> _Wanted:
    timer = field_timer(process, owned, entity, states[id], now) if id in states else None
    return _Wanted(field_key(owned, id), timer)


def _heard(process: Process, state: Values) -> bool:
    return bool(process.heard(("rotten", state.get("pipeline"), state.get("stage"))))


def _gone(state: Values) -> bool:
    return state.get("deleted_at") is not None
