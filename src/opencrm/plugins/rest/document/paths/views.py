"""What the document says of saved views and segments, beside what it says of every entity."""

from __future__ import annotations

from collections.abc import Sequence

from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.describing import good, operation
from opencrm.plugins.rest.document.shapes import ID, Shape, list_of, page, reference

_SNAPSHOT: Shape = {
    "name": "snapshot",
    "in": "path",
    "required": True,
    "description": "The snapshot's id",
    "schema": {"type": "string", "format": "uuid"},
}
_OTHER: Shape = {**_SNAPSHOT, "name": "other", "description": "Id of a later snapshot"}

_USABLE = (
    "Whether you can open it: not where it looks at a field that is gone or that you may not read; what does so is "
    "left out here"
)
_NARROWED = "Any parameter of the entity's own list narrows it, or shows it otherwise; what is saved always holds."


def schemas() -> Shape:
    """Return the named shapes of what only views and segments answer with."""
    found = page({"type": "object"})
    entity = {"type": "string", "description": "Name of the entity of the items", "examples": ["deal"]}
    found = {**found, "properties": {"entity": entity, **found["properties"]}, "required": ["entity", "items", "next"]}
    return {"SavedPage": found, "Snapshot": _snapshot(), "Snapshots": _snapshots(), "Compared": _compared()}


def added(name: str) -> Shape:
    """Return what a named shape holds beside an entity's fields."""
    told = {"type": "boolean", "readOnly": True, "description": _USABLE}
    return {"usable": told} if name in ("saved_view", "segment") else {}


def paths() -> Shape:
    """Return the paths of what only views and segments have."""

    paged = parameters.paging()
    of_snapshot = "/segments/{id}/snapshots/{snapshot}"
    return {
        "/saved-views/{id}/records": {"get": _records(paged)},
        "/segments/{id}/members": {"get": _members(paged)},
        "/segments/{id}/snapshot": {"post": _take()},
        "/segments/{id}/snapshots": {"get": _listed()},
        of_snapshot: {"get": _recorded(paged)},
        f"{of_snapshot}/compared/{{other}}": {"get": _comparison()},
    }


def _records(paged: Sequence[Shape]) -> Shape:
    return operation(
        "saved_view_records",
        "saved-views",
        summary="List what a saved view gives",
        about=_NARROWED,
        good=good("SavedPage"),
        refused=(404, 422),
        takes=(parameters.ID, *paged),
    )


def _members(paged: Sequence[Shape]) -> Shape:
    return operation(
        "segment_members",
        "segments",
        summary="List who is in a segment now",
        about=_NARROWED,
        good=good("SavedPage"),
        refused=(404, 422),
        takes=(parameters.ID, *paged),
    )


def _take() -> Shape:
    return operation(
        "segment_snapshot",
        "segments",
        summary="Take a snapshot",
        about="Keeps who is in it now, as far as you may read. Only those who may change the segment take one.",
        good=good("Snapshot", status=201),
        refused=(403, 404, 409, 422),
        takes=(parameters.ID,),
    )


def _listed() -> Shape:
    return operation(
        "segment_snapshots",
        "segments",
        summary="List the snapshots",
        about="The newest hundred.",
        good=good("Snapshots"),
        refused=(404,),
        takes=(parameters.ID,),
    )


def _recorded(paged: Sequence[Shape]) -> Shape:
    return operation(
        "segment_recorded",
        "segments",
        summary="List who was in a snapshot",
        about="By id: those of its members that you may read now.",
        good=good("SavedPage"),
        refused=(403, 404, 422),
        takes=(parameters.ID, _SNAPSHOT, *paged),
    )


def _comparison() -> Shape:
    return operation(
        "segment_compared",
        "segments",
        summary="Compare two snapshots",
        about="How many entered and left between the two, of what you may read now.",
        good=good("Compared"),
        refused=(403, 404, 422),
        takes=(parameters.ID, _SNAPSHOT, _OTHER),
    )


def _snapshot() -> Shape:
    properties = {
        "id": {"type": "string", "format": "uuid", "examples": [ID]},
        "segment_id": {"type": "string", "format": "uuid", "examples": [ID]},
        "entity": {"type": "string", "examples": ["deal"]},
        "at": {"type": "string", "format": "date-time", "examples": ["2026-03-02T09:00:00Z"]},
        "by": {"type": "string", "examples": [f"user:{ID}"]},
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def _snapshots() -> Shape:
    items = list_of(reference("Snapshot"))
    return {"type": "object", "properties": {"items": items}, "required": ["items"]}


def _compared() -> Shape:
    number = {"type": "integer", "minimum": 0}
    return {"type": "object", "properties": {"entered": number, "left": number}, "required": ["entered", "left"]}
