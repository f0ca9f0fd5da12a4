"""What follows from a change, by the declarations in force: worked out from the change alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

from opencrm.core.change import Change, Kind, Values
from opencrm.core.entity import Spec
from opencrm.core.pipeline.definition import Pipeline, Stage
from opencrm.core.process.actions import Action, GiveTask, MoveRecord
from opencrm.core.process.asking.answers import beyond, filled, filled_beside
from opencrm.core.process.asking.forms import Form
from opencrm.core.process.events import OnField, OnForm, OnRecord, OnRotten, OnStage, OnTask, OnTime
from opencrm.core.process.rules import Rule
from opencrm.core.process.tasks import BY_HAND, TaskSpec
from opencrm.core.process.timing.calendars import Calendar
from opencrm.core.process.timing.slas import Sla
from opencrm.core.values import Id

TASK = "task"
"""The entity of tasks."""
FINISHED = ("done", "cancelled")
"""The states of a task that is no longer open."""


@attrs.frozen
class Source:
    """Where an effect comes from.

    Attributes:
        automation: The name of the plugin, or of the definition, as whose Automation it is done.
        name: What the history calls it: a rule's key, `"windows.request"` for a stage, `"call"` for a task.
    """

    automation: str
    name: str


@attrs.frozen
class Reaction:
    """What is to be done because of a change.

    Attributes:
        source: As whom, and by which rule.
        actions: What, in order.
        cancels: The kinds of open tasks of the record that are cancelled first.
        entity: The entity of the record that it is about.
        record_id: That record.
        state: Its state, where the change tells it.
        rule: The rule, where it is one.
        event: Of a stage or a task, what became of it: entered, left, done or cancelled.
    """

    source: Source
    actions: tuple[Action, ...]
    entity: str
    record_id: Id
    state: Values | None = None
    cancels: tuple[str, ...] = ()
    rule: Rule | None = None
    event: str = ""


@attrs.frozen
class Owned:
    """A rule, and as whom it is done."""

    source: Source
    rule: Rule


@attrs.frozen
class OwnedSla:
    """A promise about time, and as whom what it entails is done."""

    source: Source
    sla: Sla


@attrs.frozen
class Place:
    """A stage, and as whom its effects are done."""

    source: Source
    stage: Stage


class Process:
    """The declarations of one workspace, indexed by what they listen to.

    Args:
        pipelines: Each with the name of the automation that it acts as.
        rules: The same of rules.
        subjects: The field of a task that refers to a record, by the record's entity: `{"deal": "deal_id"}`.
        zone: IANA name of the workspace's zone, of calendars that name none.
        slas: Promises about time, each with the name of the automation that it acts as.

    Raises:
        ValueError: Two different tasks have one key.
    """

    def __init__(
        self,
        pipelines: Iterable[tuple[str, Pipeline]] = (),
        rules: Iterable[tuple[str, Rule]] = (),
        subjects: Mapping[str, str] = MappingProxyType({}),
        zone: str = "UTC",
        slas: Iterable[tuple[str, Sla]] = (),
    ) -> None:
        self.subjects = subjects
        self.slas = {it.key: OwnedSla(Source(automation, it.key), it) for automation, it in slas}
        self._promised: dict[str, list[OwnedSla]] = {}
        for owned in self.slas.values():
            self._promised.setdefault(owned.sla.on, []).append(owned)
        self.zone = zone
        self._calendars: dict[Calendar, Calendar] = {}
        self.stages: dict[tuple[str, str], Place] = {}
        self.tasks: dict[str, tuple[str, TaskSpec]] = {}
        self.rules: dict[str, Owned] = {}
        self._asked: dict[str, Form] = {}
        self._heard: defaultdict[object, list[Owned]] = defaultdict(list)
        for automation, pipeline in pipelines:
            for stage in pipeline.stages:
                self._add_stage(automation, pipeline, stage)
        for automation, rule in rules:
            self._add_rule(automation, rule)

    def _add_stage(self, automation: str, pipeline: Pipeline, stage: Stage) -> None:
        self.stages[pipeline.key, stage.key] = Place(Source(automation, f"{pipeline.key}.{stage.key}"), stage)
        for task in stage.tasks:
            self._add_task(automation, task)
        for form in (it.form for it in (*stage.asks, *stage.leave)):
            if form is not None and form.of is not None:
                self._asked.setdefault(form.key, form)
        self._add_actions(automation, (*stage.do, *stage.left))

    def _add_rule(self, automation: str, rule: Rule) -> None:
        owned = Owned(Source(automation, rule.key), rule)
        self.rules[rule.key] = owned
        self._add_actions(automation, rule.do)
        if rule.active:
            for key in _keys(rule):
                self._heard[key].append(owned)

    def _add_actions(self, automation: str, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, GiveTask):
                self._add_task(automation, action.task)

    def _add_task(self, automation: str, task: TaskSpec) -> None:
        known = self.tasks.get(task.key)
        if known is None:
            self.tasks[task.key] = (automation, task)
            self._add_actions(automation, (*task.done, *task.cancelled))
        elif known != (automation, task):
            raise ValueError(f"task {task.key!r}: two different tasks have this key")

    def task(self, kind: str | None) -> TaskSpec:
        """Return the declaration of a kind of task; of an unknown one, and of none, that of a task made by hand."""
        return self.tasks.get(kind or "", ("", BY_HAND))[1]

    def calendar(self, task: TaskSpec) -> Calendar:
        """Return a task's calendar, in its zone; one value for each, since it remembers days that it worked out."""
        return self.in_zone(task.calendar)

    def in_zone(self, calendar: Calendar) -> Calendar:
        """Return a calendar in its zone, which is the workspace's where it names none; one value for each."""
        found = self._calendars.get(calendar)
        if found is None:
            found = self._calendars[calendar] = calendar.in_zone(self.zone)
        return found

    def heard(self, key: object) -> Sequence[Owned]:
        """Return the rules that listen to an event: `("submitted", "request")`."""
        return self._heard.get(key, ())

    def slas_on(self, entity: str) -> Sequence[OwnedSla]:
        """Return the promises about records of an entity."""
        return self._promised.get(entity, ())

    def subject(self, task: Values) -> tuple[str, Id] | None:
        """Return the record that a task is about, as entity and id."""
        found = ((entity, task.get(name)) for entity, name in self.subjects.items())
        return next(((entity, id) for entity, id in found if id is not None), None)

    def reactions(self, change: Change) -> Iterator[Reaction]:
        """Give what follows from a change, in order."""
        if change.entity == TASK:
            yield from self._of_task(change)
        elif change.after.get("stage") is not None and change.kind in (Kind.MOVED, Kind.CREATED):
            yield from self._of_stage(change)
        for owned in self.heard((change.entity, change.kind)):
            if not owned.rule.on.fields or set(owned.rule.on.fields) & set(change.fields):  # type: ignore[union-attr]
                yield _reaction(owned, change.entity, change.id, change.after)

    def _of_stage(self, change: Change) -> Iterator[Reaction]:
        before, after = change.before, change.after
        if before is not None:
            yield from self._at(change, (before["pipeline"], before["stage"]), leaving=True)
        yield from self._at(change, (after["pipeline"], after["stage"]), leaving=False)

    def _at(self, change: Change, at: tuple[str, str], *, leaving: bool) -> Iterator[Reaction]:
        place = self.stages.get(at)
        if place is not None:
            stage = place.stage
            actions = stage.left if leaving else (*map(GiveTask, stage.tasks), *stage.do)
            cancels = tuple(task.key for task in stage.tasks if not task.stays) if leaving else ()
            if actions or cancels:
                event = "left" if leaving else "entered"
                yield Reaction(place.source, actions, change.entity, change.id, change.after, cancels, event=event)
        for owned in self.heard((*at, leaving)):
            yield _reaction(owned, change.entity, change.id, change.after)

    def _of_task(self, change: Change) -> Iterator[Reaction]:
        state = change.after["state"]
        if state not in FINISHED or (change.before is not None and change.before["state"] == state):
            return
        about = self.subject(change.after)
        if about is None:
            return
        rest = beyond(self.task(change.after["kind"]), change.after) if state == "done" else {}
        for reaction in self._after_task(change.after, *about):
            if rest and any(isinstance(action, MoveRecord) for action in reaction.actions):
                given = filled_beside(self._asked, rest, change.after["owner_id"])
                yield attrs.evolve(reaction, actions=(*given, *reaction.actions))
                rest = {}
            else:
                yield reaction

    def _after_task(self, after: Values, entity: str, id: Id) -> Iterator[Reaction]:
        automation, task = self.tasks.get(after["kind"] or "", ("", BY_HAND))
        actions = (*filled(task, after), *task.done) if after["state"] == "done" else task.cancelled
        if actions:
            yield Reaction(Source(automation, task.key), actions, entity, id, event=after["state"])
        for owned in self.heard((TASK, task.key, after["state"])):
            yield _reaction(owned, entity, id)


def subjects_of(task: Spec) -> Mapping[str, str]:
    """Return the field of a task that refers to a record, by the record's entity.

    What plugins and workspaces add comes first: who names a visit and its deal means the visit.
    """
    names = task.references()
    added = {entity: name for name, entity in names.items() if name in task.held}
    own = {names[name]: name for name in ("deal_id", "contact_id", "company_id") if name in names}
    return MappingProxyType({**added, **own})


def _reaction(owned: Owned, entity: str, record_id: Id, state: Values | None = None) -> Reaction:
    return Reaction(owned.source, owned.rule.do, entity, record_id, state, rule=owned.rule)


def _keys(rule: Rule) -> Iterator[Any]:
    match rule.on:
        case OnRecord(entity, kinds):
            yield from ((entity, kind) for kind in kinds)
        case OnStage(pipeline, stage, leaving):
            yield pipeline, stage, leaving
        case OnTask(task, state):
            yield TASK, task, state
        case OnForm(form):
            yield "submitted", form
        case OnRotten(pipeline, stage):
            yield "rotten", pipeline, stage
        case OnTime():
            yield "every"
        case OnField(entity=entity):
            yield "field", entity
