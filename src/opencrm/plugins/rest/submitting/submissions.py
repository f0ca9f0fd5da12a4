"""What was sent about a record by web forms."""

from __future__ import annotations

import attrs
from flask import Response

from opencrm import CRM
from opencrm.embed import submissions
from opencrm.plugins.rest.addresses import entity_at
from opencrm.plugins.rest.answering.answers import answer
from opencrm.plugins.rest.asking.query_strings import no_parameters
from opencrm.plugins.rest.asking.requests import principal, record_id


class Submissions:
    """Answers about what came by web forms.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def refused(self) -> Response:
        """Answer with what could not become what its form says, for owners."""
        no_parameters()
        return answer({"items": [attrs.asdict(one) for one in self._crm.forms.refused(principal())]})

    def of_record(self, plural: str, id: str) -> Response:
        """Answer with what was sent about a record, as far as whoever asks may read it."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            found = submissions(reader, entity_at(reader, plural), record_id(id))
            return answer({"items": [attrs.asdict(one) for one in found]})
