"""What the document says of search."""

from __future__ import annotations

from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.describing import good, operation
from opencrm.plugins.rest.document.shapes import TEXT, UUID, Shape, list_of, object_of, or_none, query, text

_ABOUT = """Every word must begin a word of the record or of its parts; case and accents do not count.

Telephone numbers are found in any notation. Only records and fields that you may read are looked into.
"""


def schemas() -> Shape:
    """Return the named shape of the answer."""
    hit = {
        "entity": text("contact"),
        "id": UUID,
        "title": or_none(text("Ann Archer")),
        "field": text("contact_point.value"),
        "snippet": text("ann@example.com"),
    }
    return {"Hits": object_of({"items": list_of(object_of(hit))})}


def paths() -> Shape:
    """Return the path of search."""
    entity = query("entity", list_of(TEXT), "Names of entities to search; by default all")
    limit = query("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}, "The most hits")
    told = operation(
        "search",
        "workspace",
        summary="Search",
        about=_ABOUT,
        good=good("Hits"),
        refused=(404, 422),
        takes=({**parameters.WORDS, "required": True}, entity, limit),
    )
    return {"/search": {"get": told}}
