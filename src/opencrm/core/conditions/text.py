"""Conditions as JSON: `{"all": [{"field": "stage", "op": "equal", "value": "new"}, {"not": ...}]}`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, cast

import attrs

from opencrm.core.conditions.limits import DEEPEST, MOST_NODES, MOST_VALUES
from opencrm.core.conditions.nodes import All, AnyOf, Between, Condition, Empty, Has, In, Leaf, Link, Not, Referring
from opencrm.core.conditions.operators import NAMES
from opencrm.core.fields.base import plain_text
from opencrm.core.values import Money

_BY_NAME: Mapping[str, type[Any]] = MappingProxyType({name: node for node, name in NAMES.items()})


def condition(raw: Any) -> Condition:
    """Read a condition.

    Raises:
        ValueError: It is not of the grammar, deeper than 8, or larger than 200 nodes.
    """
    return _Reader().read(raw, 1)


def plain(item: Condition) -> dict[str, Any]:
    """Return the condition as JSON holds it.

    Raises:
        ValueError: Something in it is no condition.
    """
    match item:
        case All(items):
            return {"all": [plain(each) for each in items]}
        case AnyOf(items):
            return {"any": [plain(each) for each in items]}
        case Not(inner):
            return {"not": plain(inner)}
        case Link(field, _, inner):
            return {"link": field, "where": plain(inner)}
    if isinstance(item, Referring) or type(item) not in NAMES:
        raise ValueError(f"must be a condition, not {type(item).__name__}")
    return {"field": item.field, "op": NAMES[type(item)], **_plain_values(item)}


def _plain_values(item: Leaf) -> dict[str, Any]:
    match item:
        case Empty():
            return {}
        case In(_, values) | Has(_, values):
            return {"value": [_plain_value(value) for value in values]}
        case Between(_, low, high):
            return {"value": [_plain_value(low), _plain_value(high)]}
    [value] = attrs.astuple(item, recurse=False)[1:]
    return {"value": _plain_value(value)}


def _plain_value(value: Any) -> Any:
    """Return a value as JSON holds it, in the form that its field's type reads back."""
    match value:
        case Money():
            return str(value)
        case Decimal():
            return f"{value:f}"
        case date():  # A datetime is one, too.
            return value.isoformat()
    return value


class _Reader:
    def __init__(self) -> None:
        self._nodes = 0
        self._values = 0

    def read(self, raw: Any, depth: int) -> Condition:
        self._nodes += 1
        if depth > DEEPEST:
            raise ValueError(f"a condition is nested at most {DEEPEST} deep")
        if self._nodes > MOST_NODES:
            raise ValueError(f"a condition has at most {MOST_NODES} parts")
        match raw:
            case {"all": list(items), **rest} if not rest:
                return All(tuple(self.read(each, depth + 1) for each in items))
            case {"any": list(items), **rest} if not rest:
                return AnyOf(tuple(self.read(each, depth + 1) for each in items))
            case {"not": inner, **rest} if not rest:
                return Not(self.read(inner, depth + 1))
            case {"link": str(field), "where": inner, **rest} if not rest:
                return Link(plain_text(field), "", self.read(inner, depth + 1))
            case {"field": str(field), "op": str(op), **rest} if set(rest) <= {"value"}:
                return self._leaf(plain_text(field), op, {str(name): value for name, value in rest.items()})
        raise ValueError(
            "a condition is {all: [...]}, {any: [...]}, {not: ...}, {field, op, value} or {link: ..., where: ...}"
        )

    def _leaf(self, field: str, op: str, rest: dict[str, Any]) -> Condition:
        node, value = _BY_NAME.get(op), rest.get("value")
        if node is Empty and not rest:
            return Empty(field)
        if node in (In, Has) and isinstance(value, list):
            return cast(Condition, node(field, self._several(field, value)))
        if node is Between and isinstance(value, list) and len(value) == 2:
            return Between(field, *self._several(field, value))
        if node is not None and node not in (In, Has, Between, Empty):
            return cast(Condition, node(field, _scalar(field, value)))
        raise ValueError(f"{field}: {op!r} with {type(value).__name__} is none of {_FORMS}")

    def _several(self, field: str, values: list[Any]) -> tuple[Any, ...]:
        self._values += len(values)
        if self._values > MOST_VALUES:
            raise ValueError(f"a condition has at most {MOST_VALUES} values")
        return tuple(_scalar(field, value) for value in values)


def _form(name: str) -> str:
    if name == "empty":
        return f"{name} without a value"
    return {"in": "in [...]", "has": "has [...]", "between": "between [low, high]"}.get(name, name)


_FORMS = ", ".join(map(_form, _BY_NAME))


def _scalar(field: str, value: Any) -> Any:
    if value is None or isinstance(value, list | dict):
        raise ValueError(f"{field}: must be compared with a single value; for nothing, use empty")
    return value
