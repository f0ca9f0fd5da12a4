"""Signing in and out, keys, invitations and passwords."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import attrs
from flask import Response, request

from opencrm import CRM, InputError
from opencrm.embed import Attempt, account, tokens
from opencrm.plugins.rest.handling import cookies
from opencrm.plugins.rest.handling.answers import answer
from opencrm.plugins.rest.handling.requests import (
    json_object,
    no_body,
    no_parameters,
    parameters,
    principal,
    record_id,
)
from opencrm.plugins.rest.handling.workspace import myself

_TEXT, _NUMBER, _FLAG = (str, "must be a text"), (int, "must be a whole number"), (bool, "must be true or false")
_LIST, _OBJECT = (list, "must be a list"), (dict, "must be an object")
_Fields: TypeAlias = Mapping[str, tuple[type, str]]
_NONE: _Fields = MappingProxyType({})


class Accounts:
    """Answers for people: before they are known, and about their own account.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def sign_in(self) -> Response:
        """Begin a session; the answer has its secret, and sets the cookie."""
        given = _body({}, {"email": _TEXT, "password": _TEXT, "more": _OBJECT})
        attempt = Attempt(
            email=given.get("email"),
            password=given.get("password"),
            more=given.get("more", {}),
            remote=request.remote_addr,
        )
        opened = self._crm.accounts.sign_in(attempt, label=request.headers.get("User-Agent"))
        return cookies.put(answer(attrs.asdict(opened), 201), opened)

    def sign_out(self) -> Response:
        """End the session in use."""
        _nothing()
        with self._work() as work:
            account.sign_out(work)
        return cookies.take(answer(None, 204))

    def sign_out_everywhere(self) -> Response:
        """End all sessions of whoever asks and, if they say so, their keys."""
        no_body()
        given = parameters()
        if not given.keys() <= {"keys"} or given.get("keys", "true") not in ("true", "false"):
            raise InputError({"keys": ["must be true or false, and is all there may be"]})
        with self._work() as work:
            account.sign_out_everywhere(work, keys=given.get("keys") == "true")
        return cookies.take(answer(None, 204))

    def change_me(self) -> Response:
        """Change one's own name, language or zone; answer with oneself."""
        no_parameters()
        given, who = json_object(), principal()
        with self._crm.work(who) as work:
            account.change(work, given)
        with self._crm.read(who) as reader:
            return answer(myself(reader))

    # Keys.

    def keys(self) -> Response:
        """Answer with the keys that work: one's own, or for an owner those of somebody."""
        given = parameters()
        if not given.keys() <= {"user_id"}:
            raise InputError({name: ["is no parameter here"] for name in given if name != "user_id"})
        with self._crm.read(principal()) as reader:
            whom = record_id(given["user_id"]) if given else account.myself(reader, "user.token")
            return answer({"items": [attrs.asdict(each) for each in tokens.living(reader, whom)]})

    def make_key(self) -> Response:
        """Make a key; the answer has its secret, this once."""
        no_parameters()
        given = _body({"label": _TEXT}, {"days": _NUMBER, "scopes": _LIST, "user_id": _TEXT})
        with self._work() as work:
            whom = record_id(given["user_id"]) if "user_id" in given else account.myself(work, "user.token")
            days, scopes = given.get("days"), given.get("scopes")
            secret = tokens.issue(work, whom, label=given["label"], days=days, scopes=scopes)
            return answer({**attrs.asdict(tokens.find(work, secret)), "secret": secret}, 201)

    def end_key(self, id: str) -> Response:
        """End a key."""
        _nothing()
        with self._work() as work:
            tokens.end(work, record_id(id))
        return answer(None, 204)

    # Invitations and passwords.

    def invite(self) -> Response:
        """Make an invitation, and send it where there is a way to."""
        no_parameters()
        given = _body({"user_id": _TEXT})
        made = self._crm.accounts.invite(principal(), record_id(given["user_id"]))
        return answer(attrs.asdict(made), 201)

    def accept(self) -> Response:
        """Choose the first password by an invitation."""
        no_parameters()
        given = _body({"secret": _TEXT, "password": _TEXT})
        self._crm.accounts.accept(given["secret"], given["password"], remote=request.remote_addr)
        return answer(None, 204)

    def request_reset(self) -> Response:
        """Send a link to an address, if somebody has it; the answer is the same for all."""
        no_parameters()
        self._crm.accounts.request_reset(_body({"email": _TEXT})["email"], remote=request.remote_addr)
        return answer({}, 202)

    def reset(self) -> Response:
        """Choose another password by a link."""
        no_parameters()
        given = _body({"secret": _TEXT, "password": _TEXT})
        self._crm.accounts.reset(given["secret"], given["password"], remote=request.remote_addr)
        return answer(None, 204)

    def change_password(self) -> Response:
        """Change one's own password."""
        no_parameters()
        given = _body({"current": _TEXT, "password": _TEXT}, {"keys": _FLAG})
        keys = given.get("keys", False)
        self._crm.accounts.change_password(principal(), given["current"], given["password"], keys=keys)
        return answer(None, 204)

    def _work(self) -> Any:
        return self._crm.work(principal())


def _nothing() -> None:
    no_parameters()
    no_body()


def _body(required: _Fields, optional: _Fields = _NONE) -> dict[str, Any]:
    """Return the body, whose fields are of these types.

    Raises:
        InputError: A field is missing, is none of these, or is of another type.
    """
    found, known = json_object(), {**required, **optional}
    wrong = {name: ["is required"] for name in required if name not in found}
    wrong |= {str(name): ["is no field here"] for name in found if name not in known}
    wrong |= {
        name: [known[name][1]] for name, value in found.items() if name in known and not _fits(value, known[name])
    }
    if wrong:
        raise InputError(wrong)
    return found


def _fits(value: Any, wanted: tuple[type, str]) -> bool:
    return isinstance(value, wanted[0]) and (wanted[0] is bool or not isinstance(value, bool))
