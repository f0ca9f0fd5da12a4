"""Custom fields: what a workspace's definition, or a plugin's declaration, adds to an entity."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from opencrm.core.change import Values
from opencrm.core.fields import (
    Amount,
    Choice,
    Choices,
    Currency,
    Day,
    Email,
    Field,
    FieldType,
    Instant,
    Link,
    Number,
    Phone,
    Reference,
    Rollup,
    Text,
    Whole,
    YesNo,
)
from opencrm.core.fields.declaring import check_sensitive

KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""What a custom field may be called."""

RESERVED = frozenset({"by", "cards", "cursor", "deleted", "fields", "limit", "measure", "q", "sort", "total", "where"})
"""What a custom field may not be called: lists have parameters of these names."""

MOST_FIELDS = 200
"""How many custom fields an entity may have, retired ones included."""

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "text": "Text",
        "long_text": "Long text",
        "number": "Number",
        "money": "Money",
        "date": "Date",
        "datetime": "Date and time",
        "choice": "Choice",
        "choices": "Several choices",
        "yes_no": "Yes or no",
        "email": "E-mail",
        "phone": "Phone",
        "link": "Web address",
        "reference": "Reference to a record",
    }
)
"""The kinds of custom fields, by key, as a person calls them."""


@attrs.frozen(kw_only=True)
class AddedField:
    """A field that a plugin adds to somebody else's entity: `AddedField(entity="deal", name="shop_order", ...)`.

    Args:
        entity: The entity's name.
        name: The field's name; begins with the plugin's name and `_`.
        type: What it holds.
        label: What a person reads; by default made of the name.
        required: Whether a new record without it is refused.
        settable: Whether a creation and an update may name it.
        sensitive: A label for what it tells. With one, and by default, it is closed to all but owners and this
            plugin's own automation: to roles until a field rule of theirs opens it, and to rules and pipelines that
            are kept as text. None leaves it open, as the entity's own fields are.
        indexed: Promise fast lists sorted by this field.
        searchable: Let search look into it.
        help: A sentence for the person who fills it in.
        rollup: What opencrm computes it of; then nobody sets it.

    Raises:
        ValueError: `sensitive` is an empty text, or a roll-up is to be filled in or searched.
    """

    entity: str
    name: str
    type: FieldType[Any]
    label: str = ""
    required: bool = False
    settable: bool = True
    sensitive: str | None = attrs.field(default="plugin", validator=check_sensitive)
    indexed: bool = False
    searchable: bool = False
    help: str = ""
    rollup: Rollup | None = None

    def __attrs_post_init__(self) -> None:
        if self.rollup is not None and (self.required or self.searchable):
            raise ValueError(f"{self.name}: a roll-up is neither required nor searchable")

    def fields(self) -> tuple[Field, ...]:
        """Return the field, and for an amount the field of its currency."""
        label = self.label or self.name.replace("_", " ").capitalize()
        own = Field(
            name=self.name,
            type=self.type,
            label=label,
            required=self.required,
            author=None if self.settable and self.rollup is None else "system",
            settable=self.settable and self.rollup is None,
            rollup=self.rollup,
            told=self.rollup is None,
            default=_start(self.rollup, self.type),
            sensitive=self.sensitive,
            indexed=self.indexed,
            searchable=self.searchable,
            help=self.help,
            slot=self.name,
        )
        return _with_currency(own)


def fields_of(definition: Values, region: str) -> tuple[Field, ...]:
    """Return the field that a workspace defined, and for an amount the field of its currency.

    Args:
        definition: A record of the entity `custom_field`.
        region: ISO 3166 code of the country whose national phone numbers are understood.
    """
    kind = definition["kind"]
    own = Field(
        name=definition["key"],
        type=_TYPES[kind](definition, region),
        label=definition["label"],
        required=definition["required"],
        author=None if definition["rollup"] is None else "system",
        settable=definition["rollup"] is None,
        rollup=_rollup(definition["rollup"]),
        told=definition["rollup"] is None,
        default=_start(_rollup(definition["rollup"]), _TYPES[kind](definition, region)),
        sensitive=definition["sensitive"],
        indexed=definition["indexed"],
        searchable=definition["searchable"],
        help=definition["help"] or "",
        slot=f"{kind}_{definition['id'][-12:]}",
        former=tuple(definition["former"] or ()),
    )
    return _with_currency(own)


def _rollup(raw: Any) -> Rollup | None:
    return None if raw is None else Rollup(**raw)


def _start(rollup: Rollup | None, kind: FieldType[Any]) -> Any:
    """Return what a new record's roll-up holds: nothing was counted yet."""
    counts = rollup is not None and rollup.measure == "count" and isinstance(kind, Number | Whole)
    return kind.parse(0) if counts else None


def _with_currency(field: Field) -> tuple[Field, ...]:
    if not isinstance(field.type, Amount):
        return (field,)
    name = f"{field.name}_currency"
    money = attrs.evolve(field, type=Amount(currency=name))
    currency = attrs.evolve(
        field,
        name=name,
        type=Currency(),
        label=f"{field.label}: currency",
        required=False,
        indexed=False,
        searchable=False,
        help="",
        slot=f"{field.slot}_c",
        rollup=None,
        former=tuple(f"{each}_currency" for each in field.former),
    )
    return money, currency


def check_options(raw: Any) -> dict[str, str]:
    """Return the options of a choice, `{key: label}`; a list of labels gives each its own key.

    Raises:
        ValueError: It is neither, or two have one key.
    """
    if isinstance(raw, list):
        raw = _keyed(raw)
    if not isinstance(raw, dict) or not raw or len(raw) > _MOST_OPTIONS:
        raise ValueError(f"must name 1 to {_MOST_OPTIONS} different options, as a list of labels or {{key: label}}")
    for key, label in raw.items():
        if not isinstance(key, str) or not _OPTION.fullmatch(key):
            raise ValueError(f"{key!r}: an option's key is 1 to 64 characters, without a comma or blanks at its ends")
        if not isinstance(label, str) or not label.strip() or len(label) > _LONGEST_LABEL:
            raise ValueError(f"{key}: must have a label of at most {_LONGEST_LABEL} characters")
    return dict(raw)


def check_former(raw: Any) -> list[str]:
    """Return the names that a field had before.

    Raises:
        ValueError: It is no list of names.
    """
    if not isinstance(raw, list) or not all(isinstance(each, str) and KEY.fullmatch(each) for each in raw):
        raise ValueError("must be a list of names")
    return raw


_MOST_OPTIONS = 500
_LONGEST_LABEL = 200
_OPTION = re.compile(r"(?=\S)[^,\x00-\x1f]{0,63}\S")


def _keyed(labels: list[Any]) -> dict[str, str] | None:
    """Return labels, each under its own key; None where that cannot be."""
    if not all(isinstance(each, str) for each in labels):
        return None
    keys = {_key_of(each, at): each for at, each in enumerate(labels)}
    return keys if len(keys) == len(labels) else None


def _key_of(label: str, at: int) -> str:
    """Return the key of an option that only has a label: the label itself, where it may be one."""
    key = label.strip()
    return key if _OPTION.fullmatch(key) else f"option_{at + 1}"


def _options(definition: Values) -> Mapping[str, str]:
    return MappingProxyType(dict(definition["choices"] or {}))


_TYPES: Mapping[str, Callable[[Values, str], FieldType[Any]]] = MappingProxyType(
    {
        "text": lambda _, __: Text(500, folded=True),
        "long_text": lambda _, __: Text(20_000, lines=True),
        "number": lambda _, __: Number(),
        "money": lambda _, __: Amount(),
        "date": lambda _, __: Day(),
        "datetime": lambda _, __: Instant(),
        "choice": lambda definition, _: Choice(_options(definition)),
        "choices": lambda definition, _: Choices(_options(definition)),
        "yes_no": lambda _, __: YesNo(),
        "email": lambda _, __: Email(),
        "phone": lambda _, region: Phone(region),
        "link": lambda _, __: Link(),
        "reference": lambda definition, _: Reference(definition["reference_to"]),
    }
)
