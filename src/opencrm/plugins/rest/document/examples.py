"""Examples in the document: a value for each field, and a body for each creation that works as it stands.

A body names what is required and what one would fill in first. Ids of other records cannot be made up: in their place
a body says whose id belongs there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from opencrm import (
    Amount,
    Choice,
    Choices,
    Currency,
    Day,
    Email,
    Instant,
    Key,
    Link,
    Number,
    Phone,
    RecordId,
    Reference,
    Text,
    Whole,
    YesNo,
)
from opencrm.embed import Catalogue, Field, Locale, Schemas, Spec
from opencrm.plugins.rest.document.shapes import ID

_GRANTS = ({"entity": "deal", "action": "read", "scope": "own"},)
_FROM_WEBSITE = {"field": "source", "op": "equal", "value": "Website"}
_VALUES: Mapping[str, Any] = MappingProxyType(
    {
        "choices": {"wood": "Wood", "pvc": "PVC"},
        "city": "London",
        "color": "green",
        "country": "United Kingdom",
        "created_by": f"user:{ID}",
        "delegable": _GRANTS,
        "discount": "5",
        "employees": 25,
        "entity": "deal",
        "field_rules": ({"entity": "contact", "field": "birthday", "read": True, "write": False},),
        "first_name": "Ann",
        "former": ("place",),
        "founded": 1998,
        "grants": _GRANTS,
        "industry": "Construction",
        "key": "assistant",
        "language": "en",
        "last_name": "Archer",
        "lost_reason": "Too expensive",
        "minutes": 30,
        "reference_to": "contact",
        "result": "They will call back.",
        "rollup": {"over": "activity", "by": "contact_id", "measure": "count"},
        "series": "Classic",
        "shows": ["deal.amount"],
        "sku": "FRAME-120",
        "source": "Website",
        "subject": "First call",
        "system": "webshop",
        "unit": "piece",
        "zone": "Europe/London",
    }
)
_REPAIRS = {
    "key": "repairs",
    "moves": [["new", "done"]],
    "stages": [{"key": "new"}, {"key": "done", "kind": "won"}],
}
_LARGE = {
    "key": "large",
    "on": {"changed": "deal", "fields": ["amount"]},
    "when": {"field": "amount", "op": "greater", "value": 1000},
    "do": [{"update": {"source": "large"}}],
}
_VALUES_OF: Mapping[tuple[str, str], Any] = MappingProxyType(
    {
        ("activity", "body"): "Asked for an offer.",
        ("activity", "kind"): "call",
        ("company", "name"): "Archer Homes",
        ("contact", "birthday"): "1990-03-02",
        ("contact", "name"): "Ann Archer",
        ("contact_point", "key"): "ann@example.com",
        ("contact_point", "label"): "Work",
        ("contact_point", "value"): "ann@example.com",
        ("custom_field", "key"): "town",
        ("custom_field", "label"): "Town",
        ("deal", "description"): "They want to move in before winter.",
        ("deal", "title"): "Windows for Archer Homes",
        ("deal_line", "title"): "Window frame",
        ("deputy", "entities"): ("contact", "deal"),
        ("employment", "position"): "Buyer",
        ("external_ref", "key"): "4711",
        ("external_ref", "label"): "Order 4711",
        ("pipeline_definition", "definition"): _REPAIRS,
        ("pipeline_definition", "key"): "repairs",
        ("pipeline_definition", "replaced_by"): {"waiting": "new"},
        ("product", "name"): "Window frame",
        ("role", "name"): "Assistant",
        ("rule_definition", "definition"): _LARGE,
        ("rule_definition", "key"): "large",
        ("saved_view", "columns"): ("title", "amount"),
        ("saved_view", "name"): "From the website",
        ("saved_view", "sort"): "-amount",
        ("saved_view", "where"): _FROM_WEBSITE,
        ("segment", "name"): "From the website",
        ("segment", "where"): _FROM_WEBSITE,
        ("share", "actions"): ("read", "update"),
        ("tag", "name"): "Key account",
        ("task", "answers"): {"amount": "1200.50"},
        ("task", "title"): "Call Ann Archer",
        ("unit", "name"): "London branch",
        ("user", "email"): "bea@example.com",
        ("user", "name"): "Bea Baker",
    }
)
_NATURAL: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "activity": ("kind", "subject", "happened_at"),
        "company": ("name", "website"),
        "contact": ("name", "points"),
        "contact_point": ("contact_id", "kind", "value"),
        "custom_field": ("entity", "key", "label", "kind"),
        "deal": ("title", "amount"),
        "deal_line": ("deal_id", "title", "quantity", "price"),
        "employment": ("contact_id", "company_id", "position"),
        "pipeline_definition": ("key", "definition"),
        "product": ("name", "prices"),
        "role": ("key", "name", "grants"),
        "rule_definition": ("key", "definition"),
        "saved_view": ("name", "entity", "where", "columns", "sort"),
        "segment": ("name", "entity", "where"),
        "task": ("title", "due_at"),
        "user": ("name", "email"),
    }
)
"""What one fills in first; of an entity that is not here, what names a record."""


@attrs.frozen
class Examples:
    """Makes examples of what a workspace declares.

    Args:
        catalogue: Entities and pipelines.
        schemas: Know the parts of records.
        locale: Knows the currency.
    """

    catalogue: Catalogue
    schemas: Schemas
    locale: Locale

    def value(self, spec: Spec, field: Field) -> Any:
        """Return what a field may hold, as JSON carries it; None where nobody can tell."""
        if field.name in ("pipeline", "stage") and spec.staged:
            return next(self._start(spec, field.name), None)
        known = _VALUES_OF.get((spec.name, field.name), _VALUES.get(field.name))
        return known if known is not None and _fits(field, known) else self._of_type(field)

    def creation(self, spec: Spec) -> dict[str, Any]:
        """Return the body of a creation."""
        parts = self.schemas.nested(spec)
        body = self._body(spec)
        for name in _NATURAL.get(spec.name, ()):
            if name in parts:
                part, link = parts[name]
                body[name] = [{key: value for key, value in self._body(part).items() if key != link}]
        return body

    def update(self, spec: Spec) -> dict[str, Any]:
        """Return the body of an update: one field, that which names a record if it can be changed."""
        open_to_updates = [name for name, field in spec.fields.items() if field.settable and field.author is None]
        for name in (*_NATURAL.get(spec.name, ()), spec.options.display, *open_to_updates):
            if name in open_to_updates and not isinstance(spec.fields[name].type, Reference | RecordId):
                return {name: self.value(spec, spec.fields[name])}
        return {}

    def move(self, spec: Spec) -> dict[str, Any]:
        """Return the body of a move that a new record can make."""
        for pipeline in self.catalogue.pipelines_of(spec.name):
            for stage in pipeline.stages:
                if stage.key != pipeline.initial and pipeline.allows(pipeline.initial, stage.key):
                    return {"to": stage.key}
        return {}

    def _body(self, spec: Spec) -> dict[str, Any]:
        natural = _NATURAL.get(spec.name, (spec.options.display,))
        return {
            name: self._given(spec, field)
            for name, field in spec.fields.items()
            if field.settable and (name in natural or (field.required and field.default is None))
        }

    def _given(self, spec: Spec, field: Field) -> Any:
        if isinstance(field.type, Reference):
            return f"id of one {field.type.to.replace('_', ' ')}"
        return "id of one record" if isinstance(field.type, RecordId) else self.value(spec, field)

    def _start(self, spec: Spec, name: str) -> Iterator[str]:
        for pipeline in self.catalogue.pipelines_of(spec.name):
            yield pipeline.key if name == "pipeline" else pipeline.initial

    def _of_type(self, field: Field) -> Any:  # noqa: PLR0911, PLR0912  # one line for each type
        match field.type:
            case Amount():
                return "1200.50"
            case Number():
                return "2"
            case Currency():
                return self.locale.currency
            case Day():
                return "2026-03-02"
            case Instant():
                return "2026-03-02T09:00:00Z"
            case YesNo():
                return field.default is not False
            case Whole():
                return max(field.type.least, min(field.type.most, 1))
            case Choice():
                return next(iter(field.type.options), None)
            case Choices():
                return list(field.type.options)[:1]
            case Phone():
                return "+442071838750"
            case Email():
                return "ann@example.com"
            case Link():
                return "https://example.com"
            case RecordId() | Reference():
                return ID
            case Text() | Key():
                return field.label[: field.type.max]
        return None


def _fits(field: Field, value: Any) -> bool:
    """Say whether a plugin's field of a known name holds such a value, too."""
    try:
        field.type.parse(list(value) if isinstance(value, tuple) else value)
    except ValueError:
        return False
    return True
