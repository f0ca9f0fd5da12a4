"""Promises about time: clocks that start, pause and stop with a record, and what happens where one runs out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import attrs

from opencrm.core.access.grants import Grant, Scope
from opencrm.core.change import Change, Kind
from opencrm.core.conditions import Condition
from opencrm.core.conditions.nodes import is_condition
from opencrm.core.entity import Entity, Spec
from opencrm.core.entity.paths import parted, target_of
from opencrm.core.process.events import OnRecord, OnStage
from opencrm.core.process.given import all_of, listed, stable_key
from opencrm.core.process.tasks import Escalation, Rung, check_reach
from opencrm.core.process.timing.calendars import ALWAYS, Calendar
from opencrm.core.process.values import By, Duration, duration, naming

Start: TypeAlias = Condition | OnRecord | OnStage
"""What starts a clock: that a record comes to meet a condition, or an event."""


def _name(entity: type[Entity] | Spec | str) -> str:
    return entity if isinstance(entity, str) else entity.name if isinstance(entity, Spec) else entity.spec.name


def _start(given: Any) -> Start:
    if not isinstance(given, OnRecord | OnStage) and not is_condition(given):
        raise ValueError(f"start: {given!r} is no condition, and no event such as created(Deal)")
    found: Start = given
    return found


def _targets(given: Duration) -> Duration:
    with naming("targets"):
        return duration(given)


def _condition(_owner: object, attribute: attrs.Attribute[Any], given: object) -> None:
    if not is_condition(given):
        raise ValueError(f"{attribute.name}: {given!r} is no condition")


def _escalations(given: Iterable[Escalation]) -> tuple[Escalation, ...]:
    found: tuple[Escalation, ...] = listed(given)
    return found


@attrs.frozen
class Sla:
    """A promise about time, for each record of an entity.

    The clock runs while the record is to be worked at, counts working time only, and ends when `stop` is met. It is
    kept in the transaction of whatever changes the record. While a record is deleted its clock stands still.

    Args:
        key: Stable name, unique in a workspace.
        on: The entity.
        start: What starts it: a condition that a record comes to meet, or an event such as `created(Deal)` or
            `entered("windows.pricing")`. It starts again where that comes again after its end.
        stop: A condition; the clock ends where it is met.
        pause: A condition; the clock stands still while it is met.
        resume: A condition; what stands still goes on where it is met. By default where `pause` is not met any more.
        targets: How long it may take, such as `"4h"`, or `by("priority", high="1h", otherwise="1d")`; where a field
            decides that there is no limit, no clock starts. It follows the field while the clock runs.
        calendar: Working hours; by default every hour of every day.
        escalations: Who is told when, by the instant at which the clock runs out: `"-30m"`, `"due"`, `"+1h"`. Of a
            selector's words, `owner` is the record's.
        label: What a person reads; by default made of the key.

    Raises:
        ValueError: An argument cannot be read; the message names it.
    """

    key: str = attrs.field(validator=stable_key)
    on: str = attrs.field(converter=_name, kw_only=True)
    start: Start = attrs.field(converter=_start, kw_only=True)
    stop: Condition = attrs.field(validator=_condition, kw_only=True)
    targets: Duration = attrs.field(converter=_targets, kw_only=True)
    pause: Condition | None = attrs.field(default=None, validator=attrs.validators.optional(_condition), kw_only=True)
    resume: Condition | None = attrs.field(default=None, validator=attrs.validators.optional(_condition), kw_only=True)
    calendar: Calendar = attrs.field(default=ALWAYS, kw_only=True)
    label: str = attrs.field(
        kw_only=True,
        default=attrs.Factory(lambda self: self.key.replace("_", " ").capitalize(), takes_self=True),
    )
    escalations: tuple[Escalation, ...] = attrs.field(
        converter=_escalations,
        validator=all_of(Escalation, "escalation", "Escalation(to=head_of(owner))"),
        kw_only=True,
        default=attrs.Factory(lambda self: (Escalation(text=f"Overdue: {self.label}"),), takes_self=True),
    )

    def __attrs_post_init__(self) -> None:
        if self.resume is not None and self.pause is None:
            raise ValueError("resume: only what has a `pause` goes on")
        if isinstance(self.start, OnRecord) and self.start.entity != self.on:
            raise ValueError(f"start: an event of {self.start.entity} starts no clock of {self.on}")
        check_reach("targets", self.targets, self.calendar)

    def ladder(self, due: datetime, calendar: Calendar) -> tuple[Rung, ...]:
        """Return who is told when, in order; the step without an escalation is the breach.

        Args:
            due: When the clock runs out.
            calendar: Its calendar, in the zone of the workspace.
        """
        rungs = [Rung(at, it) for it in self.escalations for at in it.instants(due, calendar)]
        return tuple(sorted([Rung(due), *rungs], key=lambda rung: rung.at))

    def begins_with(self, change: Change) -> bool:
        """Say whether a change is the event that starts the clock."""
        match self.start:
            case OnRecord(_, kinds, fields):
                return change.kind in kinds and (not fields or bool(set(fields) & set(change.fields)))
            case OnStage(pipeline, stage, leaving):
                if change.kind not in (Kind.MOVED, Kind.CREATED):
                    return False
                held = change.before if leaving else change.after
                return held is not None and (held.get("pipeline"), held.get("stage")) == (pipeline, stage)
        return False

    def conditions(self) -> Iterator[tuple[str, Condition]]:
        """Give the conditions with their names."""
        for name in ("start", "pause", "resume", "stop"):
            one = getattr(self, name)
            if one is not None and not isinstance(one, OnRecord | OnStage):
                yield name, one


def grants_for_slas(slas: Iterable[Sla], entities: Mapping[str, Spec]) -> tuple[Grant, ...]:
    """Return the fewest grants that promises need, each over everything.

    Args:
        slas: The promises.
        entities: Every entity by name.
    """
    needs = dict.fromkeys(each for sla in slas for each in _needs(sla, entities))
    return tuple(Grant(entity, action, Scope.ALL) for entity, action in needs)


def _needs(sla: Sla, entities: Mapping[str, Spec]) -> Iterator[tuple[str, str]]:
    yield sla.on, "read"
    if any(it.reassign for it in sla.escalations):
        yield sla.on, "assign"
    if isinstance(sla.targets, By) and sla.on in entities:
        target = target_of(entities[sla.on], parted(sla.targets.field)[0])
        if target is not None:
            yield target, "read"
