"""What the document says of search."""

from __future__ import annotations

from collections.abc import Callable

from opencrm.plugins.rest.document.shapes import ID, Shape, reference

_ABOUT = """Every word must begin a word of the record or of its parts; case and accents do not count.

Telephone numbers are found in any notation. Only records and fields that you may read are looked into.
"""
_TEXT: Shape = {"type": "string"}
QUERY: Shape = {
    "name": "q",
    "in": "query",
    "description": "Words, or beginnings of words, or a telephone number; two letters at least",
    "schema": {**_TEXT, "examples": ["ann arch"]},
}
OF_LIST: Shape = {
    **QUERY,
    "description": "Words: only their hundred best hits, the best first unless `sort` says otherwise; no `cursor`",
}


def schemas() -> Shape:
    """Return the named shape of the answer."""
    hit = {
        "entity": {**_TEXT, "examples": ["contact"]},
        "id": {**_TEXT, "format": "uuid", "examples": [ID]},
        "title": {"type": ["string", "null"], "examples": ["Ann Archer"]},
        "field": {**_TEXT, "examples": ["contact_point.value"]},
        "snippet": {**_TEXT, "examples": ["ann@example.com"]},
    }
    items: Shape = {"type": "array", "items": {"type": "object", "properties": hit, "required": list(hit)}}
    return {"Hits": {"type": "object", "properties": {"items": items}, "required": ["items"]}}


def paths(refusals: Callable[[tuple[int, ...]], Shape]) -> Shape:
    """Return the path of search.

    Args:
        refusals: Gives the responses of an operation that is refused with these statuses.
    """
    good = {"description": "Done", "content": {"application/json": {"schema": reference("Hits")}}}
    entity = _query("entity", {"type": "array", "items": _TEXT}, "Names of entities to search; by default all")
    limit = _query("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}, "The most hits")
    told: Shape = {
        "operationId": "search",
        "summary": "Search",
        "description": _ABOUT,
        "tags": ["workspace"],
        "parameters": [{**QUERY, "required": True}, entity, limit],
        "responses": {"200": good, **refusals((404, 422))},
    }
    return {"/search": {"get": told}}


def _query(name: str, schema: Shape, text: str) -> Shape:
    return {"name": name, "in": "query", "description": text, "schema": schema}
