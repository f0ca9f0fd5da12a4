"""Whether all that a pipeline or a rule names is there, and can be used so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import attrs

from opencrm.core.conditions.nodes import is_condition
from opencrm.core.entity import Spec
from opencrm.core.pipeline.definition import Pipeline
from opencrm.core.pipeline.staging import unfit
from opencrm.core.process.actions import RECORD, Call, CreateRecord, MoveRecord, Send, cure
from opencrm.core.process.asking.forms import Form
from opencrm.core.process.checks.alone import rots, unrotting
from opencrm.core.process.checks.finding import Finding, Known
from opencrm.core.process.checks.parts import Part, Path, Placed, Setting, about, parts_of
from opencrm.core.process.clients import clients_of
from opencrm.core.process.events import OnField, OnForm, OnRecord, OnRotten, OnStage, OnTask, OnTime
from opencrm.core.process.rules import Rule
from opencrm.core.process.selectors import HeadOf, Pick
from opencrm.core.process.tasks import TaskSpec
from opencrm.core.process.values import Value, paths_in
from opencrm.errors import InputError

_ACTS: Mapping[str, str] = {"move": "move", "assign": "assign"}


def names_of(it: Pipeline | Rule, known: Known, at: str) -> Iterator[Finding]:
    """Give what a declaration names and cannot use.

    Args:
        it: A pipeline or a rule.
        known: What there is.
        at: How its place is called: `"definition"`.
    """
    checker = _Checker(known)
    if isinstance(it, Pipeline):
        if it.entity not in known.entities:
            yield Finding(f"{at}.entity", f"there is no entity {it.entity!r}")
        elif not known.entities[it.entity].staged:
            yield Finding(f"{at}.entity", unfit(known.entities[it.entity]) or f"{it.entity} has no stages")
        abouts: tuple[str, ...] = (it.entity,)
    else:
        abouts = about(it, known.pipelines, known.tasks, known.forms)
    there = tuple(entity for entity in abouts if entity in known.entities)
    for part in parts_of(it, at, there):
        yield from checker.part(part)


@attrs.frozen
class _Checker:
    known: Known

    def part(self, part: Part) -> Iterator[Finding]:
        """Give what is wrong with a part."""
        match part.item:
            case Pipeline():
                yield from self._moves(part, part.item)
            case TaskSpec():
                yield from self._task(part, part.item)
            case Form():
                yield from self._form(part, part.item)
            case MoveRecord(to):
                yield from self._move(part, to)
            case CreateRecord(entity, _, once):
                yield from self._create(part, entity, once)
            case Setting():
                yield from self._setting(part, part.item)
            case Path() | Placed():
                yield from self._paths(part, part.item.paths)
            case Send():
                yield from self._send(part)
            case Call(service):
                yield from self._call(part, service)
                yield from (Finding(part.at, text) for it in part.about for text in self._unfit(part.item, it))
            case Pick() | HeadOf():
                yield from self._selector(part, part.item)
            case _ if is_condition(part.item):
                yield from self._condition(part)
            case _:
                yield from self._event(part)

    def _event(self, part: Part) -> Iterator[Finding]:
        match part.item:
            case OnRecord(entity, _, fields):
                spec = self.known.entities.get(entity)
                if spec is None:
                    yield Finding(part.at, f"there is no entity {entity!r}")
                else:
                    yield from self._fields(part, spec, fields)
            case OnField(entity, field):
                spec = self.known.entities.get(entity)
                if spec is None:
                    yield Finding(part.at, f"there is no entity {entity!r}")
                elif field not in self.known.readable(spec) or spec.fields[field].type.name not in ("datetime", "date"):
                    yield Finding(part.at, f"{entity} has no field {field!r} that holds an instant or a day")
            case OnStage(pipeline, stage) | OnRotten(pipeline, stage):
                yield from self._stage(part, f"{pipeline}.{stage}")
                if isinstance(part.item, OnRotten) and not rots(self.known.pipelines, pipeline, stage):
                    yield Finding(part.at, unrotting(pipeline, stage))
            case OnTask(task) if task not in self.known.tasks:
                yield Finding(part.at, f"no stage and no rule gives a task {task!r}")
            case OnTime(entity=entity) if entity not in self.known.entities:
                yield Finding(part.at, f"there is no entity {entity!r}")
            case OnForm(form) if form not in self.known.forms:
                yield Finding(part.at, f"there is no web form {form!r}")

    def _stage(self, part: Part, name: str) -> Iterator[Finding]:
        key, _, stage = name.rpartition(".")
        pipeline = self.known.pipelines.get(key)
        if pipeline is None:
            yield Finding(part.at, f"there is no pipeline {key!r}")
        elif pipeline.stage(stage) is None:
            yield Finding(part.at, f"pipeline {key!r} has no stage {stage!r}")

    def _moves(self, part: Part, it: Pipeline) -> Iterator[Finding]:
        """Judge moves that lead to another pipeline; a pipeline's own are judged where it is made."""
        for role in it.roles:
            if role not in self.known.roles:
                yield Finding(f"{part.at}.roles", f"there is no role {role!r}")
        for end in sorted({end for _, end in it.moves if "." in end}):
            yield from self._stage(attrs.evolve(part, at=f"{part.at}.moves"), end)
            other = self.known.pipelines.get(end.partition(".")[0])
            if other is not None and other.entity != it.entity:
                yield Finding(
                    f"{part.at}.moves", f"pipeline {other.key!r} is of {other.entity}, and not of {it.entity}"
                )

    def _move(self, part: Part, to: str) -> Iterator[Finding]:
        if "." in to:
            yield from self._stage(part, to)
            return
        for entity in part.about:
            several = [it for it in self.known.pipelines.values() if it.entity == entity]
            if not any(it.stage(to) for it in several):
                yield Finding(part.at, f"no pipeline of {entity} has a stage {to!r}")

    def _task(self, part: Part, task: TaskSpec) -> Iterator[Finding]:
        for entity in part.about:
            if entity not in self.known.subjects:
                yield Finding(part.at, f"a task cannot be about {entity}: no field of it refers to one")

    def _form(self, part: Part, form: Form) -> Iterator[Finding]:
        if form.of is None:
            for entity in part.about:
                yield from self._fields(attrs.evolve(part, at=f"{part.at}.fields"), self._spec(entity), form.fields)
            return
        spec = self.known.entities.get(form.of)
        if spec is None:
            yield Finding(f"{part.at}.of", f"there is no entity {form.of!r}")
            return
        yield from self._fields(attrs.evolve(part, at=f"{part.at}.fields"), spec, form.fields)
        for entity in part.about:
            if entity not in spec.references().values():
                yield Finding(f"{part.at}.of", f"no field of {form.of} refers to {entity}")

    def _create(self, part: Part, entity: str, once: Iterable[str]) -> Iterator[Finding]:
        spec = self.known.entities.get(entity)
        if spec is None:
            yield Finding(f"{part.at}.entity", f"there is no entity {entity!r}")
        else:
            yield from self._fields(attrs.evolve(part, at=f"{part.at}.once"), spec, once)

    def _send(self, part: Part) -> Iterator[Finding]:
        for entity in part.about:
            if not clients_of(self._spec(entity)):
                yield Finding(part.at, f"{entity} has no client: no field of it refers to a contact or a company")

    def _call(self, part: Part, service: str) -> Iterator[Finding]:
        needs = self.known.services.get(service)
        if needs is None:
            yield Finding(part.at, f"there is no service {service!r}: {cure(service)}")
        for need in needs or ():
            if need.entity != RECORD and need.entity not in self.known.entities:
                wanted = f"needs {need.entity}.{need.action}, and there is no entity {need.entity!r}"
                yield Finding(part.at, f"the service {service!r} {wanted}")

    def _unfit(self, call: Call, entity: str) -> Iterable[str]:
        return self.known.unfit(self.known, call, entity)

    def _setting(self, part: Part, it: Setting) -> Iterator[Finding]:
        for entity in part.about if it.entity is None else (it.entity,):
            spec = self.known.entities.get(entity)
            if spec is not None:
                yield from self._set(part.at, spec, it)
        yield from self._paths(part, paths_in(it.value))

    def _set(self, at: str, spec: Spec, it: Setting) -> Iterator[Finding]:
        wrong = self.known.wrong(spec, it.name)
        if wrong is not None:
            yield Finding(at, wrong)
            return
        field = spec.fields[it.name]
        if not field.settable or (it.entity is None and field.author is not None):
            act = _ACTS.get(field.author or "")
            yield Finding(at, f"is not set by `update`: there is an action `{act}`" if act else "cannot be set")
        elif it.name not in self.known.writable(spec) and field.author is None:
            yield Finding(at, f"you may not write {spec.name}.{it.name}")
        elif it.value is not None and not isinstance(it.value, Value) and not paths_in(it.value):
            try:
                field.type.parse(list(it.value) if isinstance(it.value, tuple) else it.value)
            except ValueError as error:
                yield Finding(at, str(error))

    def _paths(self, part: Part, paths: Iterable[str]) -> Iterator[Finding]:
        for path in paths:
            for entity in part.about:
                wrong = self.known.astray(entity, path)
                if wrong is not None:
                    yield Finding(part.at, wrong)

    def _fields(self, part: Part, spec: Spec, names: Iterable[str]) -> Iterator[Finding]:
        for name in names:
            wrong = self.known.wrong(spec, name)
            if wrong is not None:
                yield Finding(part.at, wrong)

    def _condition(self, part: Part) -> Iterator[Finding]:
        for entity in part.about:
            try:
                self.known.check(self._spec(entity), part.item)
            except InputError as error:
                for name, texts in error.fields.items():
                    shut = self.known.shut(entity, name)
                    told = [f"{name}: {text}" for text in texts] if shut is None else [shut]
                    yield from (Finding(part.at, each) for each in told)

    def _selector(self, part: Part, it: Pick | HeadOf) -> Iterator[Finding]:
        match it:
            case HeadOf(of) if isinstance(of, Pick | HeadOf):
                yield from self._selector(attrs.evolve(part, at=f"{part.at}.head_of"), of)
            case Pick(role=role) if role not in self.known.roles:
                yield Finding(part.at, f"there is no role {role!r}")

    def _spec(self, entity: str) -> Spec:
        return self.known.entities[entity]
