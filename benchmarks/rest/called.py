"""Both sides called in this process, as a server would call them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from benchmarks.rest.bare import Application, application
from benchmarks.rest.requests import Request, Side, answered
from benchmarks.world import World
from opencrm.app.serving import wsgi


def opencrm(one: World) -> Side:
    """Return opencrm's side."""
    return caller(wsgi(one.crm))


def bare(one: World, way: str) -> Side:
    """Return the bare side."""
    return caller(application(lambda: one, way))


def caller(one: Application) -> Side:
    """Return what calls an application."""

    def call(request: Request, key: str) -> Any:
        statuses: list[str] = []
        answer = one(_environ(request, key), lambda status, headers, exc_info=None: statuses.append(status))
        return answered(statuses[0], b"".join(answer))

    return call


def _environ(request: Request, key: str) -> dict[str, Any]:
    kind = {"CONTENT_TYPE": "application/json"} if request.body else {}
    return {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query,
        "SCRIPT_NAME": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_AUTHORIZATION": f"Bearer {key}",
        "HTTP_HOST": "localhost",
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.input": BytesIO(request.body),
        "wsgi.errors": BytesIO(),
        **kind,
    }
