"""What a text of pipelines or rules would change, and that change made: all of it or nothing, in one act."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.access.grants import read_grants
from opencrm.core.change import Change, JournalEntry
from opencrm.core.change import Kind as ChangeKind
from opencrm.core.pipeline import Pipeline
from opencrm.core.process.rules import Rule
from opencrm.core.process.text import Unreadable, pipeline_of, plain, rule_of
from opencrm.errors import InputError, NotFound
from opencrm.services.cleaning.rehearsing import rehearsal
from opencrm.services.commands import Create
from opencrm.services.definitions.process.candidates import as_system, gains, shows_more, with_grants
from opencrm.services.definitions.process.overfilling import crowded
from opencrm.services.definitions.process.steps import Act, Plan, Step, touched
from opencrm.services.definitions.process.text import BESIDE, CLASSES, Kind, stored
from opencrm.services.process.overseeing import checks
from opencrm.services.process.submitting.asking import lacking
from opencrm.services.reading.rows import Record
from opencrm.services.records.births import Births
from opencrm.services.records.changing import given_of, updated

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

Faults = dict[str, list[str]]


def carry_out(work: Work, kind: Kind, tables: Iterable[Mapping[str, Any]], *, retire: bool = False) -> Plan:
    """Make the pipelines, or the rules, what a text says, all of it or nothing; return what was done.

    What is under way is left alone; records that stand in stages which go are moved to where `replaced_by` says.

    Args:
        work: Of whoever may: each is judged like an edit of its own.
        kind: `"pipelines"` or `"rules"`.
        tables: As `parse` gives them; each is a whole definition, with `retired`, `active` or `replaced_by` beside it,
            or names its `key` and those alone.
        retire: Whether those of the workspace's own that no table names are retired.

    Raises:
        InputError: Tables cannot be read, or cannot be in force; names each place as `rules[2].do[1].update.amount`.
        PermissionDenied: The principal may not do this, or may not hand on what a definition needs.
    """
    steps, wrong = _planned(work, kind, tables, retire=retire)
    if wrong:
        raise InputError(wrong)
    if kind == "pipelines":
        later = _later(work, steps)
        steps = [attrs.evolve(step, touched=tuple(touched(work, step, later))) for step in steps]
    with work.savepoint():
        lines = _applied(work, kind, steps)
    done = [step.granted(read_grants(lines[number].after.get("grants"))) for number, step in enumerate(steps)]
    return Plan(kind, tuple(done), tuple(_warnings(work, done)) if done else ())


def rehearse(work: Work, kind: Kind, tables: Iterable[Mapping[str, Any]], *, retire: bool = False) -> Plan:
    """Return what `carry_out` would do, which was done and taken back: it refuses the same."""
    with rehearsal(work):
        return carry_out(work, kind, tables, retire=retire)


def judge(kind: Kind, tables: Iterable[Mapping[str, Any]]) -> None:
    """Refuse tables that cannot be read: before a transaction, which would keep others waiting meanwhile.

    Raises:
        InputError: They cannot; names each place.
    """
    wrong = [faults for at, table in enumerate(tables) for faults in (_values(kind, at, table)[1],)]
    if any(wrong):
        raise InputError({name: texts for faults in wrong for name, texts in faults.items()})


def _later(reader: Reader, steps: Iterable[Step]) -> dict[str, Pipeline]:
    """Return all pipelines as they are to be."""
    found = dict(reader.configuration.catalogue.pipelines)
    for step in steps:
        definition = step.values.get("definition") or step.before.get("definition")
        if step.act == "retire":
            found.pop(step.key, None)
        elif definition is not None:
            found[step.key] = pipeline_of(definition)
    return found


def _applied(work: Work, kind: Kind, steps: Sequence[Step]) -> list[JournalEntry]:
    """Make all changes at once, so that what is new may name what else is new; return the lines, step by step."""
    found: list[Change] = []
    for step in steps:
        try:
            found.append(_change(work, kind, step))
        except InputError as error:
            raise InputError(_placed(kind, step, error.fields)) from None
    try:
        lines = {line.record_id: line for line in work.apply(found)} if found else {}
    except InputError as error:
        wrong = [_placed(kind, steps[at], fields) for at, fields in error.rows.items() if at < len(steps)]
        raise InputError({name: texts for each in wrong for name, texts in each.items()}) from None
    return [lines[change.id] for change in found]


def _change(work: Work, kind: Kind, step: Step) -> Change:
    spec = work.entity(CLASSES[kind])
    if step.id is None:
        loaded = work.configuration.schemas.load(spec, step.values)
        births = Births(work, [loaded])
        births.add(Create(CLASSES[kind], values=loaded), loaded)
        return births.changes[0]
    before = work.existing(spec, [step.id])[step.id]
    return updated(work, spec, before, given_of(work, spec, step.values))


def _placed(kind: Kind, step: Step, fields: Mapping[str, Sequence[str]]) -> Faults:
    """Return faults under the names of the text's places."""
    place = step.key if step.at is None else f"{kind}[{step.at}]"
    names = {name: f"{place}.{name}".replace(f"{place}.definition", place, 1) for name in fields}
    return {names[name]: [*texts] for name, texts in fields.items()}


def _planned(
    reader: Reader, kind: Kind, tables: Iterable[Mapping[str, Any]], *, retire: bool
) -> tuple[list[Step], Faults]:
    """Return the steps of the tables that can be read, and what is wrong with the others."""
    there = {record["key"]: record for record in stored(reader, kind)}
    steps, wrong, named, same = list[Step](), Faults(), set[str](), dict[int, Record]()
    for at, table in enumerate(tables):
        values, faults = _values(kind, at, table)
        key = values.get("key")
        if not faults and key in named:
            faults = {f"{kind}[{at}].key": [f"{key}: is named twice"]}
        if not faults:
            named.add(str(key))
            found = _step(at, values, there.get(str(key)))
            steps += found
            same |= {at: there[str(key)]} if not found and "definition" in values else {}
        wrong |= faults
    steps += _anew(reader, kind, same)
    left = [it for key, it in there.items() if key not in named and not it["retired"]] if retire and not wrong else []
    return [*steps, *(Step("retire", it["key"], it["id"], {"retired": True}, it.values()) for it in left)], wrong


def _values(kind: Kind, at: int, table: Mapping[str, Any]) -> tuple[dict[str, Any], Faults]:
    """Return the fields of the record that a table asks for, and what is wrong with it."""
    place = f"{kind}[{at}]"
    if not isinstance(table.get("key"), str):
        return {}, {f"{place}.key": ["is required"]}
    values = {name: table[name] for name in ("key", *BESIDE[kind]) if name in table}
    definition = {name: value for name, value in table.items() if name not in BESIDE[kind]}
    if definition.keys() != {"key"}:
        try:
            values["definition"] = plain((pipeline_of if kind == "pipelines" else rule_of)(definition, place))
        except Unreadable as error:
            return {}, {name: [*texts] for name, texts in error.faults.items()}
    return values, {}


def _step(at: int, values: Mapping[str, Any], old: Record | None) -> list[Step]:
    key = values["key"]
    if old is None:
        return [Step("create", key, None, values, {}, at)]
    before = old.values()
    asked = {"retired": False, **values} if "definition" in values else values
    new = {name: value for name, value in asked.items() if value != before.get(name)}
    if not new.keys() - {"replaced_by"}:
        return []
    act: Act = "change" if "retired" not in new else "retire" if new["retired"] else "restore"
    return [Step(act, key, before["id"], new, before, at)]


def _anew(reader: Reader, kind: Kind, same: Mapping[int, Record]) -> Iterator[Step]:
    """Give those of the same definitions whose services need, or show, more than was approved when they were saved."""
    several = {at: {**record.values(), "deleted_at": None} for at, record in same.items()}
    entity = CLASSES[kind].spec.name
    changes = [Change(entity, it["id"], ChangeKind.CHANGED, it, it) for it in several.values()]
    for (at, before), change in zip(several.items(), with_grants(reader, changes), strict=True):
        if gains(change) or shows_more(change):
            yield Step("change", before["key"], before["id"], {"definition": before["definition"]}, before, at)


def _warnings(work: Work, steps: Sequence[Step]) -> Iterator[str]:
    """Say what is not refused, and yet to be known, of what is in force now."""
    system = as_system(work, "look for problems")
    declared = checks.standing(system)
    own = [(name, it) for name, it in declared if it.key in {step.key for step in steps} and "." in name]
    found, told = checks.found(declared, checks.known_to(system, declared)), checks.told(system, own)
    for _, it in own:
        name = checks.name_of(it)
        for finding in (*found.get(name, ()), *told.get(name, ())):
            yield f"{it.key}{finding.at.removeprefix('definition')}: {finding.text}"
        for at, text in crowded(system, it) if isinstance(it, Pipeline) else ():
            yield f"{it.key}.stages[{at}].limit: {text}"
    for _, form, text in lacking(system.configuration.catalogue, system.configuration.locale):
        if form.pipeline in [it.key for _, it in own if isinstance(it, Pipeline)]:
            yield f"{form.pipeline}: {text}"


def rule_in(tables: Iterable[Mapping[str, Any]], key: str) -> Rule:
    """Return a rule of a text, which need not be in force.

    Raises:
        InputError: It cannot be read.
        NotFound: The text has no such rule.
    """
    for at, table in enumerate(tables):
        if table.get("key") == key:
            values, wrong = _values("rules", at, table)
            if wrong:
                raise InputError(wrong)
            if "definition" in values:
                return rule_of(values["definition"], f"rules[{at}]")
    raise NotFound(f"there is no rule {key!r} in this text", rule=key)
