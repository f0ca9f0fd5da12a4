"""Why somebody may do something, who else may, and what a change of the organisation would change."""

from __future__ import annotations

from typing import Any

from flask import Response

from opencrm import CRM, InputError, Update, explaining, records
from opencrm.embed import Reason, grant_rows
from opencrm.plugins.rest.addresses import entity_at
from opencrm.plugins.rest.answering.answers import answer
from opencrm.plugins.rest.asking.bodies import json_object
from opencrm.plugins.rest.asking.query_strings import no_parameters, once, only, optional, pairs
from opencrm.plugins.rest.asking.requests import principal, record_id


class Explaining:
    """Answers about access itself.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def explain(self, plural: str, id: str) -> Response:
        """Answer why a person, by default whoever asks, may or may not do something to a record."""
        given = only(pairs(), "user", "action")
        with self._crm.read(principal()) as reader:
            spec, asked = entity_at(reader, plural), optional(given, "user")
            user = reader.rights.user_id if asked is None else record_id(asked)
            if user is None:
                raise InputError({"user": ["is required"]})
            action = once(given, "action", "read")
            found = explaining.explain(reader, spec, record_id(id), user=user, action=action)
            return answer(_explanation(found))

    def who(self, plural: str, id: str) -> Response:
        """Answer who may do something to a record, and why."""
        given = only(pairs(), "action")
        with self._crm.read(principal()) as reader:
            spec, action = entity_at(reader, plural), once(given, "action", "read")
            found = explaining.who(reader, spec, record_id(id), action=action)
            return answer({"items": [_explanation(it) for it in found]})

    def diff(self, plural: str, id: str) -> Response:
        """Answer what a change of the organisation would change for people; nothing is changed."""
        no_parameters()
        body = json_object()
        who = principal()
        with self._crm.work(who) as work:
            spec = entity_at(work, plural)
            if not spec.options.organisation:
                raise InputError({"plural": [f"{spec.name} decides nothing about who may do what"]})
            change: Update[Any] = Update(spec, record_id(id), values=body)
            trial = explaining.tried(work, lambda inner: records.update(inner, [change]))
        with self._crm.read(who) as reader:
            return answer(_difference(explaining.told(reader, trial)))


def _explanation(it: explaining.Explanation) -> dict[str, Any]:
    ways = zip(it.reasons, it.paths, strict=True)
    return {
        "user_id": it.user_id,
        "action": it.action,
        "allowed": it.allowed,
        "reason": it.reason,
        "reasons": [
            {**_reason(reason), "path": [{"unit_id": step.unit_id, "name": step.name} for step in path]}
            for reason, path in ways
        ],
        "fields": list(it.fields),
    }


def _reason(it: Reason) -> dict[str, Any]:
    told: dict[str, Any] = {
        "way": it.way,
        "text": it.text,
        "membership_id": it.membership,
        "unit_id": it.unit,
        "role": it.role,
    }
    told["grant"] = None if it.grant is None else grant_rows([it.grant])[0]
    told |= {"entity": it.entity, "user_id": it.person, "because": None if it.because is None else _reason(it.because)}
    return {name: value for name, value in told.items() if value is not None}


def _difference(it: explaining.Difference) -> dict[str, Any]:
    shifts = [
        {
            "side": shift.side,
            "entity": shift.entity,
            "action": shift.action,
            "users": list(shift.users),
            "records": int(shift.records),
            "capped": shift.records.capped,
            "text": str(shift),
        }
        for shift in it.shifts
    ]
    fields = [
        {
            "side": shift.side,
            "entity": shift.entity,
            "field": shift.field,
            "verb": shift.verb,
            "users": list(shift.users),
            "text": str(shift),
        }
        for shift in it.fields
    ]
    return {"shifts": shifts, "fields": fields}
