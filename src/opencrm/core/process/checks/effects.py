"""What actions entail at once: which events follow from them, and whether they settle when they are done again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from opencrm.core.change import Kind
from opencrm.core.pipeline.definition import Pipeline
from opencrm.core.process.actions import (
    Action,
    AssignRecord,
    CreateRecord,
    GiveTask,
    MoveRecord,
    Send,
    UpdateRecord,
    Wait,
)
from opencrm.core.process.selectors import Person
from opencrm.core.process.values import Value, places

Key: TypeAlias = tuple[Any, ...]
"""Something that happens: `("changed", "deal", "amount")`, `("entered", "windows", "agreed")` ..."""

TASK = "task"


@attrs.frozen
class Effect:
    """What follows from an action.

    Attributes:
        event: What happens.
        sets: What it sets, where the same action done again sets nothing else: `("deal", "amount")`.
        to: To what.
    """

    event: Key
    sets: Key | None = None
    to: Any = None


def effects(
    actions: Iterable[Action], abouts: Sequence[str], pipelines: Mapping[str, Pipeline], *, late: bool = False
) -> Iterator[Effect]:
    """Give what follows from actions at once: nothing of what comes after a wait, but where that is asked for too.

    Args:
        actions: The actions, in order.
        abouts: The entities of the records that they may be about.
        pipelines: Every pipeline.
        late: Whether to go on after a wait.
    """
    for action in actions:
        if isinstance(action, Wait) and not late:
            return
        for entity in abouts:
            yield from _of(action, entity, pipelines)


def _of(action: Action, entity: str, pipelines: Mapping[str, Pipeline]) -> Iterator[Effect]:
    match action:
        case UpdateRecord(values):
            yield from _of_update(entity, values)
        case MoveRecord(to):
            yield from _of_move(entity, to, pipelines)
        case AssignRecord(to):
            settled = isinstance(to, Person)
            yield Effect((Kind.ASSIGNED, entity), (entity, "owner_id") if settled else None, to)
        case CreateRecord(made, values, once):
            yield from _of_create(made, values, once, pipelines)
        case GiveTask(task):
            yield Effect((Kind.CREATED, TASK))
            yield Effect(("overdue", task.key))
        case Send():
            yield Effect((Kind.CREATED, "activity"))


def _of_update(entity: str, values: Mapping[str, Any]) -> Iterator[Effect]:
    for name, value in values.items():
        known = _constant(value)
        yield Effect((Kind.CHANGED, entity, name), (entity, name) if known else None, value if known else None)
    if entity == TASK and "state" in values:
        yield Effect(("finished",), (entity, "state") if _constant(values["state"]) else None, values["state"])


def _of_move(entity: str, to: str, pipelines: Mapping[str, Pipeline]) -> Iterator[Effect]:
    named, _, stage = to.rpartition(".")
    several = [it for it in pipelines.values() if it.entity == entity and it.stage(stage) is not None]
    targets = [it for it in several if named in ("", it.key)]
    sets = (entity, "stage")
    yield from (Effect(("entered", it.key, stage), sets, to) for it in targets)
    for it in pipelines.values() if named else targets:
        if it.entity == entity:
            for other in it.stages:
                if (it.key, other.key) not in [(target.key, stage) for target in targets]:
                    yield Effect(("left", it.key, other.key), sets, to)


def _of_create(
    made: str, values: Mapping[str, Any], once: Sequence[str], pipelines: Mapping[str, Pipeline]
) -> Iterator[Effect]:
    settled = bool(once) and all(_constant(values.get(name)) for name in once)
    told = tuple((name, repr(values.get(name))) for name in once)
    sets = ("create", made, told) if settled else None
    yield Effect((Kind.CREATED, made), sets)
    for it in pipelines.values():
        if it.entity == made and values.get("pipeline", it.key) == it.key:
            yield Effect(("entered", it.key, values.get("stage", it.initial)), sets)


def _constant(value: Any) -> bool:
    return not isinstance(value, Value) and not (isinstance(value, str) and places(value))
