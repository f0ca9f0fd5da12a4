"""What enters as a request's body."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

import orjson
from flask import request
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from opencrm import InputError, RecordId
from opencrm.plugins.rest.asking.query_strings import no_parameters

_JSON = ("application/json", "application/merge-patch+json")
_KINDS: Mapping[type, str] = MappingProxyType(
    {dict: "an object", list: "a list", str: "a text", int: "a whole number", bool: "true or false"}
)
_NONE: Mapping[str, str] = MappingProxyType({})


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
            found = json.loads(body.decode("utf-8-sig"))
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


def arguments(
    known: Mapping[str, type], *, required: Collection[str] = (), hints: Mapping[str, str] = _NONE
) -> dict[str, Any]:
    """Return the request's body, an object with these arguments; `null` is the same as nothing.

    Args:
        known: The type of each argument.
        required: Names of those that must be there.
        hints: What to say besides of an unknown argument, by its name.

    Raises:
        InputError: An argument is missing, unknown or of another type; names each.
    """
    given = {name: value for name, value in json_object().items() if value is not None}
    wrong = {name: ["is required"] for name in required if name not in given}
    for name, value in given.items():
        if name not in known:
            wrong[name] = [f"is no argument here{hints.get(name, '')}"]
        elif not _fits(value, known[name]):
            wrong[name] = [f"must be {_KINDS[known[name]]}"]
    if wrong:
        raise InputError(wrong)
    return given


def _fits(value: Any, kind: type) -> bool:
    """Say whether a value is of a type; what is true or false is no number."""
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def ids(name: str, raw: Collection[Any]) -> list[str]:
    """Return an argument's ids in their canonical form, so that the answer tells of the records by their names.

    Raises:
        InputError: One is none; names the argument.
    """
    try:
        return [RecordId().parse(each) for each in raw]
    except ValueError:
        raise InputError({name: ["must be a list of ids"]}) from None


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
