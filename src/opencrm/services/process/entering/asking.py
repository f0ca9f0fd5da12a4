"""Asking for what is missing before a record moves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.change import Change, Kind, Values
from opencrm.core.conditions import TRUE, All, AnyOf, Condition, Link, Not, bind, predicate
from opencrm.core.entity import Spec
from opencrm.core.pipeline import Requirement, Stage
from opencrm.core.pipeline.reasons import ChoiceForm, unknown
from opencrm.core.pipeline.requirements import unlabelled
from opencrm.core.process.asking.forms import Form
from opencrm.core.values import Id
from opencrm.errors import InputError, RequirementMissing
from opencrm.schemas.asking import asked

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.block import Block

_EMPTY: tuple[Any, ...] = (None, "", [], ())
VEILED = "something that you may not read"
"""Stands for what cannot be told without naming a field that is hidden."""


def check_requirements(work: Block, changes: Sequence[Change], past: Collection[Id]) -> None:
    """Refuse moves whose requirements are not met, telling what is missing and how it is asked for.

    Of records that come from somewhere else, into whatever stage they stood in there, it is reported and not refused.

    Raises:
        RequirementMissing: Something is missing.
    """
    found: list[dict[str, Any]] = []
    for row, change in enumerate(changes):
        brought = change.id in past or (change.kind is Kind.CREATED and not work.automated)
        told = [{"record": change.id, "row": row, **it} for it in missing_of(work, change)]
        (work.reported if brought else found).extend(told)
    if found:
        text = "missing: " + ", ".join(dict.fromkeys(it["text"] for it in found))
        raise RequirementMissing(text, missing=found)


def missing_of(reader: Reader, change: Change) -> Iterator[dict[str, Any]]:
    """Give what a move asks for and the record does not have: each a text, and the form that asks for it, if any.

    What is missing is not told where the requirement looks at a field, or a record, of which the reader may not know.
    """
    spec = reader.entity(change.entity)
    for requirement in unmet(reader, change):
        form = requirement.form
        asks = {} if form is None else {"form": described(reader, spec, form)}
        veiled = _is_veiled(reader, spec, requirement.condition, change.after)
        yield {"text": VEILED if veiled else _lacks(spec, requirement, change), **asks}


def _is_veiled(reader: Reader, spec: Spec, condition: Condition, state: Values) -> bool:
    """Say whether a condition looks at a field, or at a record, of which the reader may not know."""
    rights, locale = reader.rights, reader.configuration.locale
    try:
        bound = bind(condition, spec, rights.readable(spec), locale, rights.asker(reader.now))
    except InputError:
        return True
    ends = [(reader.entity(link.entity), state.get(link.field)) for link in _links(bound)]
    return any(id is not None and id not in reader.known(target, [id]) for target, id in ends)


def _links(item: Condition) -> Iterator[Link]:
    match item:
        case All(items) | AnyOf(items):
            for each in items:
                yield from _links(each)
        case Not(inner):
            yield from _links(inner)
        case Link():
            yield item


def _lacks(spec: Spec, requirement: Requirement, change: Change) -> str:
    """Return what is missing, or of a reason that its stage does not know, that it does not."""
    form, text = requirement.form, requirement.missing
    if form is not None and form.of is None and text == unlabelled(form.fields):
        empty = [name for name in form.fields if change.after.get(name) in _EMPTY]
        text = ", ".join(label_of(spec, name) for name in empty or form.fields)
    wrong = unknown(form.options, change.after.get(form.key)) if isinstance(form, ChoiceForm) else None
    return text if wrong is None else f"{text}: {wrong}"


def label_of(spec: Spec, name: str) -> str:
    """Return what a person reads of a field."""
    return spec.fields[name].label if name in spec.fields else name.replace("_", " ")


def described(reader: Reader, spec: Spec, form: Form) -> dict[str, Any]:
    """Return a form as clients are told of it: its key, its label, and the JSON Schema of what it asks for.

    A field that the reader may not know of is not named, and neither is a form that has one: `withheld` says how many
    there are.
    """
    target, hidden = spec if form.of is None else reader.entity(form.of), hidden_of(reader, spec, form)
    one = asked(target, [name for name in form.fields if name not in hidden], form.required)
    if isinstance(form, ChoiceForm) and form.key in one["properties"]:
        one["properties"][form.key] = _choice(one["properties"][form.key], form.options)
    listed = {"type": "array", "items": one, "minItems": 1, **({} if form.many else {"maxItems": 1})}
    whole = one if form.of is None else {"type": "object", "properties": {form.key: listed}, "required": [form.key]}
    label = VEILED if hidden else _label(target, form)
    key = "form" if form.of is None and hidden else form.key
    return {"key": key, "label": label, "schema": whole, **({"withheld": len(hidden)} if hidden else {})}


def _label(spec: Spec, form: Form) -> str:
    """Return a form's label; of one that is only made of its fields, theirs."""
    plain = form.key == "_".join(form.fields) and form.label == form.key.replace("_", " ").capitalize()
    return ", ".join(label_of(spec, name) for name in form.fields) if plain else form.label


def _choice(schema: Mapping[str, Any], options: Mapping[str, str]) -> dict[str, Any]:
    """Return the JSON Schema of a field of which only some values will do, each with what a person reads."""
    listed = [{"const": key, "title": label} for key, label in options.items()]
    return {"title": schema["title"], "type": "string", "enum": [*options], "oneOf": listed}


def hidden_of(reader: Reader, spec: Spec, form: Form) -> list[str]:
    """Return the fields of a form of which the reader may not know."""
    known = reader.rights.readable(spec if form.of is None else reader.entity(form.of))
    return [name for name in form.fields if name not in known]


def unmet(reader: Reader, change: Change) -> Iterator[Requirement]:
    """Give the requirements of a move, or of a creation, that the record does not meet."""
    after, before, stages = change.after, change.before, reader.configuration.catalogue.process.stages
    if after.get("stage") is None or change.kind not in (Kind.MOVED, Kind.CREATED):
        return
    entered = stages.get((after["pipeline"], after["stage"]))
    left = stages.get((before["pipeline"], before["stage"])) if before is not None else None
    for requirement in (*_of(left.stage if left else None, "leave"), *_of(entered.stage if entered else None, "asks")):
        if not holds(reader, reader.entity(change.entity), requirement.condition, after):
            yield requirement


def _of(stage: Stage | None, side: str) -> Iterable[Requirement]:
    found: tuple[Requirement, ...] = getattr(stage, side) if stage is not None else ()
    return found


def holds(reader: Reader, spec: Spec, condition: Condition, state: Values) -> bool:
    """Judge a condition of a definition, by all that the record and those that it refers to hold."""
    asker = attrs.evolve(reader.rights.asker(reader.now), readable=lambda it: it.fields, scope=lambda _: TRUE)
    bound = bind(condition, spec, spec.fields.keys(), reader.configuration.locale, asker)
    return predicate(bound, spec, reader.linked, reader.told)(state)
