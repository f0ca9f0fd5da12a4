"""What enters with every request: who asks, of which record, and in which state."""

from __future__ import annotations

from collections.abc import Collection

from flask import g, request

from opencrm import NotFound, NotSignedIn, Principal, RecordId
from opencrm.embed import principal_of
from opencrm.plugins.rest.asking import cookies


def principal() -> Principal:
    """Return whom the request's bearer token stands for or, where there is none, its cookie.

    Raises:
        NotSignedIn: It carries neither.
        PermissionDenied: It is a write with a cookie that another site may have asked for.
    """
    scheme, _, secret = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer" and secret.strip():
        g.principal = principal_of(secret.strip())
    else:
        g.principal = principal_of(_of_cookie())
    found: Principal = g.principal
    return found


def _of_cookie() -> str:
    secret = cookies.secret()
    if secret is None:
        text = "send a token: Authorization: Bearer opencrm_..."
        raise NotSignedIn(text, principal="nobody", action="sign in", reason="no token")
    cookies.refuse_strangers()
    return secret


def record_id(text: str) -> str:
    """Return the id in an address in its canonical form.

    Raises:
        NotFound: It is none, so there is no such record.
    """
    try:
        return RecordId().parse(text)
    except ValueError:
        raise NotFound("there is nothing at this address") from None


def expected() -> Collection[str] | None:
    """Return the tags of `If-Match`, one of which the record must bear; None where any will do."""
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return None
    return {tag or "" for tag in request.if_match.as_set()}
