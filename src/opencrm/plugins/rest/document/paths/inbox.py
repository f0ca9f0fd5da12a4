"""What the document says of one's own inbox."""

from __future__ import annotations

from opencrm.embed import notification_choices
from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.describing import body, good, nothing, operation
from opencrm.plugins.rest.document.shapes import (
    FLAG,
    ID,
    MOMENT,
    NUMBER,
    TEXT,
    UUID,
    Shape,
    list_of,
    object_of,
    or_none,
    query,
    reference,
    tag,
    text,
)

_LIST = """The newest first. Each text says what you may read now: what you may not know of is left out.

To look often, send the `ETag` of the last answer as `If-None-Match`: as long as nothing came and nothing was read the
answer is 304, without a body, and costs little. Look again after a few seconds.
"""
_NARROWED = "A key that is narrowed to some acts reads as far as it may, and marks nothing."
_IF_NONE_MATCH: Shape = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of the last answer: 304 if nothing changed",
    "schema": TEXT,
}


def schemas() -> Shape:
    """Return the named shapes of what is taken and answered."""
    told = {
        "id": UUID,
        "at": MOMENT,
        "kind": {"enum": [*notification_choices.KINDS]},
        "text": text("Overdue: Call Maria Lopez"),
        "rule": or_none(text("call")),
        "entity": or_none(text("task")),
        "record_id": or_none(UUID),
        "read_at": or_none(MOMENT),
        "mail": {"enum": ["new", "sending", "sent", "none", "dead"], "description": "What became of the letter"},
        "mail_error": or_none(text("not wanted by mail")),
    }
    fact, step = object_of({"label": TEXT, "text": TEXT}), object_of({"at": or_none(MOMENT), "what": TEXT, "by": TEXT})
    report = object_of(
        {
            "facts": list_of(fact),
            "positions": list_of(list_of(fact)),
            "stages": list_of(step),
            "tasks": list_of(step),
        }
    )
    choice = {
        "kind": {"enum": [*notification_choices.KINDS]},
        "channel": {"enum": [*notification_choices.CHANNELS]},
        "wanted": FLAG,
    }
    return {
        "Notification": object_of(told),
        "Inbox": object_of({"items": list_of(reference("Notification")), "unread": NUMBER, "next": or_none(UUID)}),
        "Told": object_of({**told, "report": {"oneOf": [report, {"type": "null"}]}}),
        "InboxRead": object_of({"until": UUID}, "until"),
        "InboxWasRead": object_of({"read": NUMBER}),
        "InboxChoice": object_of(choice),
        "InboxChoices": object_of({"items": list_of(object_of({**choice, "label": TEXT}))}),
    }


def paths() -> Shape:
    """Return the paths, each with its operations."""
    limit = query("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "How many at most")
    before = query("before", UUID, "`next` of the page before")
    unread = query("unread", {"type": "string", "enum": ["true", "false"]}, "Only what is unread")
    listed = operation(
        "inbox",
        "inbox",
        summary="What you were told",
        about=_LIST,
        good=good("Inbox", headers=tag()) | {"304": {"description": "Nothing changed", "headers": tag()}},
        refused=(403, 422),
        takes=(limit, before, unread, _IF_NONE_MATCH),
    )
    one = operation(
        "notification",
        "inbox",
        summary="One thing that you were told, with its report",
        about="`report` is there where it tells of one.",
        good=good("Told"),
        refused=(403, 404),
        takes=(parameters.ID,),
    )
    read = operation(
        "notification_read",
        "inbox",
        summary="Mark one as read",
        about=_NARROWED,
        good=nothing(),
        refused=(403, 404),
        takes=(parameters.ID,),
    )
    return {
        "/inbox": {"get": listed},
        "/inbox/{id}": {"get": one},
        "/inbox/{id}/read": {"post": read},
        "/inbox/read": {"post": _read_all()},
        "/inbox/choices": _choices(),
    }


def _read_all() -> Shape:
    all_read = operation(
        "inbox_read",
        "inbox",
        summary="Mark all as read",
        about="With `until` those that came up to that one, so that what came since stays unread.",
        good=good("InboxWasRead"),
        refused=(403, 422),
    )
    taken = body(reference("InboxRead"), {"until": ID})
    return all_read | {"requestBody": {**taken["requestBody"], "required": False}}


def _choices() -> Shape:
    listed = operation(
        "inbox_choices",
        "inbox",
        summary="Where you want to be told of what",
        about="Reports come by mail unless you choose otherwise, everything else into the inbox alone.",
        good=good("InboxChoices"),
        refused=(403,),
    )
    chosen = operation(
        "inbox_choose",
        "inbox",
        summary="Choose where you want to be told of what",
        about=_NARROWED,
        good=good("InboxChoices"),
        refused=(403, 422),
    )
    example = {"kind": "task", "channel": "mail", "wanted": True}
    return {"get": listed, "put": chosen | body(reference("InboxChoice"), example)}
