"""What the document says of explaining access."""

from __future__ import annotations

from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.describing import body, good, operation
from opencrm.plugins.rest.document.shapes import FLAG, NUMBER, TEXT, UUID, Shape, list_of, object_of, reference, text

_SIDE: Shape = {"type": "string", "enum": ["gain", "lose"]}
_PLURAL: Shape = {
    "name": "plural",
    "in": "path",
    "required": True,
    "description": "The entity, as in its address",
    "schema": text("deals"),
}
_ACTION: Shape = {
    "name": "action",
    "in": "query",
    "description": "What is done: `read`, `update`, `move:sales.won` ...",
    "schema": {**TEXT, "default": "read"},
}
_USER: Shape = {"name": "user", "in": "query", "description": "The person; by default yourself", "schema": UUID}

_EXPLAIN = """Every reason for which the person may, each with the membership, its unit, the role and the grant, and the
units on the way from the record up to that unit; take the only reason away, and they may not. Otherwise why they may
not. You must be able to read the record and the person.
"""
_WHO = "The active people whom you may know of and who may do this to the record, each with all reasons."
_DIFF = """The body is that of a change of a unit, a role, a membership, a user or a deputy. It is judged and tried, and
taken back: the answer says who would gain or lose what on how many of the records that you may read.
"""


def schemas() -> Shape:
    """Return the named shapes of the answers."""
    step = object_of({"unit_id": UUID, "name": TEXT})
    reason = {"way": TEXT, "text": TEXT, "membership_id": UUID, "unit_id": UUID, "role": TEXT, "entity": TEXT}
    reason |= {
        "grant": {"type": "object"},
        "user_id": UUID,
        "because": {"type": "object"},
        "path": list_of(step),
    }
    told = {"user_id": UUID, "action": TEXT, "allowed": FLAG, "reason": TEXT, "fields": list_of(TEXT)}
    told["reasons"] = list_of({"type": "object", "properties": reason, "required": ["way", "text"]})
    common = {"side": _SIDE, "entity": TEXT, "users": list_of(UUID), "text": TEXT}
    number = {**NUMBER, "description": "Up to 10,000; above, `capped` says that it is more"}
    shift = object_of({**common, "action": TEXT, "records": number, "capped": FLAG})
    field = object_of({**common, "field": TEXT, "verb": {"type": "string", "enum": ["read", "write"]}})
    return {
        "Explanation": object_of(told),
        "Explanations": object_of({"items": list_of(reference("Explanation"))}),
        "Difference": object_of({"shifts": list_of(shift), "fields": list_of(field)}),
    }


def paths() -> Shape:
    """Return the paths, each with its operation."""
    one = (_PLURAL, parameters.ID)
    explain = operation(
        "explain",
        "workspace",
        summary="Why somebody may do something to a record",
        about=_EXPLAIN,
        good=good("Explanation"),
        refused=(404, 422),
        takes=(*one, _USER, _ACTION),
    )
    who = operation(
        "who",
        "workspace",
        summary="Who may do something to a record",
        about=_WHO,
        good=good("Explanations"),
        refused=(404, 422),
        takes=(*one, _ACTION),
    )
    diff = operation(
        "diff",
        "workspace",
        summary="What a change of the organisation would change",
        about=_DIFF,
        good=good("Difference"),
        refused=(403, 404, 409, 422),
        takes=one,
    )
    return {
        "/{plural}/{id}/explain": {"get": explain},
        "/{plural}/{id}/who": {"get": who},
        "/{plural}/{id}/diff": {"post": diff | body({"type": "object"})},
    }
