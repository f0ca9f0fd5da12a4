"""Conditions as JSON: `{"all": [{"field": "stage", "op": "equal", "value": "new"}, {"not": ...}]}`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from opencrm.core.conditions.nodes import All, AnyOf, Condition, Empty, Equal, Greater, In, Less, Link, Not
from opencrm.core.values import Money

DEEPEST = 8
MOST_NODES = 200
MOST_VALUES = 1000


def condition(raw: Any) -> Condition:
    """Read a condition.

    Raises:
        ValueError: It is not of the grammar, deeper than 8, or larger than 200 nodes.
    """
    return _Reader().read(raw, 1)


def plain(item: Condition) -> dict[str, Any]:
    """Return the condition as JSON holds it."""
    match item:
        case All(items):
            return {"all": [plain(each) for each in items]}
        case AnyOf(items):
            return {"any": [plain(each) for each in items]}
        case Not(inner):
            return {"not": plain(inner)}
        case Equal(field, value):
            return {"field": field, "op": "equal", "value": _plain_value(value)}
        case Less(field, value):
            return {"field": field, "op": "less", "value": _plain_value(value)}
        case Greater(field, value):
            return {"field": field, "op": "greater", "value": _plain_value(value)}
        case In(field, values):
            return {"field": field, "op": "in", "value": [_plain_value(value) for value in values]}
        case Empty(field):
            return {"field": field, "op": "empty"}
        case Link():
            raise ValueError("a link has no form as JSON yet")


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
            case {"field": str(field), "op": str(op), **rest} if set(rest) <= {"value"}:
                return _leaf(field, op, {str(name): value for name, value in rest.items()})
        raise ValueError("a condition is {all: [...]}, {any: [...]}, {not: ...} or {field, op, value}")


def _leaf(field: str, op: str, rest: dict[str, Any]) -> Condition:
    if op == "empty" and not rest:
        return Empty(field)
    value = rest.get("value")
    if op == "in" and isinstance(value, list) and len(value) <= MOST_VALUES:
        return In(field, tuple(_scalar(field, each) for each in value))
    if op == "equal":
        return Equal(field, _scalar(field, value))
    if op == "less":
        return Less(field, _scalar(field, value))
    if op == "greater":
        return Greater(field, _scalar(field, value))
    raise ValueError(f"{field}: {op!r} with {type(value).__name__} is none of equal, less, greater, in [...] and empty")


def _scalar(field: str, value: Any) -> Any:
    if value is None or isinstance(value, list | dict):
        raise ValueError(f"{field}: must be compared with a single value; for nothing, use empty")
    return value
