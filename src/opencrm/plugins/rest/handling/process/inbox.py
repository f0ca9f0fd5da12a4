"""One's own inbox, and where one wants to be told of what."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs
from flask import Response, request

from opencrm import CRM, InputError, RecordId, inbox
from opencrm.embed import Notification, Reader, notification_choices, reporting
from opencrm.plugins.rest.answering.answers import answer
from opencrm.plugins.rest.asking.bodies import arguments, no_body
from opencrm.plugins.rest.asking.query_strings import no_parameters, once, only, optional, pairs, whole
from opencrm.plugins.rest.asking.requests import principal, record_id

_CHOICE: Mapping[str, type] = MappingProxyType({"kind": str, "channel": str, "wanted": bool})
_UNTIL: Mapping[str, type] = MappingProxyType({"until": str})
_FLAGS: Mapping[str, bool] = MappingProxyType({"true": True, "false": False})


class Inbox:
    """Answers for the inboxes of a workspace, to each person for their own.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def list(self) -> Response:
        """Answer with one page, or that nothing came since the one of this tag."""
        given = only(pairs(), "limit", "before", "unread")
        with self._crm.read(principal()) as reader:
            tag = f'"{inbox.tag(reader)}"'
            if tag.strip('"') in request.if_none_match:
                return Response(status=304, headers={"ETag": tag})
            before, unread = optional(given, "before"), _flag(once(given, "unread", "false"))
            page = inbox.page(
                reader, limit=whole(given, "limit", 50), before=None if before is None else _id(before), unread=unread
            )
        body = {"items": [attrs.asdict(each) for each in page.items], "unread": page.unread, "next": page.next}
        return answer(body, headers={"ETag": tag})

    def get(self, id: str) -> Response:
        """Answer with one notification, and with the report that it tells of."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            told = inbox.get(reader, record_id(id))
            return answer({**attrs.asdict(told), "report": _report(reader, told)})

    def read_one(self, id: str) -> Response:
        """Mark one notification as read."""
        no_parameters()
        no_body()
        with self._crm.work(principal()) as work:
            inbox.mark_read(work, [record_id(id)])
        return Response(status=204)

    def read_all(self) -> Response:
        """Mark all notifications as read, or those up to one."""
        no_parameters()
        given = arguments(_UNTIL) if request.get_data(cache=True).strip() else {}
        until = given.get("until")
        with self._crm.work(principal()) as work:
            read = inbox.mark_all_read(work, until=None if until is None else _id(until, "until"))
        return answer({"read": read})

    def choices(self) -> Response:
        """Answer with where one wants to be told of what."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            return answer({"items": [attrs.asdict(each) for each in notification_choices.of(reader)]})

    def choose(self) -> Response:
        """Say whether one wants to be told of a kind by a channel; answer with all choices."""
        no_parameters()
        given = arguments(_CHOICE, required=tuple(_CHOICE))
        with self._crm.work(principal()) as work:
            notification_choices.choose(work, given["kind"], given["channel"], wanted=given["wanted"])
            return answer({"items": [attrs.asdict(each) for each in notification_choices.of(work)]})


def _report(reader: Reader, told: Notification) -> dict[str, Any] | None:
    found = reporting.report_of(reader, told)
    if found is None:
        return None
    facts = [{"label": label, "text": text} for label, text in found.facts]
    positions = [[{"label": label, "text": text} for label, text in one] for one in found.positions]
    steps = {"stages": found.stages, "tasks": found.tasks}
    told_steps = {name: [attrs.asdict(step) for step in several] for name, several in steps.items()}
    return {"facts": facts, "positions": positions, **told_steps}


def _flag(text: str) -> bool:
    if text not in _FLAGS:
        raise InputError({"unread": ["must be true or false"]})
    return _FLAGS[text]


def _id(text: str, name: str = "before") -> str:
    try:
        return RecordId().parse(text)
    except ValueError:
        raise InputError({name: ["must be an id"]}) from None
