"""The cookie of a session: set for this site alone, and no good for a write that another site asks for."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, current_app, request

from opencrm import PermissionDenied
from opencrm.embed import SESSION_PREFIX, Opened

HEADER = "OpenCRM-Request"
"""Whoever writes with a cookie sends this header, with any value: another site's page cannot."""

BASE_URL = "OPENCRM_BASE_URL"
"""Under this name the application keeps where people reach the workspace."""

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


def secret() -> str | None:
    """Return the secret of the session that the request's cookie carries; None where it carries none."""
    found = request.cookies.get(_name(), "")
    return found if found.startswith(SESSION_PREFIX) else None


def refuse_strangers() -> None:
    """Refuse a write that another site may have asked a browser for.

    A browser tells the origin of the page that asks: it must be that of the base URL, where the host set one. Else
    the request must bear the header, which a page of another site cannot send without being allowed to.

    Raises:
        PermissionDenied: It may be another site's.
    """
    if request.method in _READS:
        return
    own, told = _origin(current_app.config[BASE_URL]), request.headers.get("Origin")
    good = told == own if own and told else bool(request.headers.get(HEADER))
    if not good:
        text = f"a write with a cookie needs the header {HEADER}, or to come from a page of this site"
        raise PermissionDenied(text, principal="somebody", action="write", reason="perhaps another site's request")


def put(response: Response, opened: Opened) -> Response:
    """Add the cookie of a session."""
    ends = opened.expires_at
    response.set_cookie(_name(), opened.secret, expires=ends, path="/", httponly=True, secure=_secure(), samesite="Lax")
    return response


def take(response: Response) -> Response:
    """Take the cookie back."""
    response.delete_cookie(_name(), path="/", httponly=True, secure=_secure(), samesite="Lax")
    return response


def _name() -> str:
    """Return its name; with this prefix a browser takes it from nobody but this very host, and encrypted."""
    return "__Host-opencrm_session" if _secure() else "opencrm_session"


def _secure() -> bool:
    base = current_app.config[BASE_URL]
    return urlsplit(base).scheme == "https" if base else request.is_secure


def _origin(base_url: str | None) -> str | None:
    if base_url is None:
        return None
    url = urlsplit(base_url)
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    usual = {"http": 80, "https": 443}.get(url.scheme)
    return f"{url.scheme}://{host}" + (f":{url.port}" if url.port not in (None, usual) else "")
