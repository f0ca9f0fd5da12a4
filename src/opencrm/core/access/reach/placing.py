"""How far scopes reach where records have no owner and unit of their own: the organisation, and a customer's world."""

from __future__ import annotations

from collections.abc import Iterable

from opencrm.core.conditions import (
    FALSE,
    TRUE,
    All,
    AnyOf,
    Condition,
    Equal,
    In,
    Link,
    Not,
    Referring,
    any_of,
)
from opencrm.core.entity import Spec
from opencrm.core.values import Id

_SEATED = Referring("membership", "user_id", TRUE)
"""Of a user: they have a place somewhere."""


def in_units(spec: Spec, units: Iterable[Id]) -> Condition:
    """Return which records of the organisation belong to these units: users by their places, roles by their home."""
    several = tuple(sorted(units))
    seated = Referring("membership", "user_id", In("unit_id", several))
    match spec.name:
        case "unit":
            return In("id", several)
        case "user":
            return seated
        case "membership":
            return In("unit_id", several)
        case "role":
            return In("home_unit_id", several)
        case "deputy":
            return Link("of_id", "user", seated)
    return FALSE


def own_place(spec: Spec, user_id: Id | None, name: str) -> Condition:
    """Return which records of the organisation are somebody's own: themselves, and whom they made and nobody placed."""
    if user_id is None:
        return FALSE
    match spec.name:
        case "user":
            return AnyOf((Equal("id", user_id), All((Equal("created_by", name), Not(_SEATED)))))
        case "membership":
            return Equal("user_id", user_id)
        case "deputy":
            return AnyOf((Equal("of_id", user_id), Equal("to_id", user_id)))
    return FALSE


def of_customer(spec: Spec, contact_id: Id, user_id: Id | None) -> Condition | None:
    """Return what is a customer's own: their contact, and what is linked to it; None for what cannot be anybody's."""
    if spec.options.organisation:
        return Equal("id", user_id) if spec.name == "user" and user_id is not None else FALSE
    if spec.name == "contact":
        return Equal("id", contact_id)
    links = [Equal(name, contact_id) for name, target in spec.references().items() if target == "contact"]
    return any_of(links) if links or spec.owned else None
