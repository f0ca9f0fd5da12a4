"""The shapes that all entities share, as JSON Schema and OpenAPI describe them."""

from __future__ import annotations

from typing import Any, TypeAlias

Shape: TypeAlias = dict[str, Any]

ID = "019cadc6-9a80-7c3a-9b1e-4f2a6d8c0e13"
"""An example of an id: a UUID of version 7, as records have them."""

TEXT: Shape = {"type": "string"}
FLAG: Shape = {"type": "boolean"}
NUMBER: Shape = {"type": "integer", "minimum": 0}
UUID: Shape = {"type": "string", "format": "uuid", "examples": [ID]}
MOMENT: Shape = {"type": "string", "format": "date-time", "examples": ["2026-03-02T09:00:00Z"]}
COUNTS: Shape = {"type": "object", "additionalProperties": NUMBER}


def page(item: Shape) -> Shape:
    """Return the shape of a page of a list."""
    more = {**FLAG, "description": "There are more than so many"}
    money = object_of({"amount": text("1200.50"), "currency": text("EUR")})
    found = {
        "items": list_of(item),
        "next": {"type": ["string", "null"], "description": "The next page's cursor"},
        "total": {
            **object_of({"count": NUMBER, "more": more}),
            "description": "Of all pages, where `total` asked for it",
        },
        "sums": {
            "type": "object",
            "additionalProperties": list_of(money),
            "description": "Of all pages, by the amounts that `sum` asked for",
        },
    }
    return object_of(found, "total", "sums")


def written(*, tagged: bool) -> Shape:
    """Return the headers of a write's answer: the act and, where the record comes with it, its tag."""
    act = {"OpenCRM-Act": {"description": "Names the act, by which it can be undone", "schema": UUID}}
    return {**act, **tag()} if tagged else act


def tag() -> Shape:
    """Return the header of an answer that holds one record."""
    return {"ETag": {"description": "The tag of what you see of the record", "schema": TEXT}}


def reference(name: str) -> Shape:
    """Return a reference to a named shape."""
    return {"$ref": f"#/components/schemas/{name}"}


def object_of(properties: Shape, *optional: str) -> Shape:
    """Return the shape of an object that has these properties, all but the optional ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def list_of(item: Shape) -> Shape:
    """Return the shape of a list."""
    return {"type": "array", "items": item}


def text(*examples: str) -> Shape:
    """Return the shape of a text, with examples."""
    return {**TEXT, "examples": [*examples]}


def or_none(shape: Shape) -> Shape:
    """Return a shape that may also be nothing."""
    return {**shape, "type": [shape["type"], "null"]}


def query(name: str, schema: Shape, about: str) -> Shape:
    """Return a parameter of the query string."""
    return {"name": name, "in": "query", "description": about, "schema": schema}
