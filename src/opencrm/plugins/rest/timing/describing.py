"""What the document says of the clock, and of promises about time."""

from __future__ import annotations

from opencrm.embed import Spec
from opencrm.plugins.rest.addresses import address
from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.describing import good, operation
from opencrm.plugins.rest.document.shapes import (
    FLAG,
    MOMENT,
    NUMBER,
    TEXT,
    UUID,
    Shape,
    list_of,
    object_of,
    or_none,
    reference,
)

_ADVANCE = """What comes due on the way is done, each at its instant, and told: rules that ran, changes by stages, tasks
and rules, people who were told, tasks that were given; 200 of each. What reacts to what was committed is left to the
worker. Every process shows the new time at its next request. Owners only, and only in a sandbox.
"""
_SLA = "The newest clock first. Whoever may read the record may see them; seconds are of working time."


def schemas() -> Shape:
    """Return the named shapes of the answers."""
    about = {"at": MOMENT, "entity": TEXT, "record_id": UUID}
    task = {"at": MOMENT, "id": UUID, "title": TEXT, "owner_id": or_none(UUID), "due_at": or_none(MOMENT)}
    told = {
        "started": MOMENT,
        "now": MOMENT,
        "runs": list_of(object_of({**about, "rule": TEXT, "state": TEXT})),
        "changes": list_of(object_of({**about, "rule": TEXT, "kind": TEXT})),
        "notifications": list_of(object_of({**about, "user_id": UUID, "text": TEXT})),
        "tasks": list_of(object_of(task)),
        "more": FLAG,
    }
    instants = {name: or_none(MOMENT) for name in ("due_at", "paused_at", "breached_at", "ended_at")}
    state: Shape = {"type": "string", "enum": ["running", "paused", "met", "breached"]}
    one = {"sla": TEXT, "label": TEXT, "state": state, "started_at": MOMENT, **instants}
    return {
        "Clock": object_of({"now": MOMENT, "sandbox": FLAG}),
        "ClockAdvance": {
            "type": "object",
            "properties": {"by": TEXT},
            "required": ["by"],
            "additionalProperties": False,
        },
        "ClockAdvanced": object_of(told),
        "Promises": object_of({"items": list_of(object_of({**one, "spent": NUMBER, "target": NUMBER}))}),
    }


def paths() -> Shape:
    """Return the paths of the clock."""
    shown = operation(
        "clock",
        "workspace",
        summary="Show the clock",
        about="What the workspace's clock shows, and whether the workspace is a sandbox.",
        good=good("Clock"),
        refused=(422,),
    )
    advance = operation(
        "advance_clock",
        "workspace",
        summary="Move a sandbox's clock forward",
        about=_ADVANCE,
        good=good("ClockAdvanced"),
        refused=(403, 409, 422),
    )
    wish = {"application/json": {"schema": reference("ClockAdvance"), "example": {"by": "3d"}}}
    return {
        "/clock": {"get": shown},
        "/clock/advance": {"post": {**advance, "requestBody": {"content": wish, "required": True}}},
    }


def of_records(entity: Spec) -> Shape:
    """Return the path of the promises about an entity's records."""
    shown = operation(
        f"{entity.name}_sla",
        address(entity),
        summary=f"Show the promises about time of one {entity.label.lower()}",
        about=_SLA,
        good=good("Promises"),
        refused=(404, 422),
        takes=(parameters.ID,),
    )
    return {f"/{address(entity)}/{{id}}/sla": {"get": shown}}
