"""The workspace's clock, which owners move in a sandbox, and the promises about a record."""

from __future__ import annotations

import attrs
from flask import Response

from opencrm import CRM, promises
from opencrm.plugins.rest.addresses import entity_at
from opencrm.plugins.rest.answering.answers import answer
from opencrm.plugins.rest.asking.bodies import arguments
from opencrm.plugins.rest.asking.query_strings import no_parameters
from opencrm.plugins.rest.asking.requests import principal, record_id


class Timing:
    """Answers about time.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def show(self) -> Response:
        """Answer with what the clock shows."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            return answer({"now": reader.now, "sandbox": reader.configuration.sandbox})

    def advance(self) -> Response:
        """Move a sandbox's clock forward; answer with what happened."""
        no_parameters()
        given = arguments({"by": str}, required=("by",))
        return answer(attrs.asdict(self._crm.sandbox.advance(principal(), given["by"])))

    def sla(self, plural: str, id: str) -> Response:
        """Answer with the promises about a record."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            found = promises.of(reader, entity_at(reader, plural), record_id(id))
            return answer({"items": [attrs.asdict(one) for one in found]})
