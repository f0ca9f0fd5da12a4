"""For authors of REST routes: schemas of entities, tags of records, and errors as problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import attrs

from opencrm.core.entity import Spec
from opencrm.errors import (
    ConfigurationError,
    ConflictError,
    DomainError,
    InputError,
    NotFound,
    NotSignedIn,
    OpenCRMError,
    PermissionDenied,
    PluginError,
    RequirementMissing,
    TooManyAttempts,
)
from opencrm.schemas.marshmallow_fields import (
    DeclaredField,
    RecordSchema,
    creation_schema,
    record_schema,
    update_schema,
)
from opencrm.services.process.submitting.asking import schema_of
from opencrm.services.process.submitting.forms import Described
from opencrm.services.reading.reader import Reader
from opencrm.services.reading.rows import Record

__all__ = [
    "DeclaredField",
    "Problem",
    "RecordSchema",
    "creation_schema",
    "etag",
    "form_schema",
    "problem_of",
    "record_schema",
    "update_schema",
]

_STATUSES: tuple[tuple[type[OpenCRMError], HTTPStatus], ...] = (
    (InputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotSignedIn, HTTPStatus.UNAUTHORIZED),
    (TooManyAttempts, HTTPStatus.TOO_MANY_REQUESTS),
    (PermissionDenied, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (RequirementMissing, HTTPStatus.UNPROCESSABLE_ENTITY),
    (DomainError, HTTPStatus.CONFLICT),
    (ConflictError, HTTPStatus.CONFLICT),
    (ConfigurationError, HTTPStatus.SERVICE_UNAVAILABLE),
)


@attrs.frozen(kw_only=True)
class Problem:
    """What went wrong, as `application/problem+json` tells it.

    Args:
        status: The HTTP status.
        code: Stable name of the kind of problem.
        detail: A sentence for a person.
        members: What programs may want to know, such as `{"errors": {field: [sentence]}}`.
    """

    status: HTTPStatus = attrs.field(converter=HTTPStatus)
    code: str
    detail: str | None = None
    members: Mapping[str, Any] = attrs.field(factory=dict)

    def body(self) -> dict[str, Any]:
        """Return the members of the JSON object."""
        told = {"type": "about:blank", "title": self.status.phrase, "status": int(self.status), "code": self.code}
        return told | ({"detail": self.detail} if self.detail else {}) | dict(self.members)

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers that belong to its status."""
        if self.status is HTTPStatus.TOO_MANY_REQUESTS:
            return {"Retry-After": str(self.members.get("details", {}).get("retry_after", 60))}
        return _CHALLENGE if self.status is HTTPStatus.UNAUTHORIZED else MappingProxyType({})


_CHALLENGE: Mapping[str, str] = MappingProxyType({"WWW-Authenticate": 'Bearer realm="opencrm"'})


def problem_of(error: OpenCRMError, *, conditional: bool = False) -> Problem:
    """Return the problem that tells of an error, and nothing that the principal may not know.

    Args:
        error: The error.
        conditional: Whether the request named the state that it expects (`If-Match`).
    """
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
    if isinstance(error, ConflictError) and conditional:
        status = HTTPStatus.PRECONDITION_FAILED
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Problem(status=status, code=error.code, detail=_inside(error))
    return Problem(status=status, code=error.code, detail=str(error), members=_members(error))


def form_schema(shown: Described) -> dict[str, Any]:
    """Return the JSON Schema of the answers that a web form asks for."""
    return schema_of(shown.fields)


def etag(reader: Reader, spec: Spec, record: Record) -> str:
    """Return the quoted tag of what the reader sees of a record, for the header `ETag`."""
    return f'"{reader.etag(spec, record)}"'


def _members(error: OpenCRMError) -> dict[str, Any]:
    rule = {"rule": error.details["rule"]} if "rule" in error.details else {}
    if isinstance(error, InputError):
        return {"errors": error.fields, **rule}
    if isinstance(error, NotFound) or not error.details:
        return {}
    if isinstance(error, RequirementMissing):
        facts = dict(error.details)
        missing = facts.pop("missing", [])
        return {"missing": missing, **({"details": facts} if facts else {})}
    return {**rule, "details": error.details}


def _inside(error: OpenCRMError) -> str:
    """Tell a stranger who is to be asked; the cause stands in the log."""
    if isinstance(error, PluginError):
        return f"plugin {error.plugin!r} failed; its author or your administrator can help"
    return "this workspace cannot answer now; your administrator finds the reason in the log"
