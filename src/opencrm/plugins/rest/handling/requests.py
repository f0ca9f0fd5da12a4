"""What enters: who asks, the body, the tags, the query string."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, NoReturn
from urllib.parse import parse_qsl

import orjson
from flask import g, request
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from opencrm import InputError, NotFound, NotSignedIn, Principal, RecordId
from opencrm.embed import principal_of
from opencrm.plugins.rest.handling import cookies

_JSON = ("application/json", "application/merge-patch+json")
_MOST_PARAMETERS = 100


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


def json_object() -> dict[str, Any]:
    """Return the request's body.

    Raises:
        UnsupportedMediaType: It is not JSON.
        BadRequest: It cannot be read.
        InputError: It is no object.
    """
    if request.mimetype not in _JSON:
        raise UnsupportedMediaType("send JSON, with Content-Type: application/json")
    found = _parsed(request.get_data(cache=False))
    if not isinstance(found, dict):
        raise InputError({"body": ["must be an object"]})
    return found


def _parsed(body: bytes) -> Any:
    """Return what a body says; NaN and half a surrogate pair are let in, so that the field that holds one is named."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        try:
            found = json.loads(body)
            _ = orjson.dumps(_names(found))
        except (ValueError, TypeError, RecursionError):
            raise BadRequest(f"the body is no JSON: {error}") from None
        return found


def _names(found: Any) -> list[Any]:
    """Return all names in a body, at any depth."""
    if isinstance(found, dict):
        return [*found, *map(_names, found.values())]
    return [_names(each) for each in found] if isinstance(found, list) else []


def no_body() -> None:
    """Refuse a body where none is wanted, other than an empty object."""
    if request.get_data(cache=True).strip() not in (b"", b"{}"):
        raise InputError({"body": ["must be empty"]})


def pairs() -> list[tuple[str, str]]:
    """Return the query string's names and values, in order.

    Raises:
        InputError: There are too many, or they are not UTF-8.
    """
    query = request.environ.get("QUERY_STRING", "")
    if not query:
        return []
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except UnicodeDecodeError:
        raise InputError({"query": ["must be UTF-8"]}) from None
    except ValueError:
        raise InputError({"query": [f"must have at most {_MOST_PARAMETERS} parameters"]}) from None


def parameters() -> dict[str, str]:
    """Return the query string's parameters.

    Raises:
        InputError: One is given twice, there are too many, or they are not UTF-8.
    """
    found: dict[str, str] = {}
    for name, value in pairs():
        if name in found:
            raise InputError({name: ["is given twice"]})
        found[name] = value
    return found


def no_parameters() -> None:
    """Refuse a query string where none is wanted."""
    unknown = parameters()
    if unknown:
        raise InputError({name: ["is no parameter here"] for name in unknown})


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
    return request.if_match.as_set()


class Arguments(FlaskParser):
    """Parses the arguments of acts: one way of reading bodies, one form of errors."""

    def load_json(self, req: Any, schema: Schema) -> Any:
        """Return the body, or raise as `json_object` does."""
        no_parameters()
        return json_object()

    def handle_error(
        self, error: ValidationError, req: Any, schema: Schema, *, error_status_code: Any, error_headers: Any
    ) -> NoReturn:
        """Raise what marshmallow found as opencrm's error."""
        found: Any = error.messages
        raise InputError({name: list(texts) for name, texts in found["json"].items()})
