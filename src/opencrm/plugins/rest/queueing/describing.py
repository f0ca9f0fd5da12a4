"""What the document says of the queue."""

from __future__ import annotations

from opencrm.embed import Spec
from opencrm.plugins.rest.addresses import address
from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.describing import good, operation
from opencrm.plugins.rest.document.shapes import (
    ID,
    MOMENT,
    NUMBER,
    TEXT,
    UUID,
    Shape,
    list_of,
    object_of,
    query,
    reference,
)

_STATES = ["waiting", "running", "held", "dead", "dropped"]
_STATE: Shape = {"type": "string", "enum": _STATES}
_LIMIT = query("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}, "The most deliveries")
_ABOUT = """What plugins are still to be told, the oldest first, the runs of rules, the timers and the letters that
failed too often, how much there is by plugin, rule and kind of timer, and of letters, and the plugins that are left
alone for a while since they failed again and again. Owners only."""
_ACT = """`retry` has tried again what failed: a delivery, a run, a timer or a letter by its `id`, a `plugin`'s, or all.
`drop` gives one up for a `reason`, which stays on its record; what comes behind a delivery goes on. Owners only."""


def schemas() -> Shape:
    """Return the named shapes of the queue."""
    none: Shape = {"type": ["string", "null"]}
    one = {
        "id": UUID,
        "plugin": TEXT,
        "entity": TEXT,
        "record_id": UUID,
        "entry_id": {**UUID, "description": "The journal's line of the change"},
        "state": _STATE,
        "attempts": NUMBER,
        "at": {**MOMENT, "type": ["string", "null"], "description": "When the change was made"},
        "run_at": MOMENT,
        "error": {**none, "description": "Why it failed last, for owners"},
    }
    count = {
        "kind": {"type": "string", "enum": ["plugin", "rule", "timer", "mail"]},
        "name": TEXT,
        "state": TEXT,
        "number": NUMBER,
    }
    count["oldest"] = {**MOMENT, "type": ["string", "null"]}
    count["why"] = {**none, "description": "Of letters that are unsent, why, and what to set"}
    circuit = {"plugin": TEXT, "failures": NUMBER, "since": MOMENT, "until": MOMENT, "error": none}
    stuck = {
        "id": UUID,
        "kind": {"type": "string", "enum": ["run", "timer", "mail"]},
        "name": {**TEXT, "description": "The rule, the stage or the promise; of a letter, whom it is for"},
        "state": {"type": "string", "enum": ["failed", "dead"]},
        "entity": TEXT,
        "record_id": {**UUID, "type": ["string", "null"]},
        "attempts": NUMBER,
        "at": MOMENT,
        "error": none,
    }
    lists = {"items": list_of(reference("Waiting")), "counts": list_of(object_of(count))}
    lists["stuck"] = list_of(object_of(stuck))
    wish = {"do": {"type": "string", "enum": ["retry", "drop"]}, "id": UUID, "plugin": TEXT, "reason": TEXT}
    return {
        "Waiting": object_of(one),
        "Queue": object_of({**lists, "circuits": list_of(object_of(circuit))}),
        "QueueOfRecord": object_of({"items": list_of(reference("Waiting"))}),
        "QueueWish": {"type": "object", "properties": wish, "required": ["do"], "additionalProperties": False},
        "QueueActed": object_of({"number": NUMBER}),
    }


def paths() -> Shape:
    """Return the paths of the queue."""
    takes = (_LIMIT, query("state", _STATE, "Only of this state"), query("plugin", TEXT, "Only of this plugin"))
    listed = operation(
        "queue", "queue", summary="Show the queue", about=_ABOUT, good=good("Queue"), refused=(403, 422), takes=takes
    )
    act = operation(
        "act_on_queue",
        "queue",
        summary="Try again or drop",
        about=_ACT,
        good=good("QueueActed"),
        refused=(403, 404, 422),
    )
    example = {"do": "drop", "id": ID, "reason": "the other system is gone"}
    wish = {"content": {"application/json": {"schema": reference("QueueWish"), "example": example}}, "required": True}
    return {"/queue": {"get": listed, "post": {**act, "requestBody": wish}}}


def of_records(entity: Spec) -> Shape:
    """Return the path of what waits about an entity's records."""
    shown = operation(
        f"{entity.name}_queue",
        address(entity),
        summary=f"Show what plugins are still to be told of one {entity.label.lower()}",
        about="What waits, failed or was dropped; why it failed, only to owners.",
        good=good("QueueOfRecord"),
        refused=(404, 422),
        takes=(parameters.ID,),
    )
    return {f"/{address(entity)}/{{id}}/queue": {"get": shown}}
