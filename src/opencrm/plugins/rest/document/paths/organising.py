"""What the document says of acts on people and roles."""

from __future__ import annotations

from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.describing import acted, body, good, operation
from opencrm.plugins.rest.document.shapes import (
    ID,
    NUMBER,
    TEXT,
    UUID,
    Shape,
    list_of,
    object_of,
    or_none,
    reference,
    written,
)

_REFUSED = (403, 404, 409, 422)
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
    given = object_of({"entity": TEXT, "user_id": UUID, "number": NUMBER})
    refusal = object_of({"entity": TEXT, "record": TEXT, "code": TEXT, "text": TEXT})
    to = {**list_of(UUID), "minItems": 1}
    dry: Shape = {"type": "boolean", "default": False, "description": "Only tell who would get how much"}
    return {
        "Transfer": object_of({"to": to, "dry_run": dry, "act": UUID}, "dry_run", "act"),
        "Transferred": object_of({"act": or_none(UUID), "given": list_of(given), "refused": list_of(refusal)}),
    }


def paths() -> Shape:
    """Return the paths, each with its operations."""
    transfer = operation(
        "user_transfer",
        "users",
        summary="Give all that is somebody's to colleagues",
        about=_TRANSFER,
        good=acted("Transferred"),
        refused=_REFUSED,
        takes=(parameters.ID,),
    )
    copy = operation(
        "role_copy",
        "roles",
        summary="Copy one role",
        about=_COPY,
        good=good("role", status=201, headers=written(tagged=True)),
        refused=_REFUSED,
        takes=(parameters.ID,),
    )
    transfer |= body(reference("Transfer"), {"to": [ID], "dry_run": True})
    copy |= body(reference("role.create"), {"key": "manager_north", "name": "Manager, North"})
    return {"/users/{id}/transfer": {"post": transfer}, "/roles/{id}/copy": {"post": copy}}
