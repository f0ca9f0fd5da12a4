"""What an automation must be allowed to do, so that stages, tasks and rules can do what they declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from opencrm.core.access.grants import Grant, Scope
from opencrm.core.conditions import Condition, fields_of
from opencrm.core.entity import Spec
from opencrm.core.entity.paths import parted, target_of
from opencrm.core.pipeline.definition import Pipeline
from opencrm.core.process.actions import (
    RECORD,
    Action,
    AssignRecord,
    Call,
    CreateRecord,
    GiveTask,
    MoveRecord,
    Needs,
    OnlyIf,
    Send,
    UpdateRecord,
)
from opencrm.core.process.asking.web_forms import WebForm
from opencrm.core.process.checks.alone import tasks_of
from opencrm.core.process.checks.parts import about
from opencrm.core.process.events import OnTask
from opencrm.core.process.rules import Rule
from opencrm.core.process.tasks import TaskSpec
from opencrm.core.process.values import By, paths_in

Need: TypeAlias = tuple[str, str]
"""An entity and an action."""

_OF_TASKS = ("create", "read", "update", "assign")


def grants_for(
    pipelines: Iterable[Pipeline],
    rules: Iterable[Rule],
    entities: Mapping[str, Spec],
    services: Needs,
    forms: Iterable[WebForm] = (),
) -> tuple[Grant, ...]:
    """Return the fewest grants that declarations need, each over everything.

    Args:
        pipelines: The pipelines.
        rules: The rules; what one is about is seen from its event.
        entities: Every entity by name: whoever says `{contact.name}` reads contacts.
        services: What the services need that they may call.
        forms: The web forms.
    """
    needs = _Needs({it.key: it for it in pipelines}, tuple(rules), entities, services, tuple(forms))
    return tuple(Grant(entity, action, Scope.ALL) for entity, action in dict.fromkeys(needs.all()))


def grants_of(
    one: Pipeline | Rule,
    pipelines: Iterable[Pipeline],
    rules: Iterable[Rule],
    entities: Mapping[str, Spec],
    services: Needs,
    forms: Iterable[WebForm] = (),
) -> tuple[Grant, ...]:
    """Return the fewest grants that one declaration needs among the others, each over everything."""
    needs = _Needs({it.key: it for it in pipelines}, tuple(rules), entities, services, tuple(forms))
    return tuple(Grant(entity, action, Scope.ALL) for entity, action in dict.fromkeys(needs.one(one)))


@attrs.frozen
class _Needs:
    pipelines: Mapping[str, Pipeline]
    rules: Sequence[Rule]
    entities: Mapping[str, Spec]
    services: Needs
    forms: Sequence[WebForm] = ()

    def all(self) -> Iterator[Need]:
        """Give all needs, some of them several times."""
        for pipeline in self.pipelines.values():
            yield from self.one(pipeline)
        for rule in self.rules:
            yield from self.one(rule)
        for form in self.forms:
            yield from self._of_form(form)

    def one(self, it: Pipeline | Rule) -> Iterator[Need]:
        """Give the needs of one pipeline or rule."""
        if isinstance(it, Pipeline):
            yield from self._of(_actions_of(it), it.entity)
            return
        for entity in self._about(it):
            yield entity, "read"
            yield from self._looking(it.when, entity)
            yield from self._of(it.do, entity)
            yield from self._given(it.do, entity) if isinstance(it.on, OnTask) else ()

    def _looking(self, condition: Condition | None, entity: str) -> Iterator[Need]:
        """Give what a condition reads of records that an entity's refer to."""
        for name in () if condition is None else fields_of(condition):
            target = self._target(entity, name)
            if target is not None:
                yield target, "read"

    def _of_form(self, form: WebForm) -> Iterator[Need]:
        entity = self._entity_of(form)
        made = [form.of] if form.of else []
        if form.pipeline is not None:
            made += ["contact", entity]
        yield entity, "read"
        if form.stage is not None:
            yield entity, f"move:{form.pipeline}.{form.stage}"
        if form.pipeline is not None:
            yield "contact", "update"
        elif form.of is None:
            yield entity, "update"
        yield from ((each, action) for each in (*made, "activity") for action in ("create", "read", "assign"))

    def _entity_of(self, form: WebForm) -> str:
        """Return the entity of the records that a form is about; of a pipeline that another plugin brings, deals."""
        known = self.pipelines.get(form.pipeline or "")
        return form.about or (known.entity if known is not None else "deal")

    def _of(self, actions: Iterable[Action], entity: str) -> Iterator[Need]:
        for action in actions:
            yield entity, "read"
            match action:
                case GiveTask(task):
                    yield from self._of_task(task, entity)
                case UpdateRecord(values):
                    yield entity, "update"
                    yield from self._read(values.values(), entity)
                case CreateRecord(made, values):
                    yield from ((made, name) for name in ("create", "read", "assign"))
                    yield from self._read(values.values(), entity)
                case Call(service, values):
                    needs = self.services.get(service, ())
                    yield from ((entity if it.entity == RECORD else it.entity, it.action) for it in needs)
                    yield from self._read(values.values(), entity)
                case Send(subject, text):
                    yield from (("contact", "read"), ("company", "read"))
                    yield from (("activity", name) for name in ("create", "read", "assign"))
                    yield from self._read((subject, text), entity)
                case AssignRecord():
                    yield entity, "assign"
                case MoveRecord(to):
                    yield entity, f"move:{to}" if "." in to else "move:*"
                case OnlyIf(condition):
                    yield from self._looking(condition, entity)

    def _of_task(self, task: TaskSpec, entity: str) -> Iterator[Need]:
        yield from (("task", action) for action in _OF_TASKS)
        yield from self._read((task.title, *([task.due] if isinstance(task.due, By) else ())), entity)
        if task.form is not None and task.form.of is None:
            yield entity, "update"
        elif task.form is not None and task.form.of is not None:
            yield from ((task.form.of, name) for name in ("create", "read", "assign"))
        yield from self._of((*task.done, *task.cancelled), entity)
        yield from self._given(task.done, entity)

    def _given(self, actions: Iterable[Action], entity: str) -> Iterator[Need]:
        """Give what filling in needs that stages ask for, where whoever finishes a task may give it."""
        if not any(isinstance(action, MoveRecord) for action in actions):
            return
        stages = (stage for it in self.pipelines.values() if it.entity == entity for stage in it.stages)
        for form in (it.form for stage in stages for it in (*stage.asks, *stage.leave) if it.form is not None):
            if form.of is None:
                yield entity, "update"
            else:
                yield from ((form.of, name) for name in ("create", "read", "assign"))

    def _read(self, given: Iterable[Any], entity: str) -> Iterator[Need]:
        """Give what values and texts read of records that an entity's refer to."""
        for one in given:
            for path in paths_in(one):
                target = self._target(entity, parted(path)[0])
                if target is not None:
                    yield target, "read"

    def _target(self, entity: str, name: str) -> str | None:
        if not name or entity not in self.entities:
            return None
        return target_of(self.entities[entity], name)

    def _about(self, rule: Rule) -> Iterable[str]:
        forms = {form.key: (self._entity_of(form),) for form in self.forms}
        return about(rule, self.pipelines, tasks_of(self.pipelines, self.rules, forms), forms)


def _actions_of(pipeline: Pipeline) -> Sequence[Action]:
    return [it for stage in pipeline.stages for it in (*map(GiveTask, stage.tasks), *stage.do, *stage.left)]
