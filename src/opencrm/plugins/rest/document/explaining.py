"""What the document says of explaining access."""

from __future__ import annotations

from collections.abc import Callable

from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.shapes import ID, Shape, reference

_ID: Shape = {"type": "string", "format": "uuid", "examples": [ID]}
_TEXT: Shape = {"type": "string"}
_SIDE: Shape = {"type": "string", "enum": ["gain", "lose"]}
_TEXTS: Shape = {"type": "array", "items": _TEXT}
_PLURAL: Shape = {
    "name": "plural",
    "in": "path",
    "required": True,
    "description": "The entity, as in its address",
    "schema": {**_TEXT, "examples": ["deals"]},
}
_ACTION: Shape = {
    "name": "action",
    "in": "query",
    "description": "What is done: `read`, `update`, `move:sales.won` ...",
    "schema": {**_TEXT, "default": "read"},
}
_USER: Shape = {"name": "user", "in": "query", "description": "The person; by default yourself", "schema": _ID}

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
    step = _object({"unit_id": _ID, "name": _TEXT})
    reason = {"way": _TEXT, "text": _TEXT, "membership_id": _ID, "unit_id": _ID, "role": _TEXT, "entity": _TEXT}
    reason |= {
        "grant": {"type": "object"},
        "user_id": _ID,
        "because": {"type": "object"},
        "path": {"type": "array", "items": step},
    }
    told = {"user_id": _ID, "action": _TEXT, "allowed": {"type": "boolean"}, "reason": _TEXT, "fields": _TEXTS}
    told["reasons"] = {"type": "array", "items": {"type": "object", "properties": reason, "required": ["way", "text"]}}
    users: Shape = {"type": "array", "items": _ID}
    common = {"side": _SIDE, "entity": _TEXT, "users": users, "text": _TEXT}
    number: Shape = {
        "type": "integer",
        "minimum": 0,
        "description": "Up to 10,000; above, `capped` says that it is more",
    }
    shift = _object({**common, "action": _TEXT, "records": number, "capped": {"type": "boolean"}})
    field = _object({**common, "field": _TEXT, "verb": {"type": "string", "enum": ["read", "write"]}})
    arrays: Shape = {"shifts": {"type": "array", "items": shift}, "fields": {"type": "array", "items": field}}
    return {
        "Explanation": _object(told),
        "Explanations": _object({"items": {"type": "array", "items": reference("Explanation")}}),
        "Difference": _object(arrays),
    }


def paths(refusals: Callable[[tuple[int, ...]], Shape]) -> Shape:
    """Return the paths, each with its operation.

    Args:
        refusals: Gives the responses of an operation that is refused with these statuses.
    """
    asked: Shape = {"tags": ["workspace"], "responses": refusals((404, 422))}
    explain = _told("explain", "Why somebody may do something to a record", _EXPLAIN, "Explanation", asked)
    who = _told("who", "Who may do something to a record", _WHO, "Explanations", asked)
    tried: Shape = {"tags": ["workspace"], "responses": refusals((403, 404, 409, 422))}
    diff = _told("diff", "What a change of the organisation would change", _DIFF, "Difference", tried)
    body: Shape = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    one = [_PLURAL, parameters.ID]
    return {
        "/{plural}/{id}/explain": {"get": {**explain, "parameters": [*one, _USER, _ACTION]}},
        "/{plural}/{id}/who": {"get": {**who, "parameters": [*one, _ACTION]}},
        "/{plural}/{id}/diff": {"post": {**diff, "parameters": one, "requestBody": body}},
    }


def _told(name: str, summary: str, text: str, shape: str, more: Shape) -> Shape:
    good = {"description": "Done", "content": {"application/json": {"schema": reference(shape)}}}
    responses = {"200": good, **more["responses"]}
    return {"operationId": name, "summary": summary, "description": text, **more, "responses": responses}


def _object(properties: Shape) -> Shape:
    return {"type": "object", "properties": properties, "required": list(properties)}
