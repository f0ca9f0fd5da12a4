"""What the document says of boards and reports."""

from __future__ import annotations

from opencrm.plugins.rest.document.describing import good, operation
from opencrm.plugins.rest.document.shapes import (
    FLAG,
    NUMBER,
    TEXT,
    UUID,
    Shape,
    list_of,
    object_of,
    or_none,
    query,
    text,
)

_BOARD = """Of each stage how many records there are, what they are worth by currency, and the first of them.

Any filter of the entity's list narrows it. Counts stop at 10,000, and `more` says whether there are more.
"""
_REPORT = """How many records there are in each group, and what they come to; of a period the first day is told.

Money comes by currency. Any filter of the entity's list narrows it. More than 10,000 rows are refused.
"""
_MONEY: Shape = list_of(object_of({"amount": text("1200.50"), "currency": text("EUR")}))


def schemas() -> Shape:
    """Return the named shapes of the answers."""
    stage = object_of(
        {
            "key": text("new"),
            "label": text("New"),
            "kind": {**TEXT, "enum": ["open", "parked", "won", "lost"]},
            "count": NUMBER,
            "more": FLAG,
            "sums": _MONEY,
            "cards": list_of({"type": "object"}),
            "rotten": list_of(UUID),
            "limit": or_none(NUMBER),
        }
    )
    board = {"pipeline": TEXT, "label": TEXT, "entity": TEXT, "stages": list_of(stage)}
    names: Shape = list_of(TEXT)
    rows: Shape = list_of({"type": "object"})
    table = {"entity": TEXT, "group_by": names, "measures": names, "rows": rows}
    return {"Board": object_of(board), "Report": object_of(table)}


def paths() -> Shape:
    """Return the paths of boards and reports."""
    return {"/boards/{pipeline}": {"get": _board()}, "/reports": {"get": _report()}}


def _board() -> Shape:
    pipeline = {**query("pipeline", TEXT, "Key of the pipeline"), "in": "path", "required": True}
    cards = query("cards", {"type": "integer", "minimum": 0, "maximum": 100, "default": 25}, "Cards of each stage")
    sort = query("sort", {**TEXT, "default": "-created_at"}, "Order of the cards, by a field with an index")
    fields = query("fields", TEXT, "Names of the fields of a card; by default all")
    return operation(
        "board",
        "workspace",
        summary="Show a board",
        about=_BOARD,
        good=good("Board"),
        refused=(404, 422),
        takes=(pipeline, cards, sort, fields),
    )


def _report() -> Shape:
    entity = {**query("entity", text("deal"), "Name of the entity"), "required": True}
    by = query("by", list_of(TEXT), "A field, `field:period` or `stage:entered`; twice at most")
    told = "`count`, `sum:field`, `average:field` or `conversion`; by default `count`"
    return operation(
        "report",
        "workspace",
        summary="Make a report",
        about=_REPORT,
        good=good("Report"),
        refused=(404, 422),
        takes=(entity, by, query("measure", list_of(TEXT), told)),
    )
