"""The company's tree and its roles, as one frozen value that processes keep until the configuration changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from types import MappingProxyType

import attrs
import orjson

from opencrm.core.access.grants import EVERYTHING, FieldRule, Grant, Scope, grant_rows
from opencrm.core.access.memberships import main_first, valid
from opencrm.core.change import Values
from opencrm.core.conditions.binding.moments import timely
from opencrm.core.values import Id


@attrs.frozen
class RoleGrants:
    """A role, as access uses it."""

    id: Id
    key: str
    name: str
    rank: int
    grants: tuple[Grant, ...]
    field_rules: Mapping[tuple[str, str], FieldRule] = attrs.field(hash=False)

    @property
    def owner(self) -> bool:
        """Whether the role may do everything everywhere; that alone makes somebody an owner."""
        return EVERYTHING in self.grants

    @cached_property
    def mark(self) -> str:
        """A digest of all that it lets one do: another one means other rights."""
        rules = sorted(map(attrs.astuple, self.field_rules.values()))
        return sha256(orjson.dumps([self.rank, grant_rows(self.grants), rules])).hexdigest()

    def about(self, entity: str, action: str) -> tuple[Grant, ...]:
        """Return its grants of an act, found once: a role is asked for them for each of its holders."""
        found = self._about.get((entity, action))
        if found is None:
            found = tuple(it for it in self.grants if it.scope is not Scope.NONE and it.covers(entity, action))
            self._about[entity, action] = found
        return found

    @cached_property
    def _about(self) -> dict[tuple[str, str], tuple[Grant, ...]]:
        return {}

    def reads(self, entity: str) -> bool:
        """Whether it lets its holders read records of an entity."""
        return bool(self.about(entity, "read"))

    @cached_property
    def timely(self) -> bool:
        """Whether what it grants depends on the instant."""
        return any(grant.when is not None and timely(grant.when) for grant in self.grants)


@attrs.frozen
class Seat:
    """A user's valid membership: the place from which the scopes of its role are measured.

    Attributes:
        id: The membership.
        unit_id: Where it is.
        role: What it lets one do.
        is_head: Whether they are the unit's head.
        is_primary: Whether it is their main place, as exactly one of a person's seats is.
    """

    id: Id
    unit_id: Id
    role: RoleGrants
    is_head: bool
    is_primary: bool


def mark_of(seats: Iterable[Seat], *others: object) -> str:
    """Return a digest of the places that a person holds and of what they let one do.

    Args:
        seats: The valid memberships.
        others: What else their rights depend on.
    """
    held = sorted(f"{it.id} {it.unit_id} {it.is_head} {it.is_primary} {it.role.id} {it.role.mark}" for it in seats)
    return sha256("\n".join([*held, *map(str, others)]).encode()).hexdigest()


@attrs.frozen
class Deputyship:
    """Somebody who stands in for another person for a time.

    Attributes:
        of: Whom they stand in for.
        to: Who does.
        start: From when on; None for always.
        end: When it is over.
        entities: The names of the entities for which it holds; None for all.
    """

    of: Id
    to: Id
    start: datetime | None
    end: datetime
    entities: frozenset[str] | None

    def valid(self, now: datetime) -> bool:
        """Say whether it holds at an instant: from its start on, no longer at its end."""
        return (self.start is None or self.start <= now) and now < self.end


@attrs.define(slots=False, eq=False)
class Organisation:
    """Units and roles of one configuration version.

    Attributes:
        version: The configuration version that it was read at.
        parents: Each unit with the unit that it is part of.
        roles: Each role by id.
        deputyships: Who stands in for whom, valid or not.
    """

    version: str
    parents: Mapping[Id, Id | None]
    roles: Mapping[Id, RoleGrants]
    deputyships: tuple[Deputyship, ...] = ()

    @cached_property
    def _children(self) -> Mapping[Id | None, tuple[Id, ...]]:
        found: dict[Id | None, list[Id]] = {}
        for unit, parent in self.parents.items():
            found.setdefault(parent, []).append(unit)
        return MappingProxyType({parent: tuple(units) for parent, units in found.items()})

    def subtree(self, unit: Id) -> tuple[Id, ...]:
        """Return a unit and all units below it."""
        found, queue = [], [unit]
        while queue:
            one = queue.pop()
            found.append(one)
            queue.extend(self._children.get(one, ()))
        return tuple(found)

    def above(self, unit: Id) -> tuple[Id, ...]:
        """Return a unit and all units that it is a part of."""
        found: list[Id] = []
        one: Id | None = unit
        while one is not None and one in self.parents and one not in found:
            found.append(one)
            one = self.parents[one]
        return tuple(found)

    def in_circle(self, unit: Id) -> bool:
        """Say whether a unit is, through whatever others, a part of itself."""
        above, met = self.parents.get(unit), {unit}
        while above is not None and above not in met:
            met.add(above)
            above = self.parents.get(above)
        return above is not None

    def seats(self, memberships: Iterable[Values], now: datetime) -> tuple[Seat, ...]:
        """Return the seats of one person's memberships that are valid at an instant, the main place first.

        The membership that is marked as the main place is it, of several the one made first; where none is marked
        that is valid, the one made first is: so there is one at every instant, without anything having to run.

        Args:
            memberships: All that the person has, of whatever time.
            now: The instant.
        """
        there = [each for each in memberships if self._stands(each) and valid(each, now)]
        return tuple(self._seat(each, is_primary=at == 0) for at, each in enumerate(main_first(there)))

    def _stands(self, membership: Values) -> bool:
        return membership["role_id"] in self.roles and membership["unit_id"] in self.parents

    def _seat(self, place: Values, *, is_primary: bool) -> Seat:
        return Seat(place["id"], place["unit_id"], self.roles[place["role_id"]], place["is_head"], is_primary)
