"""What the document says of boards and reports."""

from __future__ import annotations

from collections.abc import Callable

from opencrm.plugins.rest.document.shapes import Shape, reference

_BOARD = """Of each stage how many records there are, what they are worth by currency, and the first of them.

Any filter of the entity's list narrows it. Counts stop at 10,000, and `more` says whether there are more.
"""
_REPORT = """How many records there are in each group, and what they come to; of a period the first day is told.

Money comes by currency. Any filter of the entity's list narrows it. More than 10,000 rows are refused.
"""
_TEXT: Shape = {"type": "string"}
_NUMBER: Shape = {"type": "integer", "minimum": 0}
_MONEY: Shape = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "amount": {**_TEXT, "examples": ["1200.50"]},
            "currency": {**_TEXT, "examples": ["EUR"]},
        },
        "required": ["amount", "currency"],
    },
}


def schemas() -> Shape:
    """Return the named shapes of the answers."""
    stage = _object(
        {
            "key": {**_TEXT, "examples": ["new"]},
            "label": {**_TEXT, "examples": ["New"]},
            "kind": {**_TEXT, "enum": ["open", "parked", "won", "lost"]},
            "count": _NUMBER,
            "more": {"type": "boolean"},
            "sums": _MONEY,
            "cards": {"type": "array", "items": {"type": "object"}},
        }
    )
    board = {"pipeline": _TEXT, "label": _TEXT, "entity": _TEXT, "stages": {"type": "array", "items": stage}}
    names: Shape = {"type": "array", "items": _TEXT}
    rows: Shape = {"type": "array", "items": {"type": "object"}}
    table = {"entity": _TEXT, "group_by": names, "measures": names, "rows": rows}
    return {"Board": _object(board), "Report": _object(table)}


def paths(refusals: Callable[[tuple[int, ...]], Shape]) -> Shape:
    """Return the paths of boards and reports.

    Args:
        refusals: Gives the responses of an operation that is refused with these statuses.
    """

    def operation(name: str, text: str, about: str, parameters: list[Shape]) -> Shape:
        good = {"description": "Done", "content": {"application/json": {"schema": reference(name.capitalize())}}}
        told = {"operationId": name, "summary": text, "description": about, "tags": ["workspace"]}
        return {**told, "parameters": parameters, "responses": {"200": good, **refusals((404, 422))}}

    pipeline = {**_query("pipeline", _TEXT, "Key of the pipeline"), "in": "path", "required": True}
    cards = _query("cards", {"type": "integer", "minimum": 0, "maximum": 100, "default": 25}, "Cards of each stage")
    sort = _query("sort", {**_TEXT, "default": "-created_at"}, "Order of the cards, by a field with an index")
    fields = _query("fields", _TEXT, "Names of the fields of a card; by default all")
    entity = {**_query("entity", {**_TEXT, "examples": ["deal"]}, "Name of the entity"), "required": True}
    several: Shape = {"type": "array", "items": _TEXT}
    by = _query("by", several, "A field, `field:period` or `stage:entered`; twice at most")
    measure = _query("measure", several, "`count`, `sum:field`, `average:field` or `conversion`; by default `count`")
    return {
        "/boards/{pipeline}": {"get": operation("board", "Show a board", _BOARD, [pipeline, cards, sort, fields])},
        "/reports": {"get": operation("report", "Make a report", _REPORT, [entity, by, measure])},
    }


def _query(name: str, schema: Shape, text: str) -> Shape:
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _object(properties: Shape) -> Shape:
    return {"type": "object", "properties": properties, "required": list(properties)}
