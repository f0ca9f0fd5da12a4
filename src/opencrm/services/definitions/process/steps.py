"""What applying pipelines or rules as text does, step by step; whom that concerns, and how many records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import attrs

from opencrm.core.access.grants import Grant
from opencrm.core.conditions import All, Equal
from opencrm.core.entity import Spec
from opencrm.core.pipeline import Pipeline
from opencrm.core.process.text import pipeline_of
from opencrm.core.values import Id
from opencrm.services.definitions.process import ending
from opencrm.services.definitions.process.differing import differences
from opencrm.services.definitions.process.ending import Fate
from opencrm.services.definitions.process.text import Kind
from opencrm.services.definitions.roles import Step as RoleStep
from opencrm.services.definitions.roles import holders
from opencrm.services.delegation.refusals import written
from opencrm.services.reading.counting import Count
from opencrm.services.reading.reader import Reader

Act: TypeAlias = Literal["create", "change", "retire", "restore"]
_NAMED = 5


@attrs.frozen
class Step:
    """One thing that applying a text does.

    Attributes:
        act: What.
        key: The key of the pipeline or the rule.
        id: The definition; None where it is made.
        values: What is set.
        before: What stood there.
        at: Which table of the text asks for it, counted from 0; None where none does.
        grants: What its automation is then allowed to do.
        touched: Of a pipeline, the stages that it changes, as they stand before it.
    """

    act: Act
    key: str
    id: Id | None
    values: Mapping[str, Any]
    before: Mapping[str, Any]
    at: int | None = None
    grants: tuple[Grant, ...] = ()
    touched: tuple[Touched, ...] = ()

    def granted(self, grants: Iterable[Grant]) -> Step:
        """Return the step with what its automation may do."""
        return attrs.evolve(self, grants=tuple(grants))

    def __str__(self) -> str:
        return "\n".join([f"{self.act} {self.key}", *(f"  {line}" for line in self.lines())])

    def lines(self) -> Iterator[str]:
        """Give the difference, line by line."""
        if "definition" in self.values:
            yield from differences(self.before.get("definition"), self.values["definition"])
        if "active" in self.values and self.act == "change":
            yield "switch on" if self.values["active"] else "switch off"
        for stage, place in (self.values.get("replaced_by") or {}).items():
            yield f"records in {stage} go to {place}"
        if self.grants and ("definition" in self.values or self.act == "restore"):
            yield f"may: {', '.join(map(written, self.grants))}"
        yield from map(str, self.touched)


@attrs.frozen
class Plan:
    """What applying a text does.

    Attributes:
        kind: `"pipelines"` or `"rules"`.
        steps: In order.
        warnings: What is not refused, and yet to be known.
    """

    kind: Kind
    steps: tuple[Step, ...]
    warnings: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Touched:
    """A stage that a step changes.

    Attributes:
        stage: Its name: `"windows.agreed"`.
        act: `"create"`, `"change"` or `"remove"`.
        records: How many living records stand there, of those that the reader may read.
        roles: The roles by which somebody may move records there, each with the people who hold it.
        tasks: Which tasks it gave, how many of them are open, and what becomes of those.
    """

    stage: str
    act: Literal["create", "change", "remove"]
    records: Count
    roles: Mapping[str, tuple[str, ...]]
    tasks: tuple[Open, ...] = ()

    def __str__(self) -> str:
        held = f"{self.records} {'record stands' if str(self.records) == '1' else 'records stand'} there"
        who = "; ".join(f"{role} ({_some(people)})" for role, people in self.roles.items())
        tasks = "".join(f"; {it}" for it in self.tasks)
        return f"{self.act} {self.stage}: {held}{tasks}" + (f"; moved there by {who}" if who else "")


@attrs.frozen(kw_only=True)
class Open:
    """Open tasks of a kind, about records that stand in a stage which a step changes.

    Attributes:
        kind: The tasks' kind.
        number: How many, of those that the reader may read.
        fate: `"cancelled"` where their stage goes, `"left"` where it gives them no more, else `"kept"`.
    """

    kind: str
    number: Count
    fate: Fate

    def __str__(self) -> str:
        one = str(self.number) == "1"
        told = f"{self.number} open {'task' if one else 'tasks'} {self.kind!r}"
        if self.fate == "left":
            return f"{told} {'stays as it is' if one else 'stay as they are'}"
        return f"{told} {'is' if one else 'are'} {self.fate}"


def touched(reader: Reader, step: Step, pipelines: Mapping[str, Pipeline]) -> list[Touched]:
    """Return the stages that a step of a plan of pipelines changes, as far as the reader may know of it.

    Args:
        reader: Whoever asks; nothing of the plan is done yet.
        step: The step.
        pipelines: All pipelines as they are to be.
    """
    old, new = _stages(step.before.get("definition")), _stages(step.values.get("definition"))
    if step.act == "retire" or not new:
        new = {} if step.act == "retire" else old
    roles = _roles(step.before if "definition" not in step.values else step.values)
    others = roles != _roles(step.before)
    acts = {key: _act(old.get(key), new.get(key), anyway=others) for key in dict.fromkeys((*old, *new))}
    entity = (step.before.get("definition") or step.values.get("definition") or {}).get("entity", "deal")
    spec = reader.configuration.catalogue.entities.get(entity)
    if spec is None:
        return []
    found = [_touched(reader, spec, step.key, stage, act, roles) for stage, act in acts.items() if act is not None]
    return _with_tasks(reader, step, pipelines, found)


def _with_tasks(
    reader: Reader, step: Step, pipelines: Mapping[str, Pipeline], several: Sequence[Touched]
) -> list[Touched]:
    """Return stages with the open tasks that they gave."""
    if not step.before or step.before["retired"]:
        return [*several]
    old = pipeline_of(step.before["definition"])
    new = None if step.act == "retire" else pipelines.get(step.key)
    found: defaultdict[str, list[Open]] = defaultdict(list)
    for it in ending.given(old, new, pipelines, step.values.get("replaced_by") or {}):
        number = ending.count(reader, old, it)
        if number:
            found[f"{old.key}.{it.stage}"].append(Open(kind=it.kind, number=number, fate=it.fate))
    return [attrs.evolve(it, tasks=tuple(found[it.stage])) for it in several]


def _roles(values: Mapping[str, Any]) -> Sequence[str]:
    """Return the roles that a pipeline is for; none where it is for everybody."""
    found: Sequence[str] = (values.get("definition") or {}).get("roles", ())
    return found


def _act(old: Any, new: Any, *, anyway: bool) -> Any:
    if old == new and not anyway:
        return None
    return "create" if old is None else "remove" if new is None else "change"


def _stages(definition: Any) -> dict[str, Any]:
    return {it["key"]: it for it in (definition or {}).get("stages", ())}


def _touched(reader: Reader, spec: Spec, pipeline: str, stage: str, act: Any, only: Sequence[str]) -> Touched:
    here = All((Equal("pipeline", pipeline), Equal("stage", stage)))
    there = Count(0) if act == "create" or not spec.staged else reader.count(spec, here)
    action = f"move:{pipeline}.{stage}"
    every = sorted(reader.rights.organisation.roles.values(), key=lambda it: (-it.rank, it.key))
    roles = [it for it in every if act != "remove" and it.about(spec.name, action) and _uses(it, only)]
    people = {it.name: tuple(holders(reader, RoleStep("change", it.key, it.id, {}, {})).values()) for it in roles}
    held = {role: names for role, names in people.items() if names}
    return Touched(stage=f"{pipeline}.{stage}", act=act, records=there, roles=held)


def _uses(role: Any, only: Sequence[str]) -> bool:
    return not only or role.owner or role.key in only


def _some(people: Sequence[str]) -> str:
    more = f" and {len(people) - _NAMED} more" if len(people) > _NAMED else ""
    return ", ".join(people[:_NAMED]) + more
