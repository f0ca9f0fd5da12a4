"""The rules for the company's structure: units and roles."""

from __future__ import annotations

from collections.abc import Iterator

from opencrm.core.access.grants import Scope
from opencrm.core.change import Kind, Values
from opencrm.core.values import Id
from opencrm.services.delegation.company import Terms, terms_of
from opencrm.services.delegation.refusals import Refusal
from opencrm.services.delegation.rules.cases import Case, widened


def of_role(case: Case) -> Iterator[Refusal]:
    """Refuse a role out of reach or too high, one that holds more than may be handed on, and one that is held above."""
    roles = [terms_of(state) for state in case.states]
    for terms, state in zip(roles, case.states, strict=True):
        inside = case.stand.holds(case.company.tree, terms.home)
        yield from case.out_of_reach(state, [terms.home]) if inside else case.ungranted(state)
    for terms in roles:
        yield from case.too_high(terms)
    for terms in roles:
        yield from _too_wide(case, terms)
    for user in sorted(case.company.holders(case.change.id, case.now)):
        yield from _held_above(case, user)
    if _gives_more(case):
        yield from _held_beyond(case)
    for terms in roles:
        if not case.stand.holds(case.company.tree, terms.home):
            yield _homeless(terms)


def of_unit(case: Case) -> Iterator[Refusal]:
    """Refuse a unit out of reach, the seat's own, and to put units under somebody who may not see what is in them."""
    change = case.change
    moved = change.before is not None and change.before["parent_id"] != change.after["parent_id"]
    for state in case.states:
        if change.kind in (Kind.CREATED, Kind.RESTORED):
            yield from case.out_of_reach(state, [state["parent_id"]])
            yield from _beneath(case, state)
        else:
            yield from case.out_of_reach(state, [change.id])
    for state in case.states if moved else ():
        yield from case.out_of_reach(state, [state["parent_id"]])
    if moved:
        yield from _seen_by_others(case, change.before or {}, change.after)
    if change.id == case.stand.unit and (moved or change.kind is Kind.DELETED):
        yield Refusal(rule="target", text="nobody moves or takes away the unit that they act from")


def _beneath(case: Case, state: Values) -> Iterator[Refusal]:
    """Refuse a new unit to whom only their own one is granted."""
    if max(case.scopes(state), default=Scope.NONE) <= Scope.TEAM:
        yield Refusal(rule="reach", text=f"{{seat}} you have unit.{case.act} over your own unit only")


def _too_wide(case: Case, terms: Terms) -> Iterator[Refusal]:
    clients = any(map(case.company.is_customer, case.company.holders(terms.id, case.now)))
    grants = (*terms.grants, *(widened(terms.grants, case.coverage) if clients else ()))
    yield from case.too_wide(terms, (*grants, *terms.delegable))


def _held_above(case: Case, user: Id) -> Iterator[Refusal]:
    """Refuse to change a role that the actor, or somebody who is not below them, holds: it would change them."""
    if case.stand.unit is None:
        return
    if user == case.actor:
        yield Refusal(rule="target", text="you hold this role yourself")
    elif not case.stand.above(case.company.rank(user, case.now)):
        yield Refusal(rule="target", text="somebody holds this role who is not of lower rank than what you are {seat}")


def _gives_more(case: Case) -> bool:
    """Say whether a role lets its holders do, read or hand on more than before."""
    before, after = case.change.before, case.change.after
    if case.change.kind is not Kind.CHANGED or before is None:
        return case.change.kind is Kind.RESTORED
    old, new = terms_of(before), terms_of(after)
    more = ((new.grants, old.grants), (new.delegable, old.delegable))
    return (
        new.rank > old.rank
        or any(case.coverage.missing(wanted, given) is not None for wanted, given in more)
        or new.openness.beyond(old.openness, case.coverage.entities) is not None
    )


def _held_beyond(case: Case) -> Iterator[Refusal]:
    """Refuse to give more to those who hold a role in units that the seat does not reach."""
    held = (place for place in case.company.seated(case.now) if place["role_id"] == case.change.id)
    for unit in sorted({place["unit_id"] for place in held}):
        if not case.stand.holds(case.company.tree, unit):
            text = "somebody holds {role} in {unit}, which is not in your part of the company {seat}"
            yield Refusal(rule="reach", text=text, named={"role": ("role", case.change.id), "unit": ("unit", unit)})


def _homeless(terms: Terms) -> Refusal:
    text = "{role} belongs to no unit, and only owners change such roles"
    if terms.home is not None:
        text = "{role} belongs to a unit that is not in your part of the company {seat}"
    return Refusal(rule="home", text=text, named={"role": ("role", terms.id)})


def _seen_by_others(case: Case, before: Values, after: Values) -> Iterator[Refusal]:
    """Refuse a move by which roles come to stand above the units that the seat may not give."""
    tree = case.company.tree
    new = set(tree.above(after["parent_id"] or "")) - set(tree.above(before["parent_id"] or ""))
    now_above = {unit for unit in new if case.change.id not in tree.above(unit)}
    places = (it for it in case.company.seated(case.now) if it["unit_id"] in now_above)
    roles = {it["role_id"]: case.company.roles[it["role_id"]] for it in places}
    for terms in roles.values():
        yield from case.too_high(terms)
    for terms in roles.values():
        yield from case.too_wide(terms, terms.grants)
