"""The Flask application of one workspace."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from flask import Flask, Response, g
from flask_smorest import Api
from werkzeug.exceptions import HTTPException

from opencrm import CRM, OpenCRMError
from opencrm.plugins.rest.answering.problems import broken, http_problem, refused
from opencrm.plugins.rest.asking.cookies import BASE_URL
from opencrm.plugins.rest.document.page import Documentation
from opencrm.plugins.rest.routes import blueprint

LARGEST_BODY = 2**20
"""Bytes that a request's body may have."""

_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
)


class ProblemApi(Api):  # type: ignore[misc]  # flask-smorest ships no types
    """flask-smorest's Api, whose errors are problem details."""

    def handle_http_exception(self, error: HTTPException) -> Response:
        return http_problem(error)


def application(crm: CRM) -> Flask:
    """Return the application that serves a workspace."""
    app = Flask(__name__, static_folder=None, template_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.config.from_mapping({**_settings(), BASE_URL: crm.accounts.policy.base_url})
    app.register_error_handler(OpenCRMError, refused)
    app.register_error_handler(Exception, broken)
    app.after_request(_protect)
    app.after_request(partial(_keep_signed_in, crm))
    api = ProblemApi(app)
    api.register_blueprint(blueprint(crm))
    app.register_blueprint(Documentation(crm).blueprint())
    return app


def _settings() -> dict[str, Any]:
    told = {"API_TITLE": "opencrm", "API_VERSION": "v1", "OPENAPI_VERSION": "3.1.0"}
    return {**told, "MAX_CONTENT_LENGTH": LARGEST_BODY, "PROPAGATE_EXCEPTIONS": False}


def _keep_signed_in(crm: CRM, response: Response) -> Response:
    """Write down that a session or a key is in use, where it is good: once the answer is given."""
    if "principal" in g and response.status_code != HTTPStatus.UNAUTHORIZED:
        touch = partial(crm.accounts.touch, g.principal)
        if response.direct_passthrough:  # Of a file that the server sends by itself it closes nothing but the file.
            touch()
        else:
            response.call_on_close(touch)
    return response


def _protect(response: Response) -> Response:
    """Add the headers of data, where a page has not set its own."""
    held = {name.lower() for name, _ in response.headers}
    response.headers.extend([(name, value) for name, value in _HEADERS.items() if name.lower() not in held])
    return response
