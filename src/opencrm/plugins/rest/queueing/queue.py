"""The queue: what plugins are still to be told, of everything and of a record."""

from __future__ import annotations

import attrs
from flask import Response

from opencrm import CRM, InputError
from opencrm.embed import queue_overview as overview
from opencrm.plugins.rest.addresses import entity_at
from opencrm.plugins.rest.answering.answers import answer
from opencrm.plugins.rest.asking.bodies import arguments
from opencrm.plugins.rest.asking.query_strings import no_parameters, only, optional, pairs, whole
from opencrm.plugins.rest.asking.requests import principal, record_id

_MOST = 1000


class Queue:
    """Answers about the queue of a workspace.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def list(self) -> Response:
        """Answer with what is in the queue, for owners."""
        given = only(pairs(), "limit", "state", "plugin")
        limit = whole(given, "limit", 50)
        if not 0 < limit <= _MOST:
            raise InputError({"limit": [f"must lie between 1 and {_MOST}"]})
        state, plugin = optional(given, "state"), optional(given, "plugin")
        with self._crm.read(principal()) as reader:
            found = overview.waiting(reader, state=state, plugin=plugin, limit=limit)
            told = {
                "items": [attrs.asdict(it) for it in found],
                "stuck": [attrs.asdict(it) for it in overview.stuck(reader, state=state, limit=limit)]
                if plugin is None
                else [],
                "counts": [attrs.asdict(it) for it in overview.counts(reader)],
                "circuits": [attrs.asdict(it) for it in overview.broken(reader)],
            }
        return answer(told)

    def act(self) -> Response:
        """Have what failed tried again, or drop it."""
        no_parameters()
        given = arguments({"do": str, "id": str, "plugin": str, "reason": str})
        wish, id = given.get("do"), given.get("id")
        with self._crm.work(principal()) as work:
            if wish == "retry":
                one = None if id is None else record_id(id)
                return answer({"number": overview.retry(work, id=one, plugin=given.get("plugin"))})
            if wish == "drop" and id is not None:
                overview.drop(work, record_id(id), given.get("reason", ""))
                return answer({"number": 1})
        raise InputError({"id": ["is required"]} if wish == "drop" else {"do": ["must be retry or drop"]})

    def of_record(self, plural: str, id: str) -> Response:
        """Answer with what plugins are still to be told of a record."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            found = overview.of_record(reader, entity_at(reader, plural), record_id(id))
        return answer({"items": [attrs.asdict(it) for it in found]})
