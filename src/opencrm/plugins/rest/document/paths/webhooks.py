"""What the document says of webhooks, beside that they are records."""

from __future__ import annotations

from opencrm.embed import Spec
from opencrm.plugins.rest.document import parameters
from opencrm.plugins.rest.document.describing import good, operation
from opencrm.plugins.rest.document.shapes import FLAG, MOMENT, NUMBER, TEXT, Shape, object_of, or_none, text

_ENTITY = "webhooks_subscription"
_SECRET = """It is shown now and never again; the one before stops working. Until one is taken nothing is sent.

It is good for the address that the subscription has now. Whoever takes it answers for what is sent: it tells no more
than they may read at that moment. Messages are signed by Standard Webhooks.
"""


def schemas() -> Shape:
    """Return the named shapes of what is answered."""
    fares = {
        "secret": {**FLAG, "description": "Whether a secret was taken for the address that it has now"},
        "waiting": NUMBER,
        "dead": NUMBER,
        "failures": {**NUMBER, "description": "How many failed in a row"},
        "until": {**or_none(MOMENT), "description": "Before when nothing is tried"},
        "error": or_none(TEXT),
    }
    return {
        "WebhookSecret": object_of({"secret": text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}),
        "WebhookState": object_of(fares),
    }


def paths(entity: Spec) -> Shape:
    """Return the paths of subscriptions, each with its operations; none for another entity."""
    if entity.name != _ENTITY:
        return {}
    secret = operation(
        f"{_ENTITY}_secret",
        "webhooks",
        summary="Take the secret of one webhook",
        about=_SECRET,
        good=good("WebhookSecret", status=201),
        refused=(403, 404, 422),
        takes=(parameters.ID,),
    )
    state = operation(
        f"{_ENTITY}_state",
        "webhooks",
        summary="How one webhook fares",
        about="After several failures in a row nothing is tried until `until`; a success starts anew.",
        good=good("WebhookState"),
        refused=(404,),
        takes=(parameters.ID,),
    )
    return {"/webhooks/{id}/secret": {"post": secret}, "/webhooks/{id}/state": {"get": state}}
