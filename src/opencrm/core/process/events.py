"""When: what a rule listens to."""

from __future__ import annotations

from typing import TypeAlias

import attrs

from opencrm.core.change import Kind
from opencrm.core.entity import Entity, Spec
from opencrm.core.process.asking.forms import names
from opencrm.core.process.tasks import TaskSpec
from opencrm.core.process.timing.moments import Weekly
from opencrm.core.process.values import length, naming


def _name(entity: type[Entity] | Spec | str) -> str:
    return entity if isinstance(entity, str) else entity.name if isinstance(entity, Spec) else entity.spec.name


def _kind(task: TaskSpec | str) -> str:
    return task if isinstance(task, str) else task.key


@attrs.frozen
class OnRecord:
    """A record of an entity was created, changed, assigned, deleted or restored."""

    entity: str
    kinds: tuple[Kind, ...]
    fields: tuple[str, ...] = attrs.field(default=(), converter=names)


@attrs.frozen
class OnStage:
    """A record entered a stage, or left it."""

    pipeline: str
    stage: str
    leaving: bool = False


@attrs.frozen
class OnTask:
    """A task of a kind was done or cancelled, or is overdue."""

    task: str
    state: str


@attrs.frozen
class OnForm:
    """A web form was sent."""

    form: str


@attrs.frozen
class OnRotten:
    """A record has stood in a stage for longer than it should."""

    pipeline: str
    stage: str


@attrs.frozen
class OnTime:
    """A time of the day came, on some days of the week: for each record of an entity."""

    at: str
    days: str
    zone: str | None
    entity: str

    def __attrs_post_init__(self) -> None:
        Weekly(self.days, self.at, self.zone or "UTC")


@attrs.frozen
class OnField:
    """So much time passed since, or is left until, an instant or a day that a record holds."""

    entity: str
    field: str
    offset: str


Event: TypeAlias = OnRecord | OnStage | OnTask | OnForm | OnRotten | OnTime | OnField
EVENTS = (OnRecord, OnStage, OnTask, OnForm, OnRotten, OnTime, OnField)


def created(entity: type[Entity] | Spec | str) -> OnRecord:
    """When a record of an entity is made."""
    return OnRecord(_name(entity), (Kind.CREATED,))


def changed(entity: type[Entity] | Spec | str, *fields: str) -> OnRecord:
    """When a record is changed, or one of the named fields of it; its stage and its owner have events of their own."""
    return OnRecord(_name(entity), (Kind.CHANGED,), fields)


def assigned(entity: type[Entity] | Spec | str) -> OnRecord:
    """When a record is given to somebody else."""
    return OnRecord(_name(entity), (Kind.ASSIGNED,))


def deleted(entity: type[Entity] | Spec | str) -> OnRecord:
    """When a record is deleted."""
    return OnRecord(_name(entity), (Kind.DELETED,))


def entered(stage: str) -> OnStage:
    """When a record enters a stage, named as `"windows.agreed"`."""
    return OnStage(*_stage(stage))


def left(stage: str) -> OnStage:
    """When a record leaves a stage, named as `"windows.agreed"`."""
    return OnStage(*_stage(stage), leaving=True)


def done(task: TaskSpec | str) -> OnTask:
    """When a task of a kind is done."""
    return OnTask(_kind(task), "done")


def cancelled(task: TaskSpec | str) -> OnTask:
    """When a task of a kind is cancelled."""
    return OnTask(_kind(task), "cancelled")


def overdue(task: TaskSpec | str) -> OnTask:
    """When a task of a kind is due and not done."""
    return OnTask(_kind(task), "overdue")


def submitted(form: str) -> OnForm:
    """When a web form is sent."""
    return OnForm(form)


def rotten(stage: str) -> OnRotten:
    """When a record has stood in a stage, named as `"windows.pricing"`, for longer than its `rots_after`."""
    return OnRotten(*_stage(stage))


def every(days: str, at: str, *, of: type[Entity] | Spec | str, zone: str | None = None) -> OnTime:
    """When a time of the day comes, for each record that meets the rule's condition: `every("Mo", "09:00", of=Deal)`.

    What was missed while no worker ran comes once.

    Args:
        days: Days of the week, such as `"Mo-Fr"` or `"Mo, Th"`.
        at: The time on the wall, `"09:00"`; where the clock is set forward over it, the next instant that there is.
        of: The entity of the records.
        zone: IANA name; by default the workspace's.

    Raises:
        ValueError: An argument cannot be read; the message names it.
    """
    return OnTime(at, days, zone, _name(of))


def after(entity: type[Entity] | Spec | str, field: str, duration: str) -> OnField:
    """When so much time has passed since an instant or a day that a record holds."""
    return OnField(_name(entity), field, f"+{_length(duration)}")


def before(entity: type[Entity] | Spec | str, field: str, duration: str) -> OnField:
    """When so much time is left until an instant or a day that a record holds."""
    return OnField(_name(entity), field, f"-{_length(duration)}")


def _length(text: str) -> str:
    with naming("duration"):
        return length(text)


def _stage(text: str) -> tuple[str, str]:
    pipeline, _, stage = text.partition(".")
    if not pipeline or not stage:
        raise ValueError(f"{text!r} is no stage such as windows.agreed")
    return pipeline, stage
