"""Every way in which an act reaches records: those that grants give, and beside them what other modules add."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from opencrm.core.access.expressions import Arm, Reason, Way
from opencrm.core.access.grants import EVERYTHING, Grant, Scope
from opencrm.core.access.organisation import Seat
from opencrm.core.access.reach import lending, parts
from opencrm.core.access.reach.placing import in_units, of_customer, own_place
from opencrm.core.conditions import FALSE, TRUE, All, Condition, Empty, Equal, In, all_of, any_of
from opencrm.core.entity import Spec

if TYPE_CHECKING:
    from opencrm.core.access.rights import Rights

DELEGATED = frozenset({"unit", "user", "membership", "role", "deputy"})
"""The entities of the organisation that others than owners may change, as far as the rules of delegation let them."""

_KEPT = frozenset({"pipeline_definition", "rule_definition"})
"""Those that others than owners may change who are granted it for the whole company: no unit has them."""

_OWN_ACTIONS = frozenset({"create", "read", "update", "delete", "restore", "export"})


def arms(rights: Rights, spec: Spec, action: str) -> Iterator[Arm]:
    """Give every way in which an act reaches records of an entity."""
    if rights.owner and not parts.restricted(rights, spec, action):
        yield _owning(rights)
    elif spec.options.personal:
        yield from _personal(rights, spec, action)
    elif spec.options.part_of:
        yield from parts.arms(rights, spec, action)
    elif not spec.options.organisation or spec.name in DELEGATED | _KEPT or action in ("read", "export"):
        yield from _granted(rights, spec, action)
        yield from _deputed(rights, spec, action)
        yield from lending.direct(rights, spec, action)
        yield from lending.carried(rights, spec, action)


def _owning(rights: Rights) -> Arm:
    """Return the way of owners and of the system to everything."""
    if rights.principal.kind == "system":
        return Arm(TRUE, Reason(way="system", text=f"system: {rights.principal.reason}"))
    seats = [seat for seat in rights.seats if seat.role.owner]
    return Arm(TRUE, _owner_by(seats[0]), lambda: (Arm(TRUE, _owner_by(seat)) for seat in seats))


def _granted(rights: Rights, spec: Spec, action: str) -> Iterator[Arm]:
    for seat, grant, scope in rights.granted(spec, action):
        when = TRUE if grant.when is None else rights.bound(spec, grant.when)
        condition = all_of((_scope(rights, spec, scope, seat), when))
        if condition != FALSE:
            yield Arm(condition, _reason(rights, spec, seat, grant))


def _deputed(rights: Rights, spec: Spec, action: str) -> Iterator[Arm]:
    for it in rights.standing_in if action != "share" else ():
        for arm in it.rights.expression(spec, action).arms if it.covers(spec) else ():
            yield arm.told(partial(_on_behalf, it.rights))


def _scope(rights: Rights, spec: Spec, scope: Scope, seat: Seat | None) -> Condition:
    """Return a scope, measured from a seat, as a condition; each holds all narrower ones."""
    linked = _of_client(rights, spec)
    if linked is not None:
        return linked
    if scope is Scope.ALL:
        return TRUE
    if spec.options.organisation:
        own = own_place(spec, rights.user_id, rights.name)
        placed = FALSE if scope is Scope.OWN or seat is None else in_units(spec, _units(rights, scope, seat))
        return any_of((own, placed))
    created = Equal("created_by", rights.name)
    if not spec.owned:
        return created
    mine: list[Condition] = [Equal("owner_id", rights.user_id)] if rights.user_id else []
    mine.append(All((Empty("owner_id"), created)))
    if scope is Scope.OWN or seat is None:
        return any_of(mine)
    return any_of([*mine, In("unit_id", _units(rights, scope, seat))])


def _of_client(rights: Rights, spec: Spec) -> Condition | None:
    """Return what a client reaches, however far a grant goes; None where that is not narrowed so."""
    return None if rights.contact_id is None else of_customer(spec, rights.contact_id, rights.user_id)


def _units(rights: Rights, scope: Scope, seat: Seat) -> tuple[str, ...]:
    return (seat.unit_id,) if scope is Scope.TEAM else tuple(sorted(rights.organisation.subtree(seat.unit_id)))


def _reason(rights: Rights, spec: Spec, seat: Seat | None, grant: Grant) -> Reason:
    narrowed = _of_client(rights, spec) is not None
    reach = "the client's own" if narrowed else grant.scope.name.lower()
    named = f"grant {grant.entity}.{grant.action} ({reach})"
    if seat is None:
        return Reason(way="grant", text=f"{named} approved for {rights.name}", grant=grant)
    return _seated("grant", f"{named} of", seat, grant)


def _owner_by(seat: Seat) -> Reason:
    return _seated("owner", "owner by", seat, EVERYTHING)


def _seated(way: Way, text: str, seat: Seat, grant: Grant | None = None) -> Reason:
    """Return a reason that a membership carries."""
    text = f"{text} role {seat.role.key!r} through membership {seat.id}"
    return Reason(way=way, text=text, membership=seat.id, unit=seat.unit_id, role=seat.role.key, grant=grant)


def _on_behalf(of: Rights, because: Reason) -> Reason:
    return Reason(way="deputy", text=f"on behalf of {of.name}: {because}", person=of.user_id, because=because)


def _personal(rights: Rights, spec: Spec, action: str) -> Iterator[Arm]:
    """Give the ways to what is personal: it is one's own, or it is published to a unit of one's own or above."""
    if rights.limit(spec.name, action) is Scope.NONE:
        return
    if rights.user_id is not None and action in _OWN_ACTIONS:
        yield Arm(Equal("owner_id", rights.user_id), Reason(way="personal", text="one's own"))
    if spec.options.published_in is not None and action == "read":
        yield from _published(rights, spec.options.published_in)


def _published(rights: Rights, field: str) -> Iterator[Arm]:
    """Give what is published to the units of one's seats and to those above them."""
    above = [(seat, rights.organisation.above(seat.unit_id)) for seat in rights.seats]
    every = tuple(sorted({unit for _, units in above for unit in units}))
    if every:
        reason = Reason(way="personal", text="published to a unit of one's own")
        yield Arm(In(field, every), reason, lambda: (Arm(In(field, units), _published_to(it)) for it, units in above))


def _published_to(seat: Seat) -> Reason:
    return _seated("personal", "published to a unit of", seat)
