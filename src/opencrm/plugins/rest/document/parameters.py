"""The parameters of operations, as the document tells them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from opencrm import Amount, Choice, Choices, Day, Instant, RecordId, Reference, Text, YesNo
from opencrm.embed import Field, Spec, query_operators
from opencrm.plugins.rest.document import searching
from opencrm.plugins.rest.document.shapes import Shape

ID: Shape = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The record's id, as lists and creations answer it",
    "schema": {"type": "string", "format": "uuid"},
}
MATCH: Shape = {
    "name": "If-Match",
    "in": "header",
    "description": "The `ETag` of what you read; another state of the record is refused with 412",
    "schema": {"type": "string"},
}


def of_list(spec: Spec) -> list[Shape]:
    """Return the parameters of an entity's list: how it is shown, then a filter for each field."""
    shown = [field for field in spec.fields.values() if field.name != "deleted_at"]
    sorts = [field.name for field in shown if field.type.ordered]
    order = {"type": "string", "enum": [*sorts, *(f"-{name}" for name in sorts)], "default": "-created_at"}
    names = ",".join(list(spec.fields)[1:3])
    return [
        _query("sort", order, "Name of a field; with a hyphen before it, in descending order"),
        *paging(),
        _query("fields", {"type": "string"}, f"Names of the wanted fields, as in `{names}`; by default all"),
        _query("deleted", {"type": "string", "enum": ["true", "false"]}, "Whether to list the deleted records instead"),
        _query("where", {"type": "string"}, _WHERE),
        _query("total", {"type": "string", "enum": ["true", "false"]}, _TOTAL),
        *_sums(shown),
        searching.OF_LIST,
        *(_filter(field) for field in shown if field.type.filterable and field.name not in _TAKEN),
    ]


def paging() -> list[Shape]:
    """Return the parameters of every list: how long a page is, and where it begins."""
    return [
        _query("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}, "Rows of a page"),
        _query("cursor", {"type": "string"}, "`next` of the page before"),
    ]


_TAKEN = frozenset({"sort", "limit", "cursor", "fields", "deleted", "where", "total", "sum", "q"})
"""Names that mean something else than a field; such a field's filter is written with `[eq]`."""


def _filter(field: Field) -> Shape:
    plain = "has" if isinstance(field.type, Choices) else "eq"
    words = ", ".join(word for word in query_operators(field) if word != plain)
    name = field.name if plain == "eq" else f"{field.name}[{plain}]"
    return _query(name, _schema(field), f"{field.label}: {_wanted(field)}; with an operator in brackets: {words}")


_WHERE = (
    "A condition in JSON, beside the filters, such as "
    '`{"any": [{"field": "created_at", "op": "at_least", "value": "-30d"}, {"field": "owner_id", "op": "empty"}]}`; '
    "or one filter such as `stage=new`. It may be given several times: all of them hold. "
    '`{"segment": ID}` within it stands for the condition of a segment'
)
_TOTAL = "Whether to count the records of all pages, too: to 10,000, beyond which the answer says that there are more"


def _sums(shown: list[Field]) -> list[Shape]:
    names = [field.name for field in shown if isinstance(field.type, Amount)]
    text = f"An amount, or several with commas between, to be added up over all pages by currency: {', '.join(names)}"
    return [_query("sum", {"type": "string"}, text)] if names else []


def _schema(field: Field) -> Shape:
    match field.type:
        case Choice():
            return {"type": "string", "enum": list(field.type.options)}
        case YesNo():
            return {"type": "string", "enum": ["true", "false"]}
        case Reference(to) if to in _OWN:
            return {"type": "string"}
        case Reference() | RecordId():
            return {"type": "string", "format": "uuid"}
    return {"type": "string"}


def _wanted(field: Field) -> str:
    match field.type:
        case Text():
            return "this text, without regard to case and accents"
        case Choices():
            return f"at least one of these, with commas between: {', '.join(field.type.options)}"
        case Amount():
            return "such as `1200.50`, or `1200.50 USD` in another currency than the workspace's"
        case Day():
            return "a date such as `2026-03-02`, or relative such as `today`, `-7d` or `this_month`"
        case Instant():
            return "an instant such as `2026-03-02T09:00:00Z`, a date, or relative such as `-7d` or `this_month`"
        case Reference(to):
            own = _OWN.get(to)
            return f"id of one {to.replace('_', ' ')}" + (f", or `{own}`" if own else "")
    return "exactly this value"


_OWN: Mapping[str, str] = MappingProxyType({"user": "me", "unit": "my_units"})
"""What stands for whoever asks, instead of an id."""


def _query(name: str, schema: dict[str, Any], text: str) -> Shape:
    return {"name": name, "in": "query", "description": text, "schema": schema}
