"""What strangers are answered where something is wrong: in JSON, or as a page."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import orjson
from flask import Response, render_template, request
from werkzeug.exceptions import HTTPException

from opencrm import InputError, NotFound, OpenCRMError, TooManyAttempts

_LOG = logging.getLogger("opencrm.forms")
_TEXTS = {
    400: "What was sent cannot be read.",
    403: "This page may not send the form.",
    404: "There is no such form, or the link to it is no longer good.",
    405: "That cannot be done here.",
    413: "That is too much: send less text.",
    415: "Send JSON; what stands in it, GET tells with the header Accept: application/json. Else send the page.",
    429: "That was sent too often. Please try again later.",
}
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors {}"
)


def wants_page() -> bool:
    """Say whether whoever asks is a browser that shows a page."""
    kinds = request.accept_mimetypes
    shown = kinds["text/html"] > kinds["application/json"]
    return (shown or not kinds) and is_filled_in() if request.method == "POST" else shown


def is_filled_in() -> bool:
    """Say whether what comes is a page's form, and no JSON."""
    return request.mimetype == "application/x-www-form-urlencoded"


def json_answer(body: Any, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(orjson.dumps(body), status, mimetype="application/json", headers={"Vary": "Accept, Origin"})


def page(name: str, status: int = 200, *, frames: str = "'none'", **told: Any) -> Response:
    """Answer with a page, which `frames` may show."""
    headers = {"Content-Security-Policy": POLICY.format(frames), "Vary": "Accept, Origin"}
    return Response(render_template(name, **told), status, headers, mimetype="text/html")


def wrong(error: InputError) -> Response:
    """Answer that fields cannot be used; each is named."""
    return _problem(422, "invalid_input", "Please correct what is marked.", {"errors": error.fields})


def refused(error: OpenCRMError) -> Response:
    """Answer for what was refused; of what lies inside, nothing is told."""
    if isinstance(error, InputError):
        return wrong(error)
    if isinstance(error, NotFound):
        return _told(404, "not_found")
    if isinstance(error, TooManyAttempts):
        answer = _told(429, error.code)
        answer.headers["Retry-After"] = str(error.retry_after)
        return answer
    _LOG.error("a form could not be taken: %s %s: %s", request.method, request.path, error, exc_info=error)
    return failed()


def failed() -> Response:
    """Answer that something inside went wrong."""
    return _problem(503, "unavailable", "This form cannot be sent at the moment. Please try again later.", {})


def problem(error: HTTPException) -> Response:
    """Answer for what the web framework refuses."""
    found = _told(error.code or 500, f"http_{error.code}")
    if error.code == HTTPStatus.METHOD_NOT_ALLOWED:
        found.headers["Allow"] = "GET, POST, OPTIONS"
    return found


def _told(status: int, code: str) -> Response:
    return _problem(status, code, _TEXTS.get(status, "That did not work."), {})


def _problem(status: int, code: str, detail: str, members: dict[str, Any]) -> Response:
    if wants_page():
        return page("told.html", status, title="Sorry", text=detail)
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail}
    answer = json_answer(body | members, status)
    answer.mimetype = "application/problem+json"
    return answer
