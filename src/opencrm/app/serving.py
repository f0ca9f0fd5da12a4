"""All web applications of a workspace as one, for any WSGI server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from opencrm.errors import ConfigurationError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from opencrm.app.crm import CRM

FIRST_PAGE = "/api/docs"
"""Where `/` leads to."""


def wsgi(crm: CRM) -> WSGIApplication:
    """Return one WSGI application of all that the workspace's plugins registered.

    Args:
        crm: The workspace; it must stay open while the application answers.

    Raises:
        ConfigurationError: No plugin registered a web application, or two claim one path.
    """
    apps = list(crm.catalogue.apps.values())
    if not apps:
        raise ConfigurationError("there is nothing to serve: no active plugin brings a web application")
    mounts = [app.mount for app in apps]
    for mount in mounts:
        if mounts.count(mount) > 1:
            raise ConfigurationError(f"two web applications want to answer at {mount}")
    return Dispatcher({app.mount: app.build(crm) for app in apps})


class Dispatcher:
    """Hands each request to the application whose mount its path begins with, the longest first."""

    def __init__(self, mounts: Mapping[str, WSGIApplication]) -> None:
        self._mounts = sorted(mounts.items(), key=lambda item: -len(item[0]))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        for mount, application in self._mounts:
            if _below(mount, path):
                return application(_shifted(environ, mount), start_response)
        script = environ.get("SCRIPT_NAME", "")
        rest = next((mount for mount, _ in self._mounts if _below(mount, FIRST_PAGE)), None)
        if path in ("", "/") and rest is not None:
            return _redirect(script + FIRST_PAGE, start_response)
        more = "" if rest is None else f": REST is below {script}{rest}, as {script}{rest}/v1/deals"
        return _nothing_here(f"there is nothing at this address{more}", start_response)


def _below(mount: str, path: str) -> bool:
    return path == mount or path.startswith(f"{mount}/")


def _shifted(environ: WSGIEnvironment, mount: str) -> dict[str, Any]:
    """Return the environment as an application at `mount` sees it (PEP 3333)."""
    script = environ.get("SCRIPT_NAME", "") + mount
    return {**environ, "SCRIPT_NAME": script, "PATH_INFO": environ["PATH_INFO"][len(mount) :]}


def _redirect(to: str, start_response: StartResponse) -> Iterable[bytes]:
    start_response("302 Found", [("Location", to), ("Content-Length", "0")])
    return [b""]


def _nothing_here(detail: str, start_response: StartResponse) -> Iterable[bytes]:
    problem = {"type": "about:blank", "title": "Not Found", "status": 404, "code": "not_found", "detail": detail}
    body = json.dumps(problem).encode()
    headers = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))]
    start_response("404 Not Found", headers)
    return [body]
