"""What leaves, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import orjson
from flask import Response
from werkzeug.datastructures import Headers

from opencrm import Amount, InputError, JournalEntry, Money, Page, Query, Record, segments, views
from opencrm.embed import Reader, Spec
from opencrm.rest import etag

ACT = "OpenCRM-Act"
"""The header that names the act of a write, by which it can be undone."""

JSON = "application/json"
_USABLE = MappingProxyType({"saved_view": views.usable, "segment": segments.usable})
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
    return record_bodies(reader, spec, [record])[0]


def record_bodies(reader: Reader, spec: Spec, records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return records of the same fields as JSON carries them; of what is saved, whole, also whether it can be used."""
    if not records:
        return []
    items = reader.configuration.schemas.dumper(spec).rows(records, records[0].fields)
    usable = _USABLE.get(spec.name)
    if usable is not None and reader.names(spec, None) == records[0].fields:
        known = usable(reader, [record.id for record in records])
        return [{**item, "usable": known.get(item["id"], False)} for item in items]
    return items


def page_body(reader: Reader, spec: Spec, page: Page[Any]) -> dict[str, Any]:
    """Return a page as JSON carries it, with how many there are of all pages, where that was asked for."""
    body = {"items": record_bodies(reader, spec, page.rows), "next": page.next}
    if page.total is None:
        return body
    return {**body, "total": {"count": page.total - page.total.capped, "more": page.total.capped}}


def sums_body(reader: Reader, query: Query[Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the sums of amounts over all pages, one for each currency; nothing where none are asked for.

    Raises:
        InputError: There is no such amount, or the records are deleted ones.
    """
    if names and query.deleted:
        raise InputError({"sum": ["cannot be used together with deleted"]})
    found = {name: reader.sums(query.entity, name, query.where) for name in names}
    if not found:
        return {}
    told = {name: [_money(each) for each in several] for name, several in found.items()}
    return {"sums": told}


def _money(each: Money) -> dict[str, str]:
    return {"amount": Amount().dump(each.amount), "currency": each.currency}


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
        "rule": entry.rule,
        "undoes": entry.undoes,
        "before": None if entry.before is None else dumper.dump(entry.before, entry.before),
        "after": dumper.dump(entry.after, entry.after),
    }


def tagged(reader: Reader, spec: Spec, record: Record, headers: Mapping[str, str] = _NONE) -> dict[str, str]:
    """Return the headers with the record's tag."""
    return {**headers, "ETag": etag(reader, spec, record)}
