"""What a pipeline or a rule is made of, each part with its place and with what it is about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import attrs

from opencrm.core.pipeline.definition import Pipeline, Stage
from opencrm.core.pipeline.reasons import REASON
from opencrm.core.process.actions import (
    Action,
    AssignRecord,
    Call,
    CreateRecord,
    GiveTask,
    MoveRecord,
    Notify,
    OnlyIf,
    Send,
    UpdateRecord,
)
from opencrm.core.process.events import OnField, OnForm, OnRecord, OnRotten, OnStage, OnTask, OnTime
from opencrm.core.process.rules import Rule
from opencrm.core.process.tasks import TaskSpec
from opencrm.core.process.values import By, paths_in

Abouts: TypeAlias = tuple[str, ...]
"""Names of entities; none where it is not known."""


@attrs.frozen
class Part:
    """A part of a declaration.

    Attributes:
        at: Its place: `definition.do[1].update.amount`.
        about: The entities that it may be about; none where that is not known.
        item: What it is: a declaration, a condition, a selector, a `Path`, a `Placed` or a `Setting`.
    """

    at: str
    about: Abouts
    item: Any


@attrs.frozen
class Path:
    """A field that is read, such as `"contact.name"`."""

    path: str

    @property
    def paths(self) -> tuple[str, ...]:
        """The fields that it names."""
        return (self.path,)


@attrs.frozen
class Placed:
    """A text with places, or another value that is worked out of the record."""

    value: Any

    @property
    def paths(self) -> tuple[str, ...]:
        """The fields that it names."""
        return paths_in(self.value)


@attrs.frozen
class Setting:
    """A field that is set.

    Attributes:
        entity: Of which entity, where it is another one than the record's.
        name: The field.
        value: To what.
    """

    entity: str | None
    name: str
    value: Any


def about(
    rule: Rule,
    pipelines: Mapping[str, Pipeline],
    tasks: Mapping[str, Collection[str]],
    forms: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> Abouts:
    """Return the entities that the event of a rule may be about."""
    match rule.on:
        case OnRecord(entity) | OnField(entity) | OnTime(entity=entity):
            return (entity,)
        case OnStage(pipeline) | OnRotten(pipeline):
            return (pipelines[pipeline].entity,) if pipeline in pipelines else ()
        case OnTask(task):
            return tuple(sorted(tasks.get(task, ())))
        case OnForm(form):
            return tuple(forms.get(form, ()))
    raise AssertionError(rule.on)


def parts_of(it: Pipeline | Rule, at: str, abouts: Abouts) -> Iterator[Part]:
    """Give all parts of a pipeline or a rule.

    Args:
        it: The declaration.
        at: How its place is called: `"definition"`.
        abouts: What it is about; see `about`.
    """
    if isinstance(it, Pipeline):
        yield Part(at, abouts, it)
        for number, stage in enumerate(it.stages):
            yield from _of_stage(stage, f"{at}.stages[{number}]", abouts)
        return
    yield Part(f"{at}.on", abouts, it.on)
    if it.when is not None:
        yield Part(f"{at}.when", abouts, it.when)
    if it.anew is not None:
        yield Part(f"{at}.anew", abouts, Path(it.anew))
    yield from _of_actions(it.do, f"{at}.do", abouts)


def _of_stage(stage: Stage, at: str, abouts: Abouts) -> Iterator[Part]:
    for side in ("enter", "leave"):
        for number, requirement in enumerate(getattr(stage, side)):
            yield Part(f"{at}.{side}[{number}].condition", abouts, requirement.condition)
            if requirement.form is not None:
                yield Part(f"{at}.{side}[{number}].form", abouts, requirement.form)
    for number, task in enumerate(stage.tasks):
        yield from _of_task(task, f"{at}.tasks[{number}]", abouts)
    if stage.reasons:
        yield Part(f"{at}.reasons", abouts, Path(REASON))
    yield from _of_actions(stage.do, f"{at}.do", abouts)
    yield from _of_actions(stage.left, f"{at}.left", abouts)


def _of_actions(actions: Iterable[Action], at: str, abouts: Abouts) -> Iterator[Part]:
    for number, action in enumerate(actions):
        yield from _of_action(action, f"{at}[{number}]", abouts)


def _of_action(action: Action, at: str, abouts: Abouts) -> Iterator[Part]:
    match action:
        case GiveTask(task):
            yield from _of_task(task, f"{at}.give", abouts)
        case UpdateRecord(values):
            yield from _settings(None, values, f"{at}.update", abouts)
        case CreateRecord(entity, values):
            yield Part(f"{at}.create", abouts, action)
            yield from _settings(entity, values, f"{at}.create.values", abouts)
        case MoveRecord():
            yield Part(f"{at}.move", abouts, action)
        case AssignRecord(to):
            yield Part(f"{at}.assign", abouts, to)
        case Notify(to, text):
            yield from (Part(f"{at}.notify.to", abouts, to), Part(f"{at}.notify.text", abouts, Placed(text)))
        case Send(subject, text):
            yield Part(f"{at}.send", abouts, action)
            yield Part(f"{at}.send.subject", abouts, Placed(subject))
            yield Part(f"{at}.send.text", abouts, Placed(text))
        case OnlyIf(condition):
            yield Part(f"{at}.only_if", abouts, condition)
        case Call(_, values):
            yield Part(f"{at}.call.service", abouts, action)
            yield from (Part(f"{at}.call.values.{name}", abouts, Placed(it)) for name, it in values.items())


def _settings(entity: str | None, values: Mapping[str, Any], at: str, abouts: Abouts) -> Iterator[Part]:
    for name, value in values.items():
        yield Part(f"{at}.{name}", abouts, Setting(entity, name, value))


def _of_task(task: TaskSpec, at: str, abouts: Abouts) -> Iterator[Part]:
    yield Part(at, abouts, task)
    yield Part(f"{at}.title", abouts, Placed(task.title))
    yield Part(f"{at}.owner", abouts, task.owner)
    if isinstance(task.due, By):
        yield Part(f"{at}.due", abouts, Path(task.due.field))
    if task.form is not None:
        yield Part(f"{at}.form", abouts, task.form)
    for number, step in enumerate(task.escalations):
        yield Part(f"{at}.escalations[{number}].to", ("task",), step.to)
        yield Part(f"{at}.escalations[{number}].text", ("task",), Placed(step.text))
    yield from _of_actions(task.done, f"{at}.done", abouts)
    yield from _of_actions(task.cancelled, f"{at}.cancelled", abouts)


def tasks_in(it: Pipeline | Rule) -> Sequence[TaskSpec]:
    """Return the kinds of tasks that a declaration gives."""
    return [part.item for part in parts_of(it, "", ()) if isinstance(part.item, TaskSpec)]
