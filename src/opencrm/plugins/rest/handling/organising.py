"""Acts on people and roles: all of somebody's records given to colleagues, a role copied."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import attrs
from flask import Response, request

from opencrm import CRM, InputError, Principal, Role, transferring
from opencrm.embed import role_definitions
from opencrm.plugins.rest.answering.answers import ACT, answer, record_body, tagged
from opencrm.plugins.rest.asking.bodies import arguments, ids, json_object
from opencrm.plugins.rest.asking.query_strings import no_parameters
from opencrm.plugins.rest.asking.requests import principal, record_id

_TRANSFER: Mapping[str, type] = MappingProxyType({"to": list, "dry_run": bool, "act": str})


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
        given, who = arguments(_TRANSFER), principal()
        wish = transferring.Transfer(record_id(id), to=ids("to", given.get("to", [])))
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
