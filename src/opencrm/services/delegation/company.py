"""The company as the rules of delegation look at it, taken along from one change of a batch to the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from math import inf

import attrs

from opencrm.core.access.grants import EVERYTHING, Grant, read_field_rules, read_grants
from opencrm.core.access.memberships import lasting
from opencrm.core.access.openness import Openness
from opencrm.core.access.organisation import Organisation
from opencrm.core.change import Change, Values
from opencrm.core.values import Id

NOWHERE = -inf
"""The rank of somebody without a role."""


@attrs.frozen(slots=False, eq=False)
class Terms:
    """What a role lets its holders do and hand on.

    Attributes:
        id: The role's id.
        rank: Its rank; an owner's is above all numbers.
        grants: What it grants.
        delegable: What its holders may hand on.
        home: The unit that it belongs to; None for the whole company.
        openness: The fields that it opens.
    """

    id: Id
    rank: float
    grants: tuple[Grant, ...]
    delegable: tuple[Grant, ...]
    home: Id | None
    openness: Openness

    @cached_property
    def owner(self) -> bool:
        """Whether it makes owners."""
        return self.openness.everything


def terms_of(role: Values) -> Terms:
    """Return the terms that a role's state tells."""
    openness = openness_of(role)
    return Terms(
        id=role["id"],
        rank=inf if openness.everything else role["rank"],
        grants=tuple(openness.grants),
        delegable=read_grants(role["delegable"]),
        home=role["home_unit_id"],
        openness=openness,
    )


def openness_of(role: Values) -> Openness:
    """Return the fields that a role's state opens; one that says nothing opens what is not sensitive."""
    grants = read_grants(role.get("grants"))
    rules = {(rule.entity, rule.field): rule for rule in read_field_rules(role.get("field_rules"))}
    return Openness(grants, rules, everything=EVERYTHING in grants)


@attrs.frozen
class Origin:
    """Where somebody comes from.

    Attributes:
        maker: Who made them, as the journal calls them.
        units: Where they had places that were taken away.
    """

    maker: str | None = None
    units: frozenset[Id] = frozenset()


_NO_ORIGIN = Origin()


class Company:
    """Units, roles and who sits where; `take` brings a change about.

    Args:
        tree: The units.
        roles: The terms of each role.
        places: The memberships that are not deleted, past and future ones too.
        customers: The people who are clients.
        deputies: The deputyships that are not deleted, at least those that have not ended.
        origins: Where the people come from who change, or whose places do.
    """

    def __init__(
        self,
        tree: Organisation,
        roles: Mapping[Id, Terms],
        places: Iterable[Values],
        customers: Iterable[Id],
        deputies: Iterable[Values],
        origins: Mapping[Id, Origin],
    ) -> None:
        self.tree = tree
        self.roles = dict(roles)
        self._places: dict[Id, dict[Id, Values]] = {}
        self._customers = set(customers)
        self._deputies = {it["id"]: it for it in deputies}
        self._origins = dict(origins)
        for place in places:
            self._sit(place)

    def places(self, user: Id) -> tuple[Values, ...]:
        """Return the memberships of somebody."""
        return tuple(self._places.get(user, {}).values())

    def lasting(self, user: Id, now: datetime) -> tuple[Values, ...]:
        """Return the memberships of somebody that hold now, or will."""
        return tuple(place for place in self.places(user) if lasting(place, now))

    def seated(self, now: datetime) -> Iterator[Values]:
        """Give all memberships that hold now, or will."""
        return (place for several in self._places.values() for place in several.values() if lasting(place, now))

    def rank(self, user: Id, now: datetime) -> float:
        """Return the highest rank that somebody holds now, or will hold by a membership that begins later."""
        held = (place["role_id"] for place in self.lasting(user, now))
        return max((self.roles[role].rank for role in held if role in self.roles), default=NOWHERE)

    def holders(self, role: Id, now: datetime) -> set[Id]:
        """Return the people who hold a role, or will."""
        return {place["user_id"] for place in self.seated(now) if place["role_id"] == role}

    def is_customer(self, user: Id) -> bool:
        """Say whether somebody is a client."""
        return user in self._customers

    def maker(self, user: Id) -> str | None:
        """Return who made somebody, as the journal calls them; None for people who do not change."""
        return self._origins.get(user, _NO_ORIGIN).maker

    def former(self, user: Id) -> frozenset[Id]:
        """Return the units in which somebody has, had or will have a place."""
        standing = (place["unit_id"] for place in self.places(user))
        return self._origins.get(user, _NO_ORIGIN).units.union(standing)

    def stands_in(self, user: Id, now: datetime) -> bool:
        """Say whether somebody stands in for another person now, or will."""
        return any(it["to_id"] == user and lasting(it, now) for it in self._deputies.values())

    def take(self, change: Change) -> None:
        """Bring a change about."""
        gone = change.after["deleted_at"] is not None
        match change.entity:
            case "unit":
                self._grow(change, gone=gone)
            case "role":
                self._keep(change, gone=gone)
            case "membership":
                for state in (change.before, change.after):
                    if state is not None:
                        self._places.get(state["user_id"], {}).pop(change.id, None)
                if not gone:
                    self._sit(change.after)
            case "user":
                units = self._origins.get(change.id, _NO_ORIGIN).units
                self._origins[change.id] = Origin(change.after["created_by"], units)
            case "deputy":
                self._deputies.pop(change.id, None)
                if not gone:
                    self._deputies[change.id] = change.after
            case "customer":
                (self._customers.discard if gone else self._customers.add)(change.after["user_id"])

    def _sit(self, place: Values) -> None:
        self._places.setdefault(place["user_id"], {})[place["id"]] = place

    def _grow(self, change: Change, *, gone: bool) -> None:
        parents = {**self.tree.parents}
        parents.pop(change.id, None)
        if not gone:
            parents[change.id] = change.after["parent_id"]
        self.tree = attrs.evolve(self.tree, parents=parents)

    def _keep(self, change: Change, *, gone: bool) -> None:
        self.roles.pop(change.id, None)
        if not gone:
            self.roles[change.id] = terms_of(change.after)
