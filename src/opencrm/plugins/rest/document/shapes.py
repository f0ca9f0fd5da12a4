"""The shapes that all entities share, as JSON Schema and OpenAPI describe them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Shape: TypeAlias = dict[str, Any]

ID = "019cadc6-9a80-7c3a-9b1e-4f2a6d8c0e13"
"""An example of an id: a UUID of version 7, as records have them."""


def page(item: Shape) -> Shape:
    """Return the shape of a page of a list."""
    number, more = {"type": "integer", "minimum": 0}, {"type": "boolean", "description": "There are more than so many"}
    money = _object({"amount": _text("1200.50"), "currency": _text("EUR")})
    found = {
        "items": _list(item),
        "next": {"type": ["string", "null"], "description": "The next page's cursor"},
        "total": {
            **_object({"count": number, "more": more}),
            "description": "Of all pages, where `total` asked for it",
        },
        "sums": {
            "type": "object",
            "additionalProperties": _list(money),
            "description": "Of all pages, by the amounts that `sum` asked for",
        },
    }
    return _object(found, "total", "sums")


def written(*, tagged: bool) -> Shape:
    """Return the headers of a write's answer: the act and, where the record comes with it, its tag."""
    act = {"OpenCRM-Act": {"description": "Names the act, by which it can be undone", "schema": _id()}}
    return {**act, **tag()} if tagged else act


def tag() -> Shape:
    """Return the header of an answer that holds one record."""
    return {"ETag": {"description": "The tag of what you see of the record", "schema": _text()}}


def shared() -> Shape:
    """Return the named shapes of what leaves, records apart."""
    return {
        "Problem": _problem(),
        "Entry": _entry(),
        "History": _object({"items": _list(reference("Entry"))}),
        "Me": _me(),
        "Index": _object({"entities": _list(_entity())}),
    }


def fixed(about: Mapping[str, str], refusals: Callable[[tuple[int, ...]], Shape]) -> Shape:
    """Return the paths that are there in every workspace.

    Args:
        about: What there is to know of each operation.
        refusals: Gives the responses of an operation that is refused with these statuses.
    """

    def operation(name: str, text: str, answer: str, *statuses: int) -> Shape:
        told = {"operationId": name, "summary": text, "description": about[name], "tags": ["workspace"]}
        return {**told, "responses": {"200": _good(name, answer), **refusals(statuses)}}

    undo = operation("undo", "Take back an act, or one line of the journal", "History", 403, 404, 409, 422)
    body = {"schema": reference("Undo"), "example": {"act": ID}}
    return {
        "/": {"get": operation("index", "The entities, their fields and what you may do", "Index")},
        "/me": {"get": operation("me", "Whoever the token stands for", "Me")},
        "/undo": {"post": undo | {"requestBody": {"required": True, "content": {"application/json": body}}}},
    }


def reference(name: str) -> Shape:
    """Return a reference to a named shape."""
    return {"$ref": f"#/components/schemas/{name}"}


def _good(name: str, answer: str) -> Shape:
    good = {"description": "Done", "content": {"application/json": {"schema": reference(answer)}}}
    return good | ({"headers": written(tagged=False)} if name == "undo" else {})


def _object(properties: Shape, *optional: str) -> Shape:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _list(item: Shape) -> Shape:
    return {"type": "array", "items": item}


def _text(*examples: str) -> Shape:
    return {"type": "string"} | ({"examples": list(examples)} if examples else {})


def _text_or_none(*examples: str | None) -> Shape:
    return {"type": ["string", "null"]} | ({"examples": list(examples)} if examples else {})


def _id() -> Shape:
    return {"type": "string", "format": "uuid", "examples": [ID]}


def _entry() -> Shape:
    return _object(
        {
            "id": _id(),
            "act": _id(),
            "at": {"type": "string", "format": "date-time", "examples": ["2026-03-02T09:00:00Z"]},
            "entity": _text("deal"),
            "record_id": _id(),
            "kind": {"enum": ["created", "changed", "moved", "assigned", "deleted", "restored"]},
            "principal": _text(f"user:{ID}"),
            "acting_as": _text_or_none(None),
            "cause": {"type": ["string", "null"], "format": "uuid", "examples": [None]},
            "origin": _text_or_none("rest"),
            "undoes": {"type": ["string", "null"], "format": "uuid", "examples": [None]},
            "before": {"type": ["object", "null"], "examples": [None]},
            "after": {"type": "object", "examples": [{"title": "Windows for Archer Homes"}]},
        }
    )


def _problem() -> Shape:
    return _object(
        {
            "type": {"type": "string", "format": "uri-reference"},
            "title": _text(),
            "status": {"type": "integer"},
            "code": {"type": "string", "description": "Stable name of the kind of problem"},
            "detail": _text(),
            "errors": {"type": "object", "additionalProperties": _list(_text())},
            "rule": {"type": "string", "description": "The rule that refuses it, where one has a name"},
            "details": {"type": "object"},
        },
        "detail",
        "errors",
        "rule",
        "details",
    )


def _me() -> Shape:
    role = _object({"id": _id(), "key": _text(), "name": _text()})
    flag = {"type": "boolean"}
    seat = _object({"id": _id(), "unit_id": _id(), "role": role, "is_head": flag, "is_primary": flag})
    names = ("name", "email", "language", "zone")
    user = _object({"id": _id(), **{name: _text_or_none() for name in names}}, *names)
    at = {"type": "string", "format": "date-time", "examples": ["2026-03-02T09:00:00Z"]}
    times = dict.fromkeys(("created_at", "seen_at", "idle_at", "expires_at"), at)
    session = {**_object({"label": _text_or_none(), **times}), "type": ["object", "null"]}
    told = {"principal": _text(), "user": user, "owner": flag, "memberships": _list(seat), "session": session}
    return _object(told)


def _entity() -> Shape:
    return _object(
        {
            "name": _text(),
            "label": _text(),
            "path": _text(),
            "display": _text(),
            "may": {**_list(_text()), "description": "What you may do, to some record at least"},
            "fields": _list({"type": "object"}),
            "pipelines": _list({"type": "object"}),
        }
    )
