"""The parameters of operations, as the document tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from opencrm import Amount, Choice, Choices, Day, Instant, RecordId, Reference, Text, YesNo
from opencrm.embed import Field, Spec, query_operators
from opencrm.plugins.rest.document.shapes import TEXT, Shape, query, text

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
    "schema": TEXT,
}

WORDS: Shape = {
    "name": "q",
    "in": "query",
    "description": "Words, or beginnings of words, or a telephone number; two letters at least",
    "schema": text("ann arch"),
}
_BEST_HITS: Shape = {
    **WORDS,
    "description": "Words: only their hundred best hits, the best first unless `sort` says otherwise; no `cursor`",
}


def of_list(spec: Spec) -> list[Shape]:
    """Return the parameters of an entity's list: how it is shown, then a filter for each field."""
    shown = _shown(spec)
    return [
        _sort(shown, "-created_at"),
        *paging(),
        _fields(spec),
        query("deleted", {"type": "string", "enum": ["true", "false"]}, "Whether to list the deleted records instead"),
        query("where", TEXT, _WHERE),
        query("total", {"type": "string", "enum": ["true", "false"]}, _TOTAL),
        *_sums(shown),
        _BEST_HITS,
        *(_filter(field) for field in shown if field.type.filterable and field.name not in _TAKEN),
    ]


def of_export(spec: Spec, formats: Sequence[str], parts: Sequence[str]) -> list[Shape]:
    """Return the parameters of an entity's export: what kind of file, what stands in it, then a filter for each field.

    Args:
        spec: The entity.
        formats: The kinds of files.
        parts: Names of the parts that records have.
    """
    shown = _shown(spec)
    kind = {"type": "string", "enum": [*formats]}
    told = f"Names of the parts that go with each record, with commas between: {', '.join(parts)}"
    return [
        query("format", kind, "What kind of file; by default what `Accept` says"),
        _sort(shown, "id"),
        _fields(spec),
        *([query("parts", TEXT, told)] if parts else []),
        query("where", TEXT, _WHERE),
        *(_filter(field) for field in shown if field.type.filterable and field.name not in _TAKEN_IN_EXPORTS),
    ]


def _shown(spec: Spec) -> list[Field]:
    return [field for field in spec.fields.values() if field.name != "deleted_at"]


def _sort(shown: Sequence[Field], default: str) -> Shape:
    names = [field.name for field in shown if field.type.ordered]
    order = {"type": "string", "enum": [*names, *(f"-{name}" for name in names)], "default": default}
    return query("sort", order, "Name of a field; with a hyphen before it, in descending order")


def _fields(spec: Spec) -> Shape:
    names = ",".join(list(spec.fields)[1:3])
    return query("fields", TEXT, f"Names of the wanted fields, as in `{names}`; by default all")


def paging() -> list[Shape]:
    """Return the parameters of every list: how long a page is, and where it begins."""
    return [
        query("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}, "Rows of a page"),
        query("cursor", TEXT, "`next` of the page before"),
    ]


_TAKEN = frozenset({"sort", "limit", "cursor", "fields", "deleted", "where", "total", "sum", "q"})
"""Names that mean something else than a field; such a field's filter is written with `[eq]`."""

_TAKEN_IN_EXPORTS = _TAKEN | {"format", "parts"}


def _filter(field: Field) -> Shape:
    plain = "has" if isinstance(field.type, Choices) else "eq"
    words = ", ".join(word for word in query_operators(field) if word != plain)
    name = field.name if plain == "eq" else f"{field.name}[{plain}]"
    return query(name, _schema(field), f"{field.label}: {_wanted(field)}; with an operator in brackets: {words}")


_WHERE = (
    "A condition in JSON, beside the filters, such as "
    '`{"any": [{"field": "created_at", "op": "at_least", "value": "-30d"}, {"field": "owner_id", "op": "empty"}]}`; '
    "or one filter such as `stage=new`. It may be given several times: all of them hold. "
    '`{"segment": ID}` within it stands for the condition of a segment'
)
_TOTAL = "Whether to count the records of all pages, too: to 10,000, beyond which the answer says that there are more"


def _sums(shown: Sequence[Field]) -> list[Shape]:
    names = [field.name for field in shown if isinstance(field.type, Amount)]
    text = f"An amount, or several with commas between, to be added up over all pages by currency: {', '.join(names)}"
    return [query("sum", TEXT, text)] if names else []


def _schema(field: Field) -> Shape:
    match field.type:
        case Choice():
            return {"type": "string", "enum": list(field.type.options)}
        case YesNo():
            return {"type": "string", "enum": ["true", "false"]}
        case Reference(to) if to in _OWN:
            return TEXT
        case Reference() | RecordId():
            return {"type": "string", "format": "uuid"}
    return TEXT


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
