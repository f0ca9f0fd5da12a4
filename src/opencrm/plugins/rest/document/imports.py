"""What the document says of imports."""

from __future__ import annotations

from collections.abc import Callable

from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.shapes import ID, Shape, reference

_ID: Shape = {"type": "string", "format": "uuid", "examples": [ID]}
_TEXT: Shape = {"type": "string"}
_NUMBER: Shape = {"type": "integer", "minimum": 0}
_COUNTS: Shape = {"type": "object", "additionalProperties": _NUMBER}
_AT: Shape = {"type": "string", "format": "date-time", "examples": ["2026-03-02T09:00:00Z"]}
_LIMIT: Shape = {
    "name": "limit",
    "in": "query",
    "description": "The most imports",
    "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50},
}
_BEFORE: Shape = {
    "name": "before",
    "in": "query",
    "description": "Only those that began before this one: the `next` of the page before",
    "schema": {"type": "string", "format": "uuid"},
}
_UNDO = """With the id of a run, all of its imports go, the last one first. What it created goes, what it changed is as
it was. A record that somebody changed since stays, with its parts, and so does one that you may not take back; they
are told, and the others go. With `dry_run`, which is what you get unless you say otherwise, nothing is kept."""


def schemas() -> Shape:
    """Return the named shapes of imports."""
    listed = {"items": {"type": "array", "items": reference("Import")}, "next": {**_ID, "type": ["string", "null"]}}
    refusal = _object({"entity": _TEXT, "record": _ID, "code": _TEXT, "text": _TEXT})
    undone = {
        "act": {**_ID, "type": ["string", "null"], "description": "Undo this act to bring everything back"},
        "lines": _NUMBER,
        "records": _COUNTS,
        "refused": _COUNTS,
        "refusals": {"type": "array", "items": refusal},
    }
    wish = {"dry_run": {"type": "boolean", "default": True, "description": "Only tell what would be done"}}
    return {
        "Import": _import(),
        "Imports": _object(listed),
        "Undone": _object(undone),
        "UndoImport": {"type": "object", "properties": wish, "additionalProperties": False},
    }


def paths(refusals: Callable[[tuple[int, ...]], Shape]) -> Shape:
    """Return the paths of imports.

    Args:
        refusals: Gives the responses of an operation that is refused with these statuses.
    """

    def operation(name: str, text: str, about: str, shape: str, *statuses: int) -> Shape:
        good = {"description": "Done", "content": {"application/json": {"schema": reference(shape)}}}
        told = {"operationId": name, "summary": text, "description": about, "tags": ["imports"]}
        return {**told, "responses": {"200": good, **refusals(statuses)}}

    about = "Yours or, for an owner, everybody's; the latest first."
    listed = operation("imports_list", "List imports", about, "Imports", 404, 422)
    one = operation(
        "imports_get", "Show an import", "How far it came, and what became of its rows.", "Import", 404, 422
    )
    undo = operation("imports_undo", "Take an import back", _UNDO, "Undone", 403, 404, 409, 422)
    body = {"content": {"application/json": {"schema": reference("UndoImport"), "example": {"dry_run": True}}}}
    return {
        "/imports": {"get": {**listed, "parameters": [_LIMIT, _BEFORE]}},
        "/imports/{id}": {"get": {**one, "parameters": [parameters.ID]}},
        "/imports/{id}/undo": {"post": {**undo, "parameters": [parameters.ID], "requestBody": body}},
    }


def _import() -> Shape:
    return _object(
        {
            "id": {**_ID, "description": "That of its act, too: `POST /v1/undo` takes it back all or nothing"},
            "file_name": _TEXT,
            "principal": {"type": "string", "examples": [f"user:{ID}"]},
            "state": {"type": "string", "enum": ["running", "done", "undone", "partly undone"]},
            "rows_done": _NUMBER,
            "counts": _COUNTS,
            "started_at": _AT,
            "finished_at": {**_AT, "type": ["string", "null"]},
            "run": {
                **_ID,
                "type": ["string", "null"],
                "description": "What the files of one call share; `undo` takes it in the place of an import's id",
            },
        }
    )


def _object(properties: Shape) -> Shape:
    return {"type": "object", "properties": properties, "required": list(properties)}
