"""What the document says of acts on people and roles."""

from __future__ import annotations

from collections.abc import Callable

from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.shapes import ID, Shape, reference, written

_ID: Shape = {"type": "string", "format": "uuid", "examples": [ID]}
_TEXT: Shape = {"type": "string"}
_NUMBER: Shape = {"type": "integer", "minimum": 0}
_ACT: Shape = {"type": ["string", "null"], "format": "uuid", "examples": [ID]}

_TRANSFER = """All records with this owner that you may read, of every entity, go to the colleagues named in `to`.

Several take turns, client by client: what is about one contact or company goes to one person. What is personal, as
saved views, stays, and so does what is deleted. Each record takes `assign`; where one is out of reach, **nothing is
given**, and the refusal says how many are. With `dry_run` nothing is written. `POST /undo` with the `act` takes it all
back; `act` in a later request goes on with a transfer that was broken off. At most 10,000 records.
"""
_COPY = """The new role has the other's rank, grants, field rules and home unit, but for what the body says.

Nobody holds it yet. It is judged like a role that you make: by the rules of delegation.
"""


def schemas() -> Shape:
    """Return the named shapes of what is taken and answered."""
    given = _object({"entity": _TEXT, "user_id": _ID, "number": _NUMBER})
    refusal = _object({"entity": _TEXT, "record": _TEXT, "code": _TEXT, "text": _TEXT})
    to: Shape = {"type": "array", "items": _ID, "minItems": 1}
    dry: Shape = {"type": "boolean", "default": False, "description": "Only tell who would get how much"}
    return {
        "Transfer": _object({"to": to, "dry_run": dry, "act": _ID}, "dry_run", "act"),
        "Transferred": _object({"act": _ACT, "given": _array(given), "refused": _array(refusal)}),
    }


def paths(refusals: Callable[[tuple[int, ...]], Shape]) -> Shape:
    """Return the paths, each with its operations.

    Args:
        refusals: Gives the responses of an operation that is refused with these statuses.
    """
    statuses = refusals((403, 404, 409, 422))
    transfer: Shape = {
        "operationId": "user_transfer",
        "summary": "Give all that is somebody's to colleagues",
        "description": _TRANSFER,
        "tags": ["users"],
        "parameters": [parameters.ID],
        "requestBody": _body("Transfer", {"to": [ID], "dry_run": True}),
        "responses": {"200": _good("Transferred", written(tagged=False)), **statuses},
    }
    copy: Shape = {
        "operationId": "role_copy",
        "summary": "Copy one role",
        "description": _COPY,
        "tags": ["roles"],
        "parameters": [parameters.ID],
        "requestBody": _body("role.create", {"key": "manager_north", "name": "Manager, North"}),
        "responses": {"201": _good("role", written(tagged=True)), **statuses},
    }
    return {"/users/{id}/transfer": {"post": transfer}, "/roles/{id}/copy": {"post": copy}}


def _object(properties: Shape, *optional: str) -> Shape:
    return {"type": "object", "properties": properties, "required": [it for it in properties if it not in optional]}


def _array(items: Shape) -> Shape:
    return {"type": "array", "items": items}


def _good(name: str, headers: Shape) -> Shape:
    return {"description": "Done", "content": {"application/json": {"schema": reference(name)}}, "headers": headers}


def _body(name: str, example: Shape) -> Shape:
    return {"required": True, "content": {"application/json": {"schema": reference(name), "example": example}}}
