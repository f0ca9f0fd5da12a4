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

    def reads(self, entity: str) -> bool:
        """Whether it lets its holders read records of an entity."""
        return any(grant.scope is not Scope.NONE and grant.covers(entity, "read") for grant in self.grants)

    @cached_property
    def timely(self) -> bool:
        """Whether what it grants depends on the instant."""
        return any(grant.when is not None and timely(grant.when) for grant in self.grants)


@attrs.frozen
class Seat:
    """A user's valid membership: the place from which the scopes of its role are measured."""

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
        """Return the seats of the memberships valid at `now`: from `valid_from` on, no longer at `valid_to`."""
        return tuple(
            Seat(each["id"], each["unit_id"], self.roles[each["role_id"]], each["is_head"], each["is_primary"])
            for each in memberships
            if each["role_id"] in self.roles and each["unit_id"] in self.parents and _valid(each, now)
        )


def _valid(membership: Values, now: datetime) -> bool:
    start, end = membership["valid_from"], membership["valid_to"]
    return (start is None or start <= now) and (end is None or now < end)
