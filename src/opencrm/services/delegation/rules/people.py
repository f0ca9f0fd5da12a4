"""The rules for people: users, their memberships, and who stands in for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from opencrm.core.access.grants import ANY, Grant, Scope
from opencrm.core.access.memberships import lasting
from opencrm.core.change import Change, Kind, Values
from opencrm.core.entities import Membership
from opencrm.core.values import Id
from opencrm.services.delegation import mains
from opencrm.services.delegation.company import Terms
from opencrm.services.delegation.refusals import Refusal
from opencrm.services.delegation.rules import accounts
from opencrm.services.delegation.rules.cases import Case, administrative


def of_user(case: Case) -> Iterator[Refusal]:
    """Refuse a user out of reach, of the seat's rank, or oneself."""
    change = case.change
    for state in case.states:
        yield from _user_out_of_reach(case, state, change.id, created_by=change.after["created_by"])
    yield from case.not_below(change.id)
    if accounts.opens(change):
        yield from of_account(case)


def of_invitation(case: Case) -> Iterator[Refusal]:
    """Refuse to let somebody in whom one may not change, or as whom one would do more than one may hand on."""
    yield from of_user(case)
    yield from of_account(case)


def of_account(case: Case) -> Iterator[Refusal]:
    """Refuse to open the account of somebody whose places the seat may not give, or who stands in for somebody."""
    user = case.change.id
    for place in case.company.lasting(user, case.now):
        given = Change(Membership.spec.name, place["id"], Kind.CREATED, None, place)
        for refusal in of_membership(attrs.evolve(case, change=given)):
            text = "whoever does this may act as {user}, and " + refusal.text
            yield attrs.evolve(refusal, text=text, named={**refusal.named, "user": ("user", user)})
    if case.company.stands_in(user, case.now):
        text = "{user} stands in for somebody, and whoever does this may act as both"
        yield Refusal(rule="delegable", text=text, named={"user": ("user", user)})


def of_membership(case: Case) -> Iterator[Refusal]:
    """Refuse a membership in a unit out of reach, in a role that may not be given there, or of somebody too high."""
    taken = mains.demoted(case.company, case.change, case.now)
    for state in (*case.states, *(place for place in taken if place["unit_id"] != case.change.after["unit_id"])):
        yield from case.out_of_reach(state, [state["unit_id"]])
    yield from _returning(case)
    known = case.company.roles
    given = [(known[state["role_id"]], state) for state in case.states if state["role_id"] in known]
    for terms, _ in given:
        yield from case.too_high(terms)
    for terms, state in given:
        yield from case.too_wide(terms, case.handed(terms, state["user_id"]))
    for user in dict.fromkeys(state["user_id"] for state in case.states):
        yield from case.not_below(user)
    for terms, state in given:
        yield from _not_at_home(case, terms, state["unit_id"])


def of_deputy(case: Case) -> Iterator[Refusal]:
    """Refuse to let somebody stand in for people out of reach or too high, or for more than may be handed on."""
    people = dict.fromkeys(state[name] for state in case.states for name in ("of_id", "to_id"))
    for state in case.states:
        for name in ("of_id", "to_id"):
            if state[name] != case.actor:
                yield from _user_out_of_reach(case, state, state[name], created_by=None)
    if case.change.kind is not Kind.DELETED:
        yield from _lent(case, case.change.after)
    for user in people:
        if user != case.actor or any(state["to_id"] == user for state in case.states):
            yield from case.not_below(user)


def _user_out_of_reach(case: Case, state: Values, user: Id, *, created_by: str | None) -> Iterator[Refusal]:
    """Refuse a user with a place that the seat does not reach; without any, one whom somebody else made."""
    units = [place["unit_id"] for place in case.company.lasting(user, case.now)]
    yield from case.ungranted(state)
    if not units:
        yield from _not_made(case, state, user, created_by=created_by)
    if not all(case.reaches(state, unit) for unit in units):
        text = "{user} has a place beyond where {seat} you may do this"
        yield Refusal(rule="reach", text=text, named={"user": ("user", user)})


def _returning(case: Case) -> Iterator[Refusal]:
    """Refuse a place to somebody without one who had one elsewhere, and whom whoever acts did not make."""
    change, after = case.change, case.change.after
    begins = change.kind in (Kind.CREATED, Kind.RESTORED) or lasting(after, case.now)
    if change.kind is Kind.DELETED or not begins or case.company.lasting(after["user_id"], case.now):
        return
    user = after["user_id"]
    units = case.company.former(user) - {after["unit_id"]}
    if not (_everybody(case, after) or case.company.maker(user) == case.name or _all_reached(case, after, units)):
        text = "{user} had a place beyond where {seat} you may do this: whoever made them gives the next, or an owner"
        yield Refusal(rule="reach", text=text, named={"user": ("user", user)})


def _not_made(case: Case, state: Values, user: Id, *, created_by: str | None) -> Iterator[Refusal]:
    """Refuse somebody without a place whom another person made, unless all their places were within reach.

    Without a maker, as for those who are to stand in for somebody, a place is what counts.
    """
    units = case.company.former(user)
    had = created_by is not None and bool(units) and _all_reached(case, state, units)
    if created_by != case.name and not had and not _everybody(case, state):
        text = "{user} has no place, and whoever made them gives one, or an owner"
        yield Refusal(rule="reach", text=text, named={"user": ("user", user)})


def _everybody(case: Case, state: Values) -> bool:
    """Say whether the seat reaches everybody, as an owner's does."""
    return case.stand.unit is None and Scope.ALL in case.scopes(state)


def _all_reached(case: Case, state: Values, units: Iterable[Id]) -> bool:
    return all(case.reaches(state, unit) for unit in units)


def _not_at_home(case: Case, terms: Terms, unit: Id) -> Iterator[Refusal]:
    if terms.home is not None and case.stand.unit is not None and terms.home not in case.company.tree.above(unit):
        text = "{role} belongs to a part of the company that {unit} is not in"
        yield Refusal(rule="home", text=text, named={"role": ("role", terms.id), "unit": ("unit", unit)})


def _lent(case: Case, state: Values) -> Iterator[Refusal]:
    """Refuse what the represented may do and the seat may not hand on; what deputies never do does not count."""
    places = case.company.lasting(state["of_id"], case.now)
    roles = {it["role_id"]: case.company.roles[it["role_id"]] for it in places}
    for terms in roles.values():
        if state["of_id"] != case.actor:
            yield from case.too_high(terms)
        lent = tuple(_lendable(case, case.handed(terms, state["of_id"]), state["entities"]))
        yield from case.too_wide(terms, lent)


def _lendable(case: Case, grants: tuple[Grant, ...], entities: list[str] | None) -> Iterator[Grant]:
    """Give the part of the grants that a deputy gets: never what is administrative, nor sharing."""
    for grant in grants:
        if grant.scope is Scope.NONE or grant.action == "share":
            continue
        for name in [grant.entity] if grant.entity != ANY else (entities or case.coverage.entities):
            if (entities is None or name in entities) and not administrative(case.coverage, name):
                yield Grant(name, grant.action, grant.scope, grant.when)
