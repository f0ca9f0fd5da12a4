"""The timeline of a record, over REST."""

from __future__ import annotations

import attrs
from flask import Response

from opencrm import CRM
from opencrm.embed import timeline
from opencrm.plugins.rest.addresses import entity_at
from opencrm.plugins.rest.answering.answers import answer
from opencrm.plugins.rest.asking.query_strings import only, optional, pairs, whole
from opencrm.plugins.rest.asking.requests import principal, record_id


class Timelines:
    """Answers about what happened to records and because of them.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def of_record(self, plural: str, id: str) -> Response:
        """Answer with a page of what happened to a record and to what belongs to it, and what caused each."""
        given = only(pairs(), "limit", "cursor")
        limit, cursor = whole(given, "limit", 100), optional(given, "cursor")
        with self._crm.read(principal()) as reader:
            found = timeline(reader, entity_at(reader, plural), record_id(id), limit=limit, cursor=cursor)
        return answer({"items": [attrs.asdict(one) for one in found], "next": found.next})
