"""Where somebody stands when they change the organisation: one of their memberships, and what its role allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

import attrs

from opencrm.core.access.covering import Coverage
from opencrm.core.access.grants import EVERYTHING, Grant, Scope
from opencrm.core.access.memberships import main_first, valid
from opencrm.core.access.openness import Openness
from opencrm.core.access.organisation import Organisation
from opencrm.core.access.rights import Rights
from opencrm.core.change import Values
from opencrm.core.values import Id
from opencrm.services.delegation.company import Company, Terms

Holds = Callable[[str, Grant, Values], bool]
"""Says whether a record of an entity meets a grant's condition."""


@attrs.frozen
class Stand:
    """A membership of whoever acts.

    Attributes:
        place: The membership.
        unit: Where it is; None where its role, an owner's, reaches the whole company.
        terms: Its role's terms.
        limits: Of a key, the grants beyond which it does nothing; None for no limit.
    """

    place: Values
    unit: Id | None
    terms: Terms
    limits: tuple[Grant, ...] | None = None

    def above(self, rank: float) -> bool:
        """Say whether a rank is below one's own; only owners are above owners."""
        return self.unit is None or rank < self.terms.rank

    def holds(self, tree: Organisation, unit: Id | None) -> bool:
        """Say whether a unit lies in one's part of the company."""
        return self.unit is None or (unit is not None and self.unit in tree.above(unit))

    def scopes(self, entity: str, action: str, meets: Callable[[Grant], bool]) -> Iterator[Scope]:
        """Give how far one's grants of an act reach."""
        most = Scope.ALL
        if self.limits is not None:
            most = max((it.scope for it in self.limits if it.covers(entity, action)), default=Scope.NONE)
        for grant in self.terms.grants:
            scope = min(grant.scope, most)
            if scope is not Scope.NONE and grant.covers(entity, action) and meets(grant):
                yield scope

    def beyond(self, coverage: Coverage, grants: Iterable[Grant]) -> Grant | None:
        """Return the first of the grants that one may not hand on; None where one may hand on all."""
        several = tuple(grants)
        given = (EVERYTHING,) if self.unit is None else self.terms.delegable
        found = coverage.missing(several, given)
        return found if found is not None or self.limits is None else coverage.missing(several, self.limits)

    def more_fields(self, coverage: Coverage, openness: Openness) -> tuple[str, str] | None:
        """Return a field that a role opens and one's own does not; None if there is none."""
        return openness.beyond(self.terms.openness, coverage.entities)


def stands(rights: Rights, company: Company, now: datetime) -> tuple[Stand, ...]:
    """Return the memberships under which a principal may act, the primary one first."""
    if rights.user_id is None or rights.contact_id is not None:
        return ()
    mine = [it for it in company.places(rights.user_id) if valid(it, now) and it["role_id"] in company.roles]
    return tuple(_stand(place, company.roles[place["role_id"]], rights.limits) for place in main_first(mine))


def _stand(place: Values, terms: Terms, limits: tuple[Grant, ...] | None) -> Stand:
    return Stand(place, None if terms.owner else place["unit_id"], terms, limits)
