"""What a form asks for, in a workspace: each field with its label, its type and where the answer goes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.entity import Spec
from opencrm.core.fields import (
    Amount,
    Choice,
    Choices,
    Currency,
    Day,
    Email,
    Field,
    FieldType,
    Link,
    Number,
    Phone,
    Text,
    Whole,
    YesNo,
)
from opencrm.core.locale import Locale
from opencrm.core.process.asking.web_forms import MESSAGE, NAMES, POINTS, WebForm
from opencrm.errors import InputError
from opencrm.schemas.marshmallow_fields import json_schema

if TYPE_CHECKING:
    from opencrm.services.workspaces.catalogue import Catalogue

_TYPES = (Amount, Choice, Choices, Currency, Day, Email, Link, Number, Phone, Text, Whole, YesNo)
"""What strangers can be asked for."""
_LONGEST = 10_000
_OWN_LABELS: Mapping[str, str] = {
    "name": "Your name",
    "email": "E-mail",
    "phone": "Phone",
    "messenger": "Messenger",
    "address": "Address",
    MESSAGE: "Message",
}


class Place(Enum):
    """Where an answer goes."""

    CONTACT = "contact"
    POINT = "point"
    ACTIVITY = "activity"
    RECORD = "record"


@attrs.frozen
class Asked:
    """One field of a form.

    Attributes:
        name: Its name.
        label: What a person reads.
        type: What it holds.
        required: Whether it must be filled in.
        place: Where the answer goes.
        help: A sentence for whoever fills it in.
    """

    name: str
    label: str
    type: FieldType[Any]
    required: bool
    place: Place
    help: str = ""


def record_of(form: WebForm, catalogue: Catalogue) -> Spec:
    """Return the entity whose records a form makes or fills in.

    Raises:
        InputError: There is none; names the argument.
    """
    if form.pipeline is not None:
        pipeline = catalogue.pipelines.get(form.pipeline)
        if pipeline is None:
            raise InputError({"pipeline": [f"there is no pipeline {form.pipeline!r}"]})
        if form.stage is not None and pipeline.stage(form.stage) is None:
            raise InputError({"stage": [f"pipeline {pipeline.key!r} has no stage {form.stage!r}"]})
        return _known(catalogue, "pipeline", pipeline.entity)
    about = _known(catalogue, "about", form.about or "")
    made = about if form.of is None else _known(catalogue, "of", form.of)
    if form.of is not None and about.name not in made.references().values():
        raise InputError({"of": [f"{made.name} has no field that refers to {about.name}"]})
    return made


def asked(form: WebForm, catalogue: Catalogue, locale: Locale) -> tuple[Asked, ...]:
    """Return what a form asks for, in order.

    Raises:
        InputError: It asks for something that is not there, or that no stranger can be asked for; names the argument.
    """
    spec = record_of(form, catalogue)
    if form.pipeline is not None and reference(spec, "contact") is None:
        raise InputError({"pipeline": [f"{spec.name} has no field that refers to a contact"]})
    strange = [name for name in form.values if name not in spec.fields]
    wrong = {"values": [f"{spec.name} has no field {name!r}" for name in strange]} if strange else {}
    found = [_asked(form, catalogue, spec, name, locale) for name in form.fields]
    unknown = [name for name, it in zip(form.fields, found, strict=True) if it is None]
    if unknown:
        wrong["fields"] = [f"{name!r} is no field of {spec.name} that can be asked for" for name in unknown]
    if wrong:
        raise InputError(wrong)
    return tuple(it for it in found if it is not None)


def faults(catalogue: Catalogue, locale: Locale) -> Iterator[tuple[str, str, str]]:
    """Give what is wrong with the forms of a workspace: plugin, form and a sentence."""
    for key, declared in catalogue.forms.items():
        try:
            asked(declared.value, catalogue, locale)
        except InputError as error:
            yield declared.plugin, key, f"form {key!r}: {error}"


def lacking(catalogue: Catalogue, locale: Locale) -> Iterator[tuple[str, WebForm, str]]:
    """Give what forms never fill in of records that require it: plugin, form and a sentence.

    Such a form can be sent all the same, and what is sent is kept.
    """
    for key, declared in catalogue.forms.items():
        with suppress(InputError):
            missing = list(_missing(declared.value, catalogue, locale))
            if missing:
                what = f"it never fills in {', '.join(missing)}, which is required"
                yield (
                    declared.plugin,
                    declared.value,
                    f"form {key!r}: {what}: what is sent is kept, and seen to by hand",
                )


def schema_of(several: Sequence[Asked]) -> dict[str, Any]:
    """Return what is asked for as JSON Schema describes it, each field with its label as the title."""
    properties = {
        it.name: {"title": it.label, **json_schema(it.type, "in", nullable=not it.required)}
        | ({"description": it.help} if it.help else {})
        for it in several
    }
    needed = [it.name for it in several if it.required]
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}


def reference(spec: Spec, target: str) -> str | None:
    """Return the field by which an entity refers to another one, preferring that of its name."""
    names = [name for name, to in spec.references().items() if to == target]
    return f"{target}_id" if f"{target}_id" in names else next(iter(names), None)


def _known(catalogue: Catalogue, argument: str, name: str) -> Spec:
    if name not in catalogue.entities:
        raise InputError({argument: [f"there is no entity {name!r}"]})
    return catalogue.entities[name]


def _missing(form: WebForm, catalogue: Catalogue, locale: Locale) -> Iterator[str]:
    """Give the fields that records must have, and that no answer, no value and nothing of opencrm's fills in."""
    spec, answered = record_of(form, catalogue), asked(form, catalogue, locale)
    given = {*form.values, *(it.name for it in answered if it.place is Place.RECORD)}
    if form.pipeline is not None:
        own = (reference(spec, "contact"), "pipeline", spec.options.display, "owner_id", "unit_id")
        yield from _wanted(catalogue.entities["contact"], ())
        yield from _wanted(spec, {*given, *own})
    elif form.of is not None:
        yield from _wanted(spec, {*given, reference(spec, form.about or ""), "owner_id", "unit_id"})


def _wanted(spec: Spec, given: Collection[str | None]) -> Iterator[str]:
    """Give the required fields beside those that are given, as far as nothing is worked out of these."""
    for it in spec.fields.values():
        worked_out = spec.options.derive is not None and not it.custom
        if it.required and it.settable and it.default is None and it.name not in given and not worked_out:
            yield f"{spec.name}.{it.name}"


def _asked(form: WebForm, catalogue: Catalogue, spec: Spec, name: str, locale: Locale) -> Asked | None:
    own = _of_contact(name, catalogue, locale) if form.pipeline is not None else None
    if name == MESSAGE:
        own = (Text(_LONGEST, lines=True), Place.ACTIVITY)
    if own is None:
        field = spec.fields.get(name)
        if field is None or not _can_be_asked(field):
            return None
        return _made(form, name, field.type, Place.RECORD, field.label, field.help)
    return _made(form, name, *own, _OWN_LABELS.get(name) or catalogue.entities["contact"].fields[name].label)


def _made(form: WebForm, name: str, type: FieldType[Any], place: Place, label: str, help: str = "") -> Asked:
    return Asked(name, form.labels.get(name, label), type, form.is_required(name), place, help)


def _of_contact(name: str, catalogue: Catalogue, locale: Locale) -> tuple[FieldType[Any], Place] | None:
    if name in NAMES:
        return catalogue.entities["contact"].fields[name].type, Place.CONTACT
    if name in POINTS:
        types: Mapping[str, FieldType[Any]] = {"email": Email(), "phone": Phone(locale.region)}
        return types.get(name, Text(250)), Place.POINT
    return None


def _can_be_asked(field: Field) -> bool:
    return isinstance(field.type, _TYPES) and field.settable and field.author is None
