"""Signing in and out, keys, invitations and passwords."""

from __future__ import annotations

from typing import Any

import attrs
from flask import Response, request

from opencrm import CRM, InputError
from opencrm.embed import Attempt, account, tokens
from opencrm.plugins.rest.answering.answers import answer
from opencrm.plugins.rest.asking import cookies
from opencrm.plugins.rest.asking.bodies import arguments, json_object, no_body
from opencrm.plugins.rest.asking.query_strings import no_parameters, once, only, optional, pairs
from opencrm.plugins.rest.asking.requests import principal, record_id
from opencrm.plugins.rest.handling.workspace import myself


class Accounts:
    """Answers for people: before they are known, and about their own account.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def sign_in(self) -> Response:
        """Begin a session; the answer has its secret, and sets the cookie."""
        given = arguments({"email": str, "password": str, "more": dict})
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
        keys = once(only(pairs(), "keys"), "keys", "false")
        if keys not in ("true", "false"):
            raise InputError({"keys": ["must be true or false"]})
        with self._work() as work:
            account.sign_out_everywhere(work, keys=keys == "true")
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
        user = optional(only(pairs(), "user_id"), "user_id")
        with self._crm.read(principal()) as reader:
            whom = account.myself(reader, "user.token") if user is None else record_id(user)
            return answer({"items": [attrs.asdict(each) for each in tokens.living(reader, whom)]})

    def make_key(self) -> Response:
        """Make a key; the answer has its secret, this once."""
        no_parameters()
        given = arguments({"label": str, "days": int, "scopes": list, "user_id": str}, required=["label"])
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
        given = arguments({"user_id": str}, required=["user_id"])
        made = self._crm.accounts.invite(principal(), record_id(given["user_id"]))
        return answer(attrs.asdict(made), 201)

    def accept(self) -> Response:
        """Choose the first password by an invitation."""
        no_parameters()
        given = arguments({"secret": str, "password": str}, required=["secret", "password"])
        self._crm.accounts.accept(given["secret"], given["password"], remote=request.remote_addr)
        return answer(None, 204)

    def request_reset(self) -> Response:
        """Send a link to an address, if somebody has it; the answer is the same for all."""
        no_parameters()
        email = arguments({"email": str}, required=["email"])["email"]
        self._crm.accounts.request_reset(email, remote=request.remote_addr)
        return answer({}, 202)

    def reset(self) -> Response:
        """Choose another password by a link."""
        no_parameters()
        given = arguments({"secret": str, "password": str}, required=["secret", "password"])
        self._crm.accounts.reset(given["secret"], given["password"], remote=request.remote_addr)
        return answer(None, 204)

    def change_password(self) -> Response:
        """Change one's own password."""
        no_parameters()
        given = arguments({"current": str, "password": str, "keys": bool}, required=["current", "password"])
        keys = given.get("keys", False)
        self._crm.accounts.change_password(principal(), given["current"], given["password"], keys=keys)
        return answer(None, 204)

    def _work(self) -> Any:
        return self._crm.work(principal())


def _nothing() -> None:
    no_parameters()
    no_body()
