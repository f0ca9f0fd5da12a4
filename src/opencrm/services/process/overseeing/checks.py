"""What is wrong with the pipelines and rules of a workspace: refused where one is saved, told of the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import attrs

from opencrm.core.access.grants import Grant
from opencrm.core.access.openness import Openness
from opencrm.core.access.principal import Principal
from opencrm.core.access.rights import Rights
from opencrm.core.conditions import Condition, bind, fields_of
from opencrm.core.entity import Spec
from opencrm.core.pipeline import Pipeline, Stage
from opencrm.core.pipeline.staging import with_stages
from opencrm.core.process.actions import Call
from opencrm.core.process.checks import (
    Finding,
    Known,
    Part,
    about,
    endless,
    looping,
    loops,
    names_of,
    parts_of,
    stages_of,
    tasks_of,
    unending,
)
from opencrm.core.process.reactions import TASK, subjects_of
from opencrm.core.process.rules import Rule
from opencrm.services.process import showing
from opencrm.services.process.demanding import unready
from opencrm.services.process.overseeing.gone import gone
from opencrm.services.process.tasking.staffing import unstaffed
from opencrm.services.reading.reader import Reader

Owned: TypeAlias = tuple[str, Pipeline | Rule]
"""A declaration, and the automation that it acts as."""


@attrs.frozen(eq=False)
class Declared:
    """All pipelines and rules that are to be in force together.

    Attributes:
        pipelines: Each with the automation that it acts as.
        rules: The same of rules, switched on or off.
    """

    pipelines: Sequence[tuple[str, Pipeline]]
    rules: Sequence[tuple[str, Rule]]

    @property
    def by_key(self) -> dict[str, Pipeline]:
        """The pipelines by their keys."""
        return {it.key: it for _, it in self.pipelines}

    @property
    def active(self) -> list[Rule]:
        """The rules that are switched on."""
        return [it for _, it in self.rules if it.active]

    def __iter__(self) -> Iterator[Owned]:
        yield from self.pipelines
        yield from self.rules


def standing(reader: Reader) -> Declared:
    """Return the pipelines and rules in force."""
    catalogue = reader.configuration.catalogue
    own = [(place.source.automation, key) for (key, _), place in catalogue.process.stages.items()]
    return Declared(
        [(name, catalogue.pipelines[key]) for name, key in dict.fromkeys(own)],
        [(it.source.automation, it.rule) for it in catalogue.process.rules.values()],
    )


def known_to(reader: Reader, declared: Declared, automation: str = "definition") -> Known:
    """Return what declarations may name that the reader writes, and of which automations may know.

    Args:
        reader: Their author; `system` for those that stand.
        declared: All that are to be in force together.
        automation: As whom they act: a plugin's knows the fields that the plugin adds.
    """
    configuration, pipelines = reader.configuration, declared.by_key
    entities = with_stages(configuration.catalogue.entities, pipelines.values())
    rights = attrs.evolve(reader.rights, entities=entities)
    inner, forms = automatic(rights, automation=automation), forms_of(reader, pipelines)

    def check(spec: Spec, condition: Condition) -> None:
        for one in (rights, inner):
            bind(condition, spec, one.readable(spec), configuration.locale, one.asker(reader.now))

    return Known(
        entities=entities,
        pipelines=pipelines,
        tasks=tasks_of(pipelines, [it for _, it in declared.rules], forms),
        subjects=subjects_of(entities[TASK]),
        roles={it.key for it in rights.organisation.roles.values()},
        services=configuration.hooks.needs(),
        forms=forms,
        readable=rights.readable,
        writable=rights.writable,
        closed=lambda spec: rights.readable(spec) - inner.readable(spec),
        check=check,
        acting_as=lambda one: known_to(reader, declared, one),
        unfit=partial(showing.unfit, reader) if automation == "definition" else lambda *_: (),
    )


def automatic(rights: Rights, grants: Sequence[Grant] = (), *, automation: str = "definition") -> Rights:
    """Return what an automation may do that has these grants: of fields, those that are open to every role."""
    return attrs.evolve(
        rights,
        principal=Principal.automation(automation),
        name=f"automation:{automation}",
        user_id=None,
        seats=(),
        grants=tuple(grants),
        limits=None,
        contact_id=None,
        standing_in=(),
        sharers=(),
        shared=frozenset(),
    )


def forms_of(reader: Reader, pipelines: Mapping[str, Pipeline]) -> dict[str, tuple[str, ...]]:
    """Return the web forms, each with what the records are about which it is sent."""
    several = [it.value for it in reader.configuration.hooks.forms()]
    in_pipelines = {it.key: pipelines.get(it.pipeline or "") for it in several}
    return {it.key: (it.about or (own.entity if (own := in_pipelines[it.key]) else "deal"),) for it in several}


def name_of(it: Pipeline | Rule) -> str:
    """Return what tells a declaration from all others: `"rule.called"`."""
    return f"{'pipeline' if isinstance(it, Pipeline) else 'rule'}.{it.key}"


def found(declared: Declared, known: Known) -> dict[str, list[Finding]]:
    """Return what is wrong with each of the declarations, by its name; places begin with `definition`."""
    wrong: defaultdict[str, list[Finding]] = defaultdict(list)
    plugins = {name: known.acting_as(name) for name, _ in declared if known.acting_as and "." not in name}
    for name, it in declared:
        wrong[name_of(it)] += names_of(it, plugins.get(name, known), "definition")
        if isinstance(it, Pipeline):
            wrong[name_of(it)] += stages_of(it, "definition", known.pipelines.values())
    for loop, finding in _rings(declared, known):
        stages = {f"pipeline.{one.partition('.')[0]}": None for one in loop if "." in one}
        for name in (*stages, *(f"rule.{one}" for one in loop if "." not in one)):
            wrong[name].append(finding)
    return {name: several for name, several in wrong.items() if several}


def _rings(declared: Declared, known: Known) -> Iterator[tuple[Sequence[str], Finding]]:
    """Give what goes round, and what to say of it: where something waits, it is told and not refused."""
    given = (known.pipelines, declared.active, known.tasks)
    yield from ((loop, Finding("definition", looping(loop))) for loop in loops(*given))
    yield from ((loop, Finding("definition", unending(loop), grave=False)) for loop in endless(*given))


def told(reader: Reader, declared: Iterable[Owned]) -> dict[str, list[Finding]]:
    """Return what is not refused and yet to be told, by name: selectors with nobody, fields that movers cannot read."""
    wrong: defaultdict[str, list[Finding]] = defaultdict(list)
    several, known = [*declared], known_to(reader, standing(reader))
    for it, finding in unstaffed(reader, [it for _, it in several]):
        wrong[name_of(it)].append(finding)
    for name, it in several:
        wrong[name_of(it)] += _shown(reader, name, it, known)
        if isinstance(it, Pipeline) and it.entity in reader.configuration.catalogue.entities:
            wrong[name_of(it)] += _unread(reader, it)
    return {name: findings for name, findings in wrong.items() if findings}


def problems(reader: Reader) -> dict[str, str]:
    """Return what is wrong with the pipelines and rules in force, by automation: a sentence a line.

    Args:
        reader: Of the system.
    """
    declared = standing(reader)
    known = known_to(reader, declared)
    wrong, more = found(declared, known), told(reader, declared)
    sentences: defaultdict[str, list[str]] = defaultdict(list)
    for name, text in reader.configuration.catalogue.left_out.items():
        sentences[name].append(text)
    for name, it in declared:
        lines = [each.text for each in (*wrong.get(name_of(it), ()), *more.get(name_of(it), ()))]
        lines += [f"missing: {text}" for text in unready(reader, calls(it, known))]
        lines += showing.grown(reader, name, calls(it, known))
        whose = f"plugin {name!r}, " if "." not in name else ""
        what = name_of(it).partition(".")[0]
        sentences[name] += [f"{whose}{what} {it.key!r}: {line}" for line in dict.fromkeys(lines)]
    for name, text in gone(reader):
        sentences[name].append(text)
    return {name: "\n".join(several) for name, several in sentences.items() if several}


def calls(it: Pipeline | Rule, known: Known) -> Iterator[tuple[Call, Sequence[str]]]:
    """Give the calls of services, each with the entities of the records that it may be about."""
    yield from ((part.item, part.about) for part in _calling(it, known))


def _calling(it: Pipeline | Rule, known: Known) -> Iterator[Part]:
    if isinstance(it, Pipeline):
        entities: tuple[str, ...] = (it.entity,)
    else:
        entities = tuple(about(it, known.pipelines, known.tasks, known.forms))
    yield from (part for part in parts_of(it, "definition", entities) if isinstance(part.item, Call))


def _shown(reader: Reader, name: str, it: Pipeline | Rule, known: Known) -> Iterator[Finding]:
    """Give the calls that show on a record what some who read it cannot read."""
    inner = automatic(reader.rights, automation=name)
    for part in _calling(it, known):
        for entity in part.about:
            text = showing.hidden(reader, inner, part.item, entity)
            if text is not None:
                yield Finding(part.at, text, grave=False)


def _unread(reader: Reader, it: Pipeline) -> Iterator[Finding]:
    """Give the fields that a stage asks for, and that a role which may move records there cannot read."""
    spec = reader.entity(it.entity)
    for number, stage in enumerate(it.stages):
        for side, stages in (("asks", (stage,)), ("leave", it.stages)):
            for at, requirement in enumerate(getattr(stage, side)):
                for name in sorted(_asked(spec, requirement)):
                    roles = _blind(reader, spec, name, [f"move:{it.key}.{to.key}" for to in stages])
                    if roles:
                        text = _unreadable(stage, spec, name, roles)
                        yield Finding(f"definition.stages[{number}].{side}[{at}]", text, grave=False)


def _blind(reader: Reader, spec: Spec, name: str, moves: Sequence[str]) -> list[str]:
    """Return the keys of the roles that grant one of the moves, and do not open the field."""
    roles = reader.rights.organisation.roles.values()
    opened = ((role, Openness(role.grants, role.field_rules, everything=role.owner)) for role in roles)
    blind = (role for role, one in opened if not one.opens(spec, name, "read"))
    return [role.key for role in blind if any(role.about(spec.name, move) for move in moves)]


def _unreadable(stage: Stage, spec: Spec, name: str, roles: Sequence[str]) -> str:
    field = spec.fields[name]
    added = field.custom and not field.defined and field.sensitive is not None
    remedy = f"open it to them by a field rule{', or declare it with sensitive=None' if added else ''}"
    asked = f"stage {stage.key!r} asks for {spec.name}.{name}, which roles that move records cannot read"
    return f"{asked}: {', '.join(roles)}; {remedy}"


def _asked(spec: Spec, requirement: Any) -> set[str]:
    form = requirement.form
    names = {*fields_of(requirement.condition), *(form.fields if form is not None and form.of is None else ())}
    return {name for name in names if name in spec.fields}
