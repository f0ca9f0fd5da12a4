"""What the document says of the workspace as a whole, of oneself and of the way back."""

from __future__ import annotations

from opencrm.plugins.rest.document.describing import acted, body, good, operation
from opencrm.plugins.rest.document.shapes import (
    FLAG,
    ID,
    MOMENT,
    TEXT,
    UUID,
    Shape,
    list_of,
    object_of,
    or_none,
    reference,
    text,
)

_INDEX = "Entities of plugins are among them. A field that you may not read is missing."
_ME = "Your entry among the users, whether you own the workspace, the places that you hold, and your session."
_UNDO = (
    "Name either `act`, the value of `OpenCRM-Act` in the answer to a write, or `entry`, the id of a line of a "
    "history. Undoing is a new write; it is refused where something was changed since, by another undo too."
)


def schemas() -> Shape:
    """Return the named shapes of the answers."""
    return {
        "Entry": _entry(),
        "History": object_of({"items": list_of(reference("Entry"))}),
        "Me": _me(),
        "Index": object_of({"entities": list_of(_entity())}),
    }


def paths() -> Shape:
    """Return the paths that are there in every workspace."""
    index = operation(
        "index",
        "workspace",
        summary="The entities, their fields and what you may do",
        about=_INDEX,
        good=good("Index"),
        refused=(),
    )
    me = operation("me", "workspace", summary="Whoever the token stands for", about=_ME, good=good("Me"), refused=())
    undo = operation(
        "undo",
        "workspace",
        summary="Take back an act, or one line of the journal",
        about=_UNDO,
        good=acted("History"),
        refused=(403, 404, 409, 422),
    )
    return {"/": {"get": index}, "/me": {"get": me}, "/undo": {"post": undo | body(reference("Undo"), {"act": ID})}}


def _entry() -> Shape:
    return object_of(
        {
            "id": UUID,
            "act": UUID,
            "at": MOMENT,
            "entity": text("deal"),
            "record_id": UUID,
            "kind": {"enum": ["created", "changed", "moved", "assigned", "deleted", "restored"]},
            "principal": text(f"user:{ID}"),
            "acting_as": {**or_none(TEXT), "examples": [None]},
            "cause": {**or_none(UUID), "examples": [None]},
            "origin": or_none(text("rest")),
            "rule": {**or_none(TEXT), "description": "What caused it: rule, stage, task or form", "examples": [None]},
            "undoes": {**or_none(UUID), "examples": [None]},
            "before": {"type": ["object", "null"], "examples": [None]},
            "after": {"type": "object", "examples": [{"title": "Windows for Archer Homes"}]},
        }
    )


def _me() -> Shape:
    role = object_of({"id": UUID, "key": TEXT, "name": TEXT})
    seat = object_of({"id": UUID, "unit_id": UUID, "role": role, "is_head": FLAG, "is_primary": FLAG})
    names = ("name", "email", "language", "zone")
    user = object_of({"id": UUID, **{name: or_none(TEXT) for name in names}}, *names)
    times = dict.fromkeys(("created_at", "seen_at", "idle_at", "expires_at"), MOMENT)
    session = or_none(object_of({"label": or_none(TEXT), **times}))
    return object_of({"principal": TEXT, "user": user, "owner": FLAG, "memberships": list_of(seat), "session": session})


def _entity() -> Shape:
    return object_of(
        {
            "name": TEXT,
            "label": TEXT,
            "path": TEXT,
            "display": TEXT,
            "may": {**list_of(TEXT), "description": "What you may do, to some record at least"},
            "fields": list_of({"type": "object"}),
            "pipelines": list_of({"type": "object"}),
        }
    )
