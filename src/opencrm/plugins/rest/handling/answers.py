"""What leaves, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson
from flask import Response
from werkzeug.datastructures import Headers

from opencrm import JournalEntry, Record
from opencrm.embed import Reader, Spec
from opencrm.rest import etag

ACT = "OpenCRM-Act"
"""The header that names the act of a write, by which it can be undone."""

JSON = "application/json"
_NONE: Mapping[str, str] = MappingProxyType({})
_WITHOUT_BODY = (204, 304)


class Answer(Response):
    """An answer that is complete as it is; werkzeug would copy all headers and escape the address once more."""

    def get_wsgi_headers(self, environ: Any) -> Headers:
        return super().get_wsgi_headers(environ) if self.status_code in _WITHOUT_BODY else self.headers


def answer(body: Any, status: int = 200, headers: Mapping[str, str] = _NONE, *, kind: str = JSON) -> Response:
    """Answer with JSON."""
    text = orjson.dumps(body, default=str, option=orjson.OPT_UTC_Z)
    return Answer(text, status, {"Content-Type": kind, **headers})


def record_body(reader: Reader, spec: Spec, record: Record) -> dict[str, Any]:
    """Return a record as JSON carries it."""
    return reader.configuration.schemas.dumper(spec).rows([record], record.fields)[0]


def entry_body(reader: Reader, entry: JournalEntry) -> dict[str, Any]:
    """Return a line of the journal as JSON carries it."""
    dumper = reader.configuration.schemas.dumper(reader.entity(entry.entity))
    return {
        "id": entry.entry_id,
        "act": entry.act,
        "at": entry.at,
        "entity": entry.entity,
        "record_id": entry.record_id,
        "kind": entry.kind,
        "principal": entry.principal,
        "acting_as": entry.acting_as,
        "cause": entry.cause,
        "origin": entry.origin,
        "before": None if entry.before is None else dumper.dump(entry.before, entry.before),
        "after": dumper.dump(entry.after, entry.after),
    }


def tagged(reader: Reader, spec: Spec, record: Record, headers: Mapping[str, str] = _NONE) -> dict[str, str]:
    """Return the headers with the record's tag."""
    return {**headers, "ETag": etag(reader, spec, record)}
