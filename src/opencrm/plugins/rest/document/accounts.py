"""What the document says of signing in, keys, invitations and passwords."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import attrs

from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.shapes import ID, Shape, reference

_TEXT: Shape = {"type": "string"}
_AT: Shape = {"type": "string", "format": "date-time", "examples": ["2026-03-02T09:00:00Z"]}
_ID: Shape = {"type": "string", "format": "uuid", "examples": [ID]}
_FLAG: Shape = {"type": "boolean", "default": False}
_PASSWORD: Shape = {**_TEXT, "format": "password", "minLength": 12, "maxLength": 1000}
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


_WHOSE: Shape = {"name": "user_id", "in": "query", "description": "Somebody else, for an owner", "schema": _ID}
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
        "id": _ID,
        "label": {**_TEXT, "examples": ["website"]},
        "scopes": _SCOPES,
        "created_at": _AT,
        "used_at": _or_none(_AT),
        "expires_at": _or_none(_AT),
    }
    limits = {"minimum": 1, "maximum": 36_500}
    wish = {
        "label": {**_TEXT, "minLength": 1, "maxLength": 100},
        "days": {"type": "integer", **limits, "description": "How long it is good; for good where it is not said"},
        "scopes": {"type": "array", "items": {"oneOf": [_TEXT, _GRANT]}, "minItems": 1, "maxItems": 100},
        "user_id": {**_ID, "description": "Whose it will be, for an owner; else yours"},
    }
    me = {name: {"type": ["string", "null"]} for name in ("language", "zone")}
    return {
        "SignIn": _taken({"email": _TEXT, "password": _TEXT, "more": {"type": "object"}}),
        "Session": _object({"secret": _TEXT, "user_id": _ID, "idle_at": _AT, "expires_at": _AT}),
        "MeChange": _taken({"name": {**_TEXT, "minLength": 1, "maxLength": 200}, **me}),
        "Key": _object(key),
        "Keys": _object({"items": {"type": "array", "items": reference("Key")}}),
        "NewKey": _object({**key, "secret": {**_TEXT, "examples": ["opencrm_..."]}}),
        "KeyWish": _taken(wish, "label"),
        "InvitationWish": _taken({"user_id": _ID}, "user_id"),
        "Invitation": _object({"link": {**_TEXT, "examples": [f"/invitation#{_LINK}"]}, "sent": _FLAG}),
        "Choice": _taken({"secret": _TEXT, "password": _PASSWORD}, "secret", "password"),
        "PasswordChange": _taken({"current": _TEXT, "password": _PASSWORD, "keys": _FLAG}, "current", "password"),
        "ResetWish": _taken({"email": _TEXT}, "email"),
        "Nothing": {"type": "object"},
    }


def paths(refusals: Callable[[tuple[int, ...]], Shape]) -> Shape:
    """Return the paths of accounts.

    Args:
        refusals: Gives the responses of an operation that is refused with these statuses.
    """
    found: dict[str, Shape] = {}
    for operation in _OPERATIONS:
        found.setdefault(operation.path, {})[operation.method] = _told(operation, refusals)
    return found


def _told(operation: _Operation, refusals: Callable[[tuple[int, ...]], Shape]) -> Shape:
    good: dict[str, Any] = {"description": "Done"}
    if operation.gives:
        good["content"] = {"application/json": {"schema": reference(operation.gives)}}
    told: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.text,
        "description": operation.about,
        "tags": ["accounts"],
        "responses": {str(int(operation.status)): good, **refusals(operation.refusals)},
    }
    if operation.parameters:
        told["parameters"] = list(operation.parameters)
    if operation.takes:
        content = {"schema": reference(operation.takes), "example": operation.example}
        told["requestBody"] = {"required": True, "content": {"application/json": content}}
    return told | ({"security": []} if operation.public else {})


def _or_none(shape: Shape) -> Shape:
    return {**shape, "type": [shape["type"], "null"]}


def _object(properties: Shape) -> Shape:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _taken(properties: Shape, *required: str) -> Shape:
    told = {"type": "object", "properties": properties, "additionalProperties": False}
    return told | ({"required": list(required)} if required else {})
