"""Acts on people and roles: all of somebody's records given to colleagues, a role copied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import attrs
from flask import Response, request

from opencrm import CRM, InputError, Principal, RecordId, Role, transferring
from opencrm.embed import role_definitions
from opencrm.plugins.rest.handling.answers import ACT, answer, record_body, tagged
from opencrm.plugins.rest.handling.requests import json_object, no_parameters, principal, record_id

_TRANSFER: Mapping[str, type] = {"to": list, "dry_run": bool, "act": str}
_KINDS: Mapping[type, str] = {list: "a list of ids", bool: "true or false", str: "text"}


class Organising:
    """Answers for the people and the roles of a workspace.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def transfer(self, id: str) -> Response:
        """Give all records of a user to colleagues, or tell who would get how much."""
        no_parameters()
        given, who = _checked(json_object()), principal()
        wish = transferring.Transfer(record_id(id), to=_ids(given.get("to", [])))
        done = self._transferred(who, wish, given)
        body = {
            "act": done.act,
            "given": [{"entity": it.entity, "user_id": it.user, "number": it.number} for it in done.given],
            "refused": [attrs.asdict(each) for each in done.refused],
        }
        return answer(body, headers={ACT: done.act} if done.act else {})

    def _transferred(
        self, who: Principal, wish: transferring.Transfer, given: Mapping[str, Any]
    ) -> transferring.Transferred:
        return transferring.run(
            lambda: self._crm.read(who),
            lambda: self._crm.work(who),
            wish,
            act=given.get("act"),
            rehearsed=given.get("dry_run", False),
            most=transferring.MOST,
        )

    def copy_role(self, id: str) -> Response:
        """Make a role like another one, but for what the body says; answer with it."""
        no_parameters()
        body = json_object()
        key = body.pop("key", None)
        if not isinstance(key, str):
            raise InputError({"key": ["is required"]})
        with self._crm.work(principal()) as work:
            made = role_definitions.copy(work, record_id(id), key=key, given=body)
            record, spec = work.get(Role, made.record_id), work.entity(Role)
            place = quote(f"{request.root_path}{request.path.rpartition('/roles/')[0]}/roles/{made.record_id}")
            return answer(
                record_body(work, spec, record), 201, tagged(work, spec, record, {ACT: made.act, "Location": place})
            )


def _checked(body: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in body.items() if value is not None}
    wrong = {
        name: [f"must be {_KINDS[_TRANSFER[name]]}"] if name in _TRANSFER else ["is no argument here"]
        for name, value in given.items()
        if name not in _TRANSFER or not isinstance(value, _TRANSFER[name])
    }
    if wrong:
        raise InputError(wrong)
    return given


def _ids(raw: list[Any]) -> list[str]:
    try:
        return [RecordId().parse(each) for each in raw]
    except ValueError:
        raise InputError({"to": ["must be a list of ids"]}) from None
