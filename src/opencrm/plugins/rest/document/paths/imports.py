"""What the document says of imports."""

from __future__ import annotations

from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.describing import good, operation
from opencrm.plugins.rest.document.shapes import (
    COUNTS,
    ID,
    MOMENT,
    NUMBER,
    TEXT,
    UUID,
    Shape,
    list_of,
    object_of,
    reference,
)

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
    listed = {"items": list_of(reference("Import")), "next": {**UUID, "type": ["string", "null"]}}
    refusal = object_of({"entity": TEXT, "record": UUID, "code": TEXT, "text": TEXT})
    undone = {
        "act": {**UUID, "type": ["string", "null"], "description": "Undo this act to bring everything back"},
        "lines": NUMBER,
        "records": COUNTS,
        "refused": COUNTS,
        "refusals": list_of(refusal),
    }
    wish = {"dry_run": {"type": "boolean", "default": True, "description": "Only tell what would be done"}}
    return {
        "Import": _import(),
        "Imports": object_of(listed),
        "Undone": object_of(undone),
        "UndoImport": {"type": "object", "properties": wish, "additionalProperties": False},
    }


def paths() -> Shape:
    """Return the paths of imports."""

    undo = operation(
        "imports_undo",
        "imports",
        summary="Take an import back",
        about=_UNDO,
        good=good("Undone"),
        refused=(403, 404, 409, 422),
        takes=(parameters.ID,),
    )
    wish = {"content": {"application/json": {"schema": reference("UndoImport"), "example": {"dry_run": True}}}}
    return {
        "/imports": {"get": _listed()},
        "/imports/{id}": {"get": _shown()},
        "/imports/{id}/undo": {"post": {**undo, "requestBody": wish}},
    }


def _listed() -> Shape:
    return operation(
        "imports_list",
        "imports",
        summary="List imports",
        about="Yours or, for an owner, everybody's; the latest first.",
        good=good("Imports"),
        refused=(404, 422),
        takes=(_LIMIT, _BEFORE),
    )


def _shown() -> Shape:
    return operation(
        "imports_get",
        "imports",
        summary="Show an import",
        about="How far it came, and what became of its rows.",
        good=good("Import"),
        refused=(404, 422),
        takes=(parameters.ID,),
    )


def _import() -> Shape:
    return object_of(
        {
            "id": {**UUID, "description": "That of its act, too: `POST /api/v1/undo` takes it back all or nothing"},
            "file_name": TEXT,
            "principal": {"type": "string", "examples": [f"user:{ID}"]},
            "state": {"type": "string", "enum": ["running", "done", "undone", "partly undone"]},
            "rows_done": NUMBER,
            "counts": COUNTS,
            "started_at": MOMENT,
            "finished_at": {**MOMENT, "type": ["string", "null"]},
            "run": {
                **UUID,
                "type": ["string", "null"],
                "description": "What the files of one call share; `undo` takes it in the place of an import's id",
            },
        }
    )
