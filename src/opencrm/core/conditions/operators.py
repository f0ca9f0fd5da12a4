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
from opencrm.core.fields import Choices, Email, Field, FieldType, Key, Phone, Text

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

_ORDER = ("less", "at_most", "greater", "at_least", "between")
_TEXT = ("contains", "starts_with")


def operators(field: Field) -> tuple[str, ...]:
    """Return the names of a field's operators."""
    told = () if field.name in UNTOLD else ("changed",)
    return (*operators_of(field.type), "empty", *told)


def operators_of(kind: FieldType[object]) -> tuple[str, ...]:
    """Return the operators by which a type's values are compared."""
    if not kind.filterable:
        return ()
    if isinstance(kind, Choices):
        return ("has",)
    order = _ORDER if kind.ordered else ()
    return ("equal", "in", *order, *(_TEXT if isinstance(kind, Text | Key | Email | Phone) else ()))
