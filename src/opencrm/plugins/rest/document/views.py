"""What the document says of saved views and segments, beside what it says of every entity."""

from __future__ import annotations

from collections.abc import Callable

from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.shapes import ID, Shape, page, reference

_SNAPSHOT_ID: Shape = {
    "name": "snapshot",
    "in": "path",
    "required": True,
    "description": "The snapshot's id",
    "schema": {"type": "string", "format": "uuid"},
}
_OTHER_ID: Shape = {**_SNAPSHOT_ID, "name": "other", "description": "Id of a later snapshot"}

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


def paths(refusals: Callable[[tuple[int, ...]], Shape]) -> Shape:
    """Return the paths of what only views and segments have.

    Args:
        refusals: Gives the responses of an operation that is refused with these statuses.
    """

    def operation(name: str, text: str, about: str, shape: str, *statuses: int, status: int = 200) -> Shape:
        good = {"description": "Done", "content": {"application/json": {"schema": reference(shape)}}}
        tag = "saved-views" if name.startswith("saved_view") else "segments"
        told = {"operationId": name, "summary": text, "description": about, "tags": [tag]}
        return {**told, "responses": {str(status): good, **refusals(statuses)}}

    one = [parameters.ID]
    paged = parameters.paging()
    view = operation("saved_view_records", "List what a saved view gives", _NARROWED, "SavedPage", 404, 422)
    members = operation("segment_members", "List who is in a segment now", _NARROWED, "SavedPage", 404, 422)
    about = "Keeps who is in it now, as far as you may read. Only those who may change the segment take one."
    take = operation("segment_snapshot", "Take a snapshot", about, "Snapshot", 403, 404, 409, 422, status=201)
    listed = operation("segment_snapshots", "List the snapshots", "The newest hundred.", "Snapshots", 404)
    about = "By id: those of its members that you may read now."
    recorded = operation("segment_recorded", "List who was in a snapshot", about, "SavedPage", 403, 404, 422)
    about = "How many entered and left between the two, of what you may read now."
    compared = operation("segment_compared", "Compare two snapshots", about, "Compared", 403, 404, 422)
    of_snapshot = "/segments/{id}/snapshots/{snapshot}"
    return {
        "/saved-views/{id}/records": {"get": {**view, "parameters": [*one, *paged]}},
        "/segments/{id}/members": {"get": {**members, "parameters": [*one, *paged]}},
        "/segments/{id}/snapshot": {"post": {**take, "parameters": one}},
        "/segments/{id}/snapshots": {"get": {**listed, "parameters": one}},
        of_snapshot: {"get": {**recorded, "parameters": [*one, _SNAPSHOT_ID, *paged]}},
        f"{of_snapshot}/compared/{{other}}": {"get": {**compared, "parameters": [*one, _SNAPSHOT_ID, _OTHER_ID]}},
    }


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
    items = {"type": "array", "items": reference("Snapshot")}
    return {"type": "object", "properties": {"items": items}, "required": ["items"]}


def _compared() -> Shape:
    number = {"type": "integer", "minimum": 0}
    return {"type": "object", "properties": {"entered": number, "left": number}, "required": ["entered", "left"]}
