"""What a host decides about signing in."""

from __future__ import annotations

from datetime import timedelta

import attrs

from opencrm.services.identity.passwords.hashing import COST, Cost


@attrs.frozen(kw_only=True)
class SignIn:
    """What a host decides about signing in: `CRM(url, sign_in=SignIn(base_url="https://crm.example.com"))`.

    Args:
        base_url: Where people reach the workspace; links are made of it, and of nothing that a request says.
        mail_url: The server that takes mail, such as `smtps://name:password@mail.example.com`.
        mail_from: Whom mail comes from; by default `opencrm@` and the host of `base_url`.
        idle: After how long without use a session ends.
        longest: After how long it ends in any case.
        cost: What a password's hash costs.
    """

    base_url: str | None = None
    mail_url: str | None = attrs.field(default=None, repr=False)
    mail_from: str | None = None
    idle: timedelta = timedelta(hours=12)
    longest: timedelta = timedelta(days=30)
    cost: Cost = COST
