"""The company's tree and its roles, as one frozen value that processes keep until the configuration changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from types import MappingProxyType

import attrs

from opencrm.core.access.grants import ANY, FieldRule, Grant, Scope
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
        return Grant(ANY, ANY, Scope.ALL) in self.grants

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


@attrs.define(slots=False, eq=False)
class Organisation:
    """Units and roles of one configuration version.

    Attributes:
        version: The configuration version that it was read at.
        parents: Each unit with the unit that it is part of.
        roles: Each role by id.
    """

    version: str
    parents: Mapping[Id, Id | None]
    roles: Mapping[Id, RoleGrants]

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
