"""The web applications of a workspace answer side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from opencrm.app.serving import Dispatcher


def saying(name: str) -> Callable[..., Iterable[bytes]]:
    """Return an application that tells its name and where it believes to be."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [f"{name} {environ['SCRIPT_NAME']} {environ['PATH_INFO']}".encode()]

    return application


def asked(dispatcher: Dispatcher, path: str, script: str = "") -> tuple[str, dict[str, str], str]:
    """Return status, headers and body of a request."""
    environ: dict[str, Any] = {"PATH_INFO": path, "SCRIPT_NAME": script}
    setup_testing_defaults(environ)
    got: list[Any] = []
    body = b"".join(dispatcher(environ, lambda *answer: got.extend(answer)))
    return got[0], dict(got[1]), body.decode()


@pytest.fixture
def dispatcher() -> Dispatcher:
    """Two applications, one below the other."""
    return Dispatcher({"/api": saying("api"), "/api/v2": saying("new")})


@pytest.mark.parametrize(
    "path, answer",
    [
        ("/api", "api /api "),
        ("/api/", "api /api /"),
        ("/api/v1/deals", "api /api /v1/deals"),
        ("/api/v2/deals", "new /api/v2 /deals"),
        ("/api/v22", "api /api /v22"),
    ],
)
def test_the_longest_mount_answers(dispatcher: Dispatcher, path: str, answer: str) -> None:
    """Whole parts of the path count, and the application sees the rest."""
    assert asked(dispatcher, path)[2] == answer


@pytest.mark.parametrize("path", ["/apix", "/nothing", "/ap", "//api"])
def test_elsewhere_there_is_nothing(dispatcher: Dispatcher, path: str) -> None:
    """Problem details with the stable code."""
    status, headers, body = asked(dispatcher, path)
    assert status.startswith("404")
    assert headers["Content-Type"] == "application/problem+json"
    assert json.loads(body)["code"] == "not_found"
    assert json.loads(body)["detail"] == "there is nothing at this address: REST is below /api, as /api/v1/deals"


def test_the_root_leads_to_the_documentation(dispatcher: Dispatcher) -> None:
    """Also below a host's own prefix."""
    assert asked(dispatcher, "/")[1]["Location"] == "/api/docs"
    assert asked(dispatcher, "", "/crm")[1]["Location"] == "/crm/api/docs"


def test_the_root_leads_nowhere_without_documentation() -> None:
    """No redirect to a page that is not there."""
    assert asked(Dispatcher({"/shop": saying("shop")}), "/")[0].startswith("404")
