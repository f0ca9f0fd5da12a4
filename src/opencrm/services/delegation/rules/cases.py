"""One change seen from one seat, and the checks that the rules are made of; each gives its refusals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import attrs

from opencrm.core.access.covering import Coverage
from opencrm.core.access.grants import Grant, Scope
from opencrm.core.change import Change, Kind, Values
from opencrm.core.values import Id
from opencrm.services.delegation.company import Company, Terms
from opencrm.services.delegation.refusals import Refusal, written
from opencrm.services.delegation.standing import Holds, Stand

ACTS = {Kind.CREATED: "create", Kind.CHANGED: "update", Kind.DELETED: "delete", Kind.RESTORED: "restore"}


@attrs.frozen(kw_only=True)
class Case:
    """A change of the organisation, and a seat under which it may be allowed.

    Attributes:
        company: The company before the change.
        coverage: Judges grants.
        stand: The seat.
        change: The change.
        actor: Whoever acts.
        name: How the journal calls them.
        now: The instant.
        holds: Judges conditions of grants.
    """

    company: Company
    coverage: Coverage
    stand: Stand
    change: Change
    actor: Id
    name: str
    now: datetime
    holds: Holds

    @property
    def act(self) -> str:
        """What is done, such as `create`."""
        return ACTS[self.change.kind]

    @property
    def states(self) -> tuple[Values, ...]:
        """The record before and after."""
        return states_of(self.change)

    def scopes(self, state: Values) -> set[Scope]:
        """Return how far the seat's grants of this act reach that hold for the record's state."""
        entity = self.change.entity
        return {*self.stand.scopes(entity, self.act, lambda grant: self.holds(entity, grant, state))}

    def ungranted(self, state: Values) -> Iterator[Refusal]:
        """Refuse what the seat's role does not grant at all."""
        if not self.scopes(state):
            yield Refusal(rule="reach", text=f"{{seat}} nothing allows {self.change.entity}.{self.act} here")

    def out_of_reach(self, state: Values, units: Iterable[Id | None]) -> Iterator[Refusal]:
        """Refuse an act in units that the seat does not reach."""
        ungranted = [*self.ungranted(state)]
        yield from ungranted
        for unit in units if not ungranted else ():
            if not self.reaches(state, unit):
                text = f"{{unit}} is beyond where {{seat}} you have {self.change.entity}.{self.act}"
                yield _beyond(text, unit)

    def reaches(self, state: Values, unit: Id | None) -> bool:
        """Say whether the seat's grants of this act reach a unit."""
        if not self.stand.holds(self.company.tree, unit):
            return False
        match max(self.scopes(state), default=Scope.NONE):
            case Scope.ALL:
                return True
            case Scope.SUBTREE:
                return unit is not None and self.stand.place["unit_id"] in self.company.tree.above(unit)
            case Scope.TEAM:
                return bool(unit == self.stand.place["unit_id"])
        return False

    def too_high(self, terms: Terms) -> Iterator[Refusal]:
        """Refuse a role that is not below the seat's."""
        if not self.stand.above(terms.rank):
            yield Refusal(
                rule="rank",
                text="{role} is not of lower rank than what you are {seat}",
                named={"role": ("role", terms.id)},
            )

    def too_wide(self, terms: Terms, grants: Iterable[Grant]) -> Iterator[Refusal]:
        """Refuse grants of a role that the seat may not hand on, and fields that it does not open."""
        grant = self.stand.beyond(self.coverage, grants)
        if grant is not None:
            told = {"what": ("role", "grants", written(grant))}
            yield self._too_wide(terms, "{role} holds {what}, which {seat} you may not hand on", told)
        more = self.stand.more_fields(self.coverage, terms.openness)
        if more is not None:
            entity, field = more
            told = {"what": (entity, field, field)}
            yield self._too_wide(terms, f"{{role}} opens {{what}} of {entity}, which your role {{seat}} does not", told)

    def _too_wide(self, terms: Terms, text: str, told: dict[str, tuple[str, str, str]]) -> Refusal:
        return Refusal(rule="delegable", text=text, named={"role": ("role", terms.id)}, told=told)

    def not_below(self, user: Id) -> Iterator[Refusal]:
        """Refuse to touch oneself, and somebody who is not below the seat's rank."""
        if user == self.actor:
            yield Refusal(rule="target", text="nobody does this to themselves")
        elif not self.stand.above(self.company.rank(user, self.now)):
            yield Refusal(
                rule="target",
                text="{user} holds a role that is not of lower rank than what you are {seat}",
                named={"user": ("user", user)},
            )

    def handed(self, terms: Terms, user: Id) -> tuple[Grant, ...]:
        """Return what a role grants to somebody; a client's own is measured from no unit, so it counts as all."""
        return widened(terms.grants, self.coverage) if self.company.is_customer(user) else terms.grants


def states_of(change: Change) -> tuple[Values, ...]:
    """Return the record of a change before it, where it was there, and after it."""
    return (change.after,) if change.before is None else (change.before, change.after)


def widened(grants: Iterable[Grant], coverage: Coverage) -> tuple[Grant, ...]:
    """Return grants as far as they may reach for clients; what clients never get is left out."""
    return tuple(
        attrs.evolve(grant, scope=Scope.ALL)
        for grant in grants
        if grant.scope is not Scope.NONE and not administrative(coverage, grant.entity)
    )


def administrative(coverage: Coverage, entity: str) -> bool:
    """Say whether an entity is a part of the organisation, which deputies and clients never touch."""
    spec = coverage.entities.get(entity)
    return spec is not None and spec.options.organisation


def _beyond(text: str, unit: Id | None) -> Refusal:
    if unit is None:
        return Refusal(rule="reach", text=text.replace("{unit}", "the whole company"))
    return Refusal(rule="reach", text=text, named={"unit": ("unit", unit)})
