"""What the document says of signing in, keys, invitations and passwords."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

import attrs

from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.describing import body, good, nothing, operation
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

_FLAG: Shape = {**FLAG, "default": False}
_PASSWORD: Shape = {**TEXT, "format": "password", "minLength": 12, "maxLength": 1000}
_GRANT: Shape = {"type": "object", "examples": [{"entity": "deal", "action": "read", "scope": "own"}]}
_SCOPES: Shape = {
    "type": ["array", "null"],
    "items": _GRANT,
    "description": "What the key is narrowed to, as grants; null for all that its user may do",
}
_LINK = "1jZ6W0bq3vN8hT2yLr5xKd9sPc4mGf7aQe_uVoRiXwE"
_PASSWORDS: Mapping[str, str] = MappingProxyType({"old": "correct horse battery", "new": "staple the other horse"})


@attrs.frozen(kw_only=True)
class _Operation:
    name: str
    method: str
    path: str
    text: str
    about: str
    example: Shape | None = None
    takes: str | None = None
    gives: str | None = None
    status: HTTPStatus = HTTPStatus.NO_CONTENT
    public: bool = False
    parameters: tuple[Shape, ...] = ()
    refusals: tuple[int, ...] = ()


_WHOSE: Shape = {"name": "user_id", "in": "query", "description": "Somebody else, for an owner", "schema": UUID}
_KEYS: Shape = {"name": "keys", "in": "query", "description": "Whether the keys end too", "schema": _FLAG}
_KEY_ID: Shape = {**parameters.ID, "description": "The key's id, as the list of keys answers it"}

_OPERATIONS = (
    _Operation(
        name="sign_in",
        method="post",
        path="/sessions",
        text="Sign in",
        about="The answer sets a cookie for browsers; programs send the `secret`, which is not shown again, as "
        "`Authorization: Bearer ...`. Whatever is wrong with the credentials, the answer is the same. `more` is "
        "for plugins: a code of a second factor.",
        takes="SignIn",
        example={"email": "ann@example.com", "password": _PASSWORDS["old"]},
        gives="Session",
        status=HTTPStatus.CREATED,
        public=True,
        refusals=(422, 429),
    ),
    _Operation(
        name="sign_out",
        method="delete",
        path="/sessions/current",
        text="Sign out",
        about="Ends the session that the request was made with.",
        refusals=(403, 422),
    ),
    _Operation(
        name="sign_out_everywhere",
        method="delete",
        path="/sessions",
        text="Sign out everywhere",
        about="Ends all of your sessions at once, this one too.",
        parameters=(_KEYS,),
        refusals=(403, 422),
    ),
    _Operation(
        name="change_me",
        method="patch",
        path="/me",
        text="Change your name, language or time zone",
        about="Everybody may change these of their own entry among the users, and nothing else of it.",
        takes="MeChange",
        example={"zone": "Europe/London"},
        gives="Me",
        status=HTTPStatus.OK,
        refusals=(403, 422),
    ),
    _Operation(
        name="tokens_list",
        method="get",
        path="/tokens",
        text="List keys",
        about="Those of yours that work. Their secrets are not kept; `used_at` is right to some minutes.",
        gives="Keys",
        status=HTTPStatus.OK,
        parameters=(_WHOSE,),
        refusals=(403, 404, 422),
    ),
    _Operation(
        name="tokens_make",
        method="post",
        path="/tokens",
        text="Make a key",
        about="The `secret` is shown this once. A key does what its user may do at that moment, and no more than its "
        "`scopes` say: `deal.read`, `deal.*`, `*.read`, or grants. A key makes no keys: sign in for this.",
        takes="KeyWish",
        example={"label": "website", "days": 90, "scopes": ["contact.create", "deal.read"]},
        gives="NewKey",
        status=HTTPStatus.CREATED,
        refusals=(403, 404, 422),
    ),
    _Operation(
        name="tokens_end",
        method="delete",
        path="/tokens/{id}",
        text="End a key",
        about="It stops working at once.",
        parameters=(_KEY_ID,),
        refusals=(403, 404, 422),
    ),
    _Operation(
        name="invite",
        method="post",
        path="/invitations",
        text="Invite a user",
        about="Makes a link by which a user without a password chooses their first one, within a week. It is sent "
        "where the server can send mail; else hand it over yourself. Who may change the user may invite them.",
        takes="InvitationWish",
        example={"user_id": ID},
        gives="Invitation",
        status=HTTPStatus.CREATED,
        refusals=(403, 404, 409, 422),
    ),
    _Operation(
        name="invitation_accept",
        method="post",
        path="/invitations/accept",
        text="Accept an invitation",
        about="`secret` is what stands behind `#` in the link. It works once; then sign in.",
        takes="Choice",
        example={"secret": _LINK, "password": _PASSWORDS["new"]},
        public=True,
        refusals=(404, 422, 429),
    ),
    _Operation(
        name="password_change",
        method="post",
        path="/password",
        text="Change your password",
        about="Your other sessions end; with `keys` your keys do too.",
        takes="PasswordChange",
        example={"current": _PASSWORDS["old"], "password": _PASSWORDS["new"]},
        refusals=(403, 409, 422, 429),
    ),
    _Operation(
        name="password_reset_request",
        method="post",
        path="/password/reset-requests",
        text="Ask for another password",
        about="Sends a link to the address, if a user has it; the answer never tells whether one does.",
        takes="ResetWish",
        example={"email": "ann@example.com"},
        gives="Nothing",
        status=HTTPStatus.ACCEPTED,
        public=True,
        refusals=(422, 429),
    ),
    _Operation(
        name="password_reset",
        method="post",
        path="/password/resets",
        text="Choose another password by a link",
        about="`secret` is what stands behind `#` in the link, which works once, within an hour. All sessions and all "
        "keys of the user end.",
        takes="Choice",
        example={"secret": _LINK, "password": _PASSWORDS["new"]},
        public=True,
        refusals=(404, 422, 429),
    ),
)


def schemas() -> Shape:
    """Return the named shapes of accounts."""
    key = {
        "id": UUID,
        "label": text("website"),
        "scopes": _SCOPES,
        "created_at": MOMENT,
        "used_at": or_none(MOMENT),
        "expires_at": or_none(MOMENT),
    }
    limits = {"minimum": 1, "maximum": 36_500}
    wish = {
        "label": {**TEXT, "minLength": 1, "maxLength": 100},
        "days": {"type": "integer", **limits, "description": "How long it is good; for good where it is not said"},
        "scopes": {"type": "array", "items": {"oneOf": [TEXT, _GRANT]}, "minItems": 1, "maxItems": 100},
        "user_id": {**UUID, "description": "Whose it will be, for an owner; else yours"},
    }
    me = {name: {"type": ["string", "null"]} for name in ("language", "zone")}
    return {
        "SignIn": _taken({"email": TEXT, "password": TEXT, "more": {"type": "object"}}),
        "Session": object_of({"secret": TEXT, "user_id": UUID, "idle_at": MOMENT, "expires_at": MOMENT}),
        "MeChange": _taken({"name": {**TEXT, "minLength": 1, "maxLength": 200}, **me}),
        "Key": object_of(key),
        "Keys": object_of({"items": list_of(reference("Key"))}),
        "NewKey": object_of({**key, "secret": text("opencrm_...")}),
        "KeyWish": _taken(wish, "label"),
        "InvitationWish": _taken({"user_id": UUID}, "user_id"),
        "Invitation": object_of({"link": {**TEXT, "examples": [f"/invitation#{_LINK}"]}, "sent": _FLAG}),
        "Choice": _taken({"secret": TEXT, "password": _PASSWORD}, "secret", "password"),
        "PasswordChange": _taken({"current": TEXT, "password": _PASSWORD, "keys": _FLAG}, "current", "password"),
        "ResetWish": _taken({"email": TEXT}, "email"),
        "Nothing": {"type": "object"},
    }


def paths() -> Shape:
    """Return the paths of accounts."""
    found: dict[str, Shape] = {}
    for each in _OPERATIONS:
        found.setdefault(each.path, {})[each.method] = _told(each)
    return found


def _told(it: _Operation) -> Shape:
    told = operation(
        it.name,
        "accounts",
        summary=it.text,
        about=it.about,
        good=good(it.gives, status=it.status) if it.gives else nothing(it.status),
        refused=it.refusals,
        takes=it.parameters,
    )
    told |= body(reference(it.takes), it.example) if it.takes else {}
    return told | ({"security": []} if it.public else {})


def _taken(properties: Shape, *required: str) -> Shape:
    told = {"type": "object", "properties": properties, "additionalProperties": False}
    return told | ({"required": list(required)} if required else {})
