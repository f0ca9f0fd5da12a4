"""The Flask application of one workspace's forms."""

from __future__ import annotations

import logging

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from opencrm import CRM, OpenCRMError
from opencrm.plugins.forms.answering import failed, problem, refused
from opencrm.plugins.forms.handling import Handling

LARGEST_BODY = 2**16
"""Bytes that a request's body may have."""
_PARTS = 200
_LOG = logging.getLogger("opencrm.forms")


def application(crm: CRM) -> Flask:
    """Return the application that serves a workspace's forms."""
    app = Flask(__name__, static_folder="static", static_url_path="/static", template_folder="templates")
    app.url_map.merge_slashes = False
    app.config.from_mapping(
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_BODY,
        MAX_FORM_PARTS=_PARTS,
        PROPAGATE_EXCEPTIONS=False,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    app.register_error_handler(OpenCRMError, refused)
    app.register_error_handler(HTTPException, problem)
    app.register_error_handler(Exception, _broken)
    forms = Handling(crm)
    for method, name, view in (
        ("GET", "form", forms.show),
        ("POST", "send", forms.send),
        ("OPTIONS", "ask", forms.ask),
    ):
        app.add_url_rule("/<key>", name, view, methods=[method], provide_automatic_options=False)
    app.add_url_rule("/<key>/embed.js", "embed", forms.embed, methods=["GET"])
    app.after_request(_protect)
    return app


def _broken(error: Exception) -> Response:
    """Answer for an error inside: the log has the traceback, the stranger has none."""
    _LOG.error("%s %s: %r", request.method, request.path, error, exc_info=error)
    return failed()


def _protect(response: Response) -> Response:
    """Add the headers of what strangers get, where an answer has not set its own."""
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    response.headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if response.cache_control.max_age is None:
        response.headers["Cache-Control"] = "no-store"
    return response
