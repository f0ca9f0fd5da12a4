"""Which operators a field has, by its type."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from opencrm.core.conditions.nodes import (
    AtLeast,
    AtMost,
    Between,
    Changed,
    Contains,
    Empty,
    Equal,
    Greater,
    Has,
    In,
    Leaf,
    Less,
    StartsWith,
)
from opencrm.core.fields import Choices, Email, Field, FieldType, Key, Link, Phone, Text

NAMES: Mapping[type[Leaf], str] = MappingProxyType(
    {
        Equal: "equal",
        In: "in",
        Less: "less",
        AtMost: "at_most",
        Greater: "greater",
        AtLeast: "at_least",
        Between: "between",
        Contains: "contains",
        StartsWith: "starts_with",
        Has: "has",
        Empty: "empty",
        Changed: "changed",
    }
)
"""What JSON calls each operator."""

UNTOLD = frozenset({"id", "created_at", "created_by", "updated_at", "version"})
"""Fields of whose changes the journal does not tell."""

_ORDER = frozenset({"less", "at_most", "greater", "at_least", "between"})
_TEXT = frozenset({"contains", "starts_with"})


def operators(field: Field) -> tuple[str, ...]:
    """Return the names of a field's operators."""
    return tuple(name for name in NAMES.values() if has_operator(field, name))


def has_operator(field: Field, operator: str) -> bool:
    """Say whether a field has an operator."""
    if operator == "changed":
        return field.told and field.name not in UNTOLD
    return operator == "empty" or _compares(field.type, operator)


def operators_of(kind: FieldType[object]) -> tuple[str, ...]:
    """Return the operators by which a type's values are compared."""
    return tuple(name for name in NAMES.values() if _compares(kind, name))


def _compares(kind: FieldType[object], operator: str) -> bool:
    if isinstance(kind, Text) and not kind.folded:
        return operator == "contains"
    if not kind.filterable:
        return False
    if isinstance(kind, Choices) or operator == "has":
        return isinstance(kind, Choices) and operator == "has"
    if operator in _ORDER:
        return kind.ranged
    return operator in ("equal", "in") or (operator in _TEXT and isinstance(kind, Text | Key | Email | Link | Phone))
