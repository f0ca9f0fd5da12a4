"""The secrets of webhooks' subscriptions, and how they fare."""

from __future__ import annotations

import attrs
from flask import Response

from opencrm import CRM
from opencrm.embed import channel_state, record_secrets
from opencrm.plugins.rest.answering.answers import answer
from opencrm.plugins.rest.asking.bodies import no_body
from opencrm.plugins.rest.asking.query_strings import no_parameters
from opencrm.plugins.rest.asking.requests import principal, record_id
from opencrm.plugins.webhooks import take_secret

PLUGIN, ENTITY = "webhooks", "webhooks_subscription"


class Webhooks:
    """Answers for the subscriptions of a workspace, where the plugin is active.

    Args:
        crm: The workspace.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm

    def secret(self, id: str) -> Response:
        """Make a subscription's secret, in the place of the one before; answer with it, once."""
        no_parameters()
        no_body()
        with self._crm.work(principal()) as work:
            taken = take_secret(work, record_id(id))
        return answer({"secret": taken}, 201)

    def state(self, id: str) -> Response:
        """Answer with how a subscription fares."""
        no_parameters()
        with self._crm.read(principal()) as reader:
            found = reader.get(ENTITY, record_id(id))
            taken = record_secrets.has(reader, ENTITY, found.id, of="url")
            fares = channel_state(reader.tx, PLUGIN, found.id)
        return answer({"secret": taken, **attrs.asdict(fares)})
