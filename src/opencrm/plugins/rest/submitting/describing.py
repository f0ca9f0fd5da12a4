"""What the document says of what came by web forms."""

from __future__ import annotations

from opencrm.embed import Spec
from opencrm.plugins.rest.addresses import address
from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.describing import good, operation
from opencrm.plugins.rest.document.shapes import MOMENT, TEXT, UUID, Shape, list_of, object_of, or_none, reference

_REFUSED = "For owners. A full stage, a check or a rule refused it: it is kept with its answers. The newest first, 500."
_SUBMISSIONS = "The newest first, 500 at most. Of the answers, those are told that whoever asks may read."


def schemas() -> Shape:
    """Return the named shapes of the answers."""
    told = {
        "id": UUID,
        "form": TEXT,
        "at": MOMENT,
        "values": {"type": "object", "description": "The answers, by the fields' names"},
        "attribution": {"type": "object", "additionalProperties": TEXT},
        "consent": or_none(TEXT),
        "contact_id": or_none(UUID),
        "entity": TEXT,
        "record_id": or_none(UUID),
        "error": {**or_none(TEXT), "description": "Why it could not become what its form says; told to owners alone"},
    }
    return {"Submission": object_of(told), "Submissions": object_of({"items": list_of(reference("Submission"))})}


def paths() -> Shape:
    """Return the path of what could not be taken."""
    shown = operation(
        "submissions",
        "process",
        summary="List what came by web forms and could not be taken",
        about=_REFUSED,
        good=good("Submissions"),
        refused=(403, 422),
    )
    return {"/submissions": {"get": shown}}


def of_records(entity: Spec) -> Shape:
    """Return the path of one entity's records."""
    shown = operation(
        f"{entity.name}_submissions",
        address(entity),
        summary=f"List what was sent about one {entity.label.lower()} by web forms",
        about=_SUBMISSIONS,
        good=good("Submissions"),
        refused=(404, 422),
        takes=(parameters.ID,),
    )
    return {f"/{address(entity)}/{{id}}/submissions": {"get": shown}}
