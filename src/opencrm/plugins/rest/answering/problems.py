"""The error border: whatever goes wrong leaves as problem details, without a traceback."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType

import attrs
from flask import Response, request
from werkzeug.exceptions import HTTPException

from opencrm import OpenCRMError, PermissionDenied, UndoRefused
from opencrm.plugins.rest.answering.answers import answer
from opencrm.rest import Problem, problem_of

_LOG = logging.getLogger("opencrm.rest")
_CODES: Mapping[int, str] = MappingProxyType(
    {
        400: "malformed_request",
        404: "not_found",
        405: "method_not_allowed",
        406: "not_acceptable",
        413: "too_large",
        415: "unsupported_media_type",
    }
)
_SENTENCES: Mapping[int, str] = MappingProxyType(
    {
        404: "there is nothing at this address",
        413: "a request's body has at most 1 MiB",
    }
)


def refused(error: OpenCRMError) -> Response:
    """Answer with what opencrm refuses, or cannot do."""
    problem = problem_of(error, conditional="If-Match" in request.headers)
    if problem.status >= 500:
        _LOG.error("%s %s: %s", request.method, request.path, error, exc_info=error)
    return told(attrs.evolve(problem, detail=_to_oneself(error, problem.detail)))


def http_problem(error: HTTPException) -> Response:
    """Answer with what the web framework refuses: no such address, no such method, a body that is too large."""
    status = error.code or 500
    code, text = _CODES.get(status, f"http_{status}"), _SENTENCES.get(status, error.description)
    response = told(Problem(status=status, code=code, detail=text))
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def broken(error: Exception) -> Response:
    """Answer for an error inside: the log has the traceback, the client has none."""
    _LOG.error("%s %s: %r", request.method, request.path, error, exc_info=error)
    return told(Problem(status=500, code="internal", detail="something inside went wrong; the log has the reason"))


def told(problem: Problem) -> Response:
    """Answer with a problem."""
    return answer(problem.body(), problem.status, problem.headers, kind="application/problem+json")


def _to_oneself(error: OpenCRMError, detail: str | None) -> str | None:
    """Speak to whoever asked, who did not give the id by which the journal calls them."""
    if detail and isinstance(error, PermissionDenied):
        return detail.replace(f"{error.principal} may not", "you may not", 1)
    return f"{detail}; perhaps it was undone already" if isinstance(error, UndoRefused) else detail
