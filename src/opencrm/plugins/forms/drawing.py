"""Fields as the page draws them, and the script for other sites."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import attrs
from werkzeug.datastructures import MultiDict

from opencrm import Amount, Choice, Choices, Day, Email, Link, Number, Phone, Text, Whole, YesNo
from opencrm.embed import FormField

_COMPLETES: Mapping[str, str] = {
    "name": "name",
    "first_name": "given-name",
    "last_name": "family-name",
    "email": "email",
    "phone": "tel",
    "address": "street-address",
}
"""What browsers fill in by themselves."""


@attrs.frozen(kw_only=True)
class Drawn:
    """A field of the page.

    Attributes:
        name: Its name.
        label: What a person reads.
        kind: `text`, `lines`, `one_of`, `some_of` or `yes_no`.
        input: The input's type, of a text.
        options: What can be chosen, with labels.
        value: What was filled in.
        chosen: What was chosen, of several.
        required: Whether it must be filled in.
        longest: How many characters it may have.
        completes: What browsers fill in.
        help: A sentence for whoever fills it in.
        wrong: What is wrong with what was filled in.
    """

    name: str
    label: str
    kind: str
    input: str = "text"
    mode: str = ""
    options: Mapping[str, str] = attrs.field(factory=dict)
    value: str = ""
    chosen: Sequence[str] = ()
    required: bool
    longest: int | None = None
    completes: str = ""
    help: str = ""
    wrong: str = ""


def drawn(field: FormField, filled: MultiDict[str, str], wrong: Sequence[str]) -> Drawn:
    """Return a field as the page draws it, with what was filled in and what is wrong with it."""
    return Drawn(
        name=field.name,
        label=field.label,
        required=field.required,
        value=filled.get(field.name, ""),
        chosen=filled.getlist(field.name),
        completes=_COMPLETES.get(field.name, ""),
        help=field.help,
        wrong=" ".join(wrong),
        **_kind(field),
    )


def _kind(field: FormField) -> dict[str, Any]:  # noqa: PLR0911  # one return for each type
    match field.type:
        case Choice(options):
            return {"kind": "one_of", "options": options}
        case Choices(options):
            return {"kind": "some_of", "options": options}
        case YesNo():
            return {"kind": "yes_no"}
        case Text(max=longest, lines=lines):
            return {"kind": "lines" if lines else "text", "longest": longest}
        case Whole():
            return {"kind": "text", "input": "text", "mode": "numeric", "longest": 20}
        case Number() | Amount():
            return {"kind": "text", "input": "text", "mode": "decimal", "longest": 30}
        case Day():
            return {"kind": "text", "input": "date"}
        case Email():
            return {"kind": "text", "input": "email", "longest": 254}
        case Phone():
            return {"kind": "text", "input": "tel", "longest": 32}
        case Link():
            return {"kind": "text", "input": "url", "longest": 2000}
    return {"kind": "text", "longest": 200}


def script(key: str) -> str:
    """Return the script that puts a form into a page of another site."""
    text = files("opencrm.plugins.forms").joinpath("static", "embed.js").read_text("utf-8")
    return text.replace('"FORM"', json.dumps(key))
