"""Signatures by Standard Webhooks: whoever holds the secret can tell that a message is ours, and fresh."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from opencrm.embed import Work, record_secrets
from opencrm.plugins.webhooks.subscription import Subscription

PREFIX = "whsec_"
"""Begins the secrets, as Standard Webhooks has them."""


def take_secret(work: Work, id: str) -> str:
    """Make a subscription's secret, in the place of the one before, and return it; it is not shown again.

    Args:
        work: The work block, of a person who may change the subscription: they answer for what is sent.
        id: The subscription.

    Raises:
        NotFound: There is no such subscription, or none that the principal may know of.
        PermissionDenied: The principal may not change it, or is no person, or a key that is narrowed.
    """
    return PREFIX + record_secrets.take(work, Subscription, id, of="url")


def headers(secret: str, id: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """Return the headers of a message.

    Args:
        secret: The subscription's secret.
        id: What tells the message from every other, and is the same when it is sent again.
        at: When it is sent.
        body: What it says.
    """
    stamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = hmac.new(key, f"{id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(signed).decode()}"
    return {"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": signature}
