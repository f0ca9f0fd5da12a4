"""Marshmallow schemas of entities, generated from the declarations: for authors of routes, and for OpenAPI.

Each field hands over to its declared type, so that a value means the same here, in files and in the Python API.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from marshmallow import Schema, ValidationError, fields

from opencrm.core.entity import Spec
from opencrm.core.fields import Choice, Choices, Currency, Email, Field, FieldType, Key, Number, Phone, Text, Whole

Direction: TypeAlias = Literal["in", "out"]
"""Whether a schema describes what enters or what leaves: a number enters as text or number, and leaves as text."""

Parts: TypeAlias = Mapping[str, tuple[Spec, str]]
"""The parts that may be given together with a record, as `Schemas.nested` gives them."""

_DECIMAL = r"^-?[0-9]+(\.[0-9]+)?$"
_FORMATS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "date": {"type": "string", "format": "date"},
        "datetime": {"type": "string", "format": "date-time"},
        "boolean": {"type": "boolean"},
        "link": {"type": "string"},
        "reference": {"type": "string", "format": "uuid"},
        "id": {"type": "string", "format": "uuid"},
        "json": {},
    }
)


class DeclaredField(fields.Field[Any]):
    """A marshmallow field that parses and dumps as its declaration says.

    Args:
        declared: The declaration.
        direction: What the schema describes.
        required: Whether it must be given; then it cannot be null either.
    """

    def __init__(self, declared: Field, direction: Direction = "in", *, required: bool = False) -> None:
        nullable = not (required or (direction == "out" and declared.required))
        super().__init__(
            required=required,
            allow_none=nullable,
            error_messages={"required": "is required", "null": "is required"},
            metadata={**_described(declared), **json_schema(declared.type, direction, nullable=nullable)},
        )
        self.kind = declared.type

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """Load a value; an empty text means nothing, as it does in a form and in a file."""
        return super().deserialize(None if value == "" else value, attr, data, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return self.kind.parse(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else self.kind.dump(value)


class RecordSchema(Schema):
    """The base of entities' schemas: an unknown field is refused."""

    error_messages = {"unknown": "is not a field here", "type": "must be an object"}  # noqa: RUF012  # marshmallow's own


def record_schema(spec: Spec) -> type[Schema]:
    """Return the schema of what leaves; a field that the reader may not read is missing."""
    out = {
        name: DeclaredField(field, "out", required=name == "id")
        for name, field in spec.fields.items()
        if name != "deleted_at"
    }
    return _named(f"{spec.name}.record", out)


def creation_schema(spec: Spec, parts: Parts = MappingProxyType({})) -> type[Schema]:
    """Return the schema of a new record, with the parts that may be given together with it."""
    given: dict[str, Any] = {
        name: DeclaredField(field, required=_needed(field)) for name, field in spec.fields.items() if field.settable
    }
    for name, (part, link) in parts.items():
        given[name] = fields.List(fields.Nested(_part_schema(spec, name, part, link)))
    return _named(f"{spec.name}.create", given)


def update_schema(spec: Spec) -> type[Schema]:
    """Return the schema of an update, which names some fields only."""
    changeable = {name: field for name, field in spec.fields.items() if field.settable and field.author is None}
    return _named(f"{spec.name}.update", {name: DeclaredField(field) for name, field in changeable.items()})


def json_schema(  # noqa: PLR0911  # one return for each type
    kind: FieldType[Any], direction: Direction, *, nullable: bool
) -> dict[str, Any]:
    """Return a type as JSON Schema describes it; a type that only a plugin knows may hold anything."""
    match kind:
        case Choice():
            return {"type": "string", "enum": [*kind.options, *([None] if nullable else [])]}
        case Choices():
            options = {"type": "string", "enum": [*kind.options]}
            return {"type": "array", "items": options, "uniqueItems": True}
        case Phone():
            return {"type": "string", "maxLength": 32}
        case Email():
            return {"type": "string", "format": "email", "maxLength": 254}
        case Text() | Key():
            return {"type": "string", "maxLength": kind.max}
        case Whole():
            return {"type": "integer", "minimum": kind.least, "maximum": kind.most}
        case Currency():
            return {"type": "string", "pattern": "^[A-Z]{3}$"}
    if isinstance(kind, Number):
        text = {"type": "string", "pattern": _DECIMAL}
        return text if direction == "out" else {"type": ["string", "number"], "pattern": _DECIMAL, **_bounds(kind)}
    return dict(_FORMATS.get(kind.name, {}))


def _bounds(kind: Number) -> dict[str, float]:
    """Return a number's bounds; JSON Schema knows none of a number that is given as text."""
    told = {"minimum": kind.least, "maximum": kind.most}
    return {name: float(bound) for name, bound in told.items() if bound is not None}


def _part_schema(spec: Spec, name: str, part: Spec, link: str) -> type[Schema]:
    """Return a part's schema without the reference to the record that it is given with."""
    left_out = {link, "entity"} if link == "record_id" else {link}
    given = {
        each: DeclaredField(field, required=_needed(field))
        for each, field in part.fields.items()
        if field.settable and each not in left_out
    }
    return _named(f"{spec.name}.{name}", given)


def _needed(field: Field) -> bool:
    return field.required and field.default is None


def _described(field: Field) -> dict[str, Any]:
    return {"title": field.label} | ({"description": field.help} if field.help else {})


def _named(name: str, given: Mapping[str, Any]) -> type[Schema]:
    return RecordSchema.from_dict(dict(given), name=name)
