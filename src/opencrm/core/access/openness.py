"""Which fields may be read and written: by who holds a role, by one person, and beyond what another role opens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from opencrm.core.access.grants import FieldRule, Grant, Scope
from opencrm.core.access.organisation import RoleGrants
from opencrm.core.access.reach.lending import carried_fields
from opencrm.core.access.reach.parts import roots
from opencrm.core.entity import Spec
from opencrm.core.values import Id

if TYPE_CHECKING:
    from opencrm.core.access.rights import Rights


@attrs.frozen
class Openness:
    """Which fields a role opens.

    Args:
        grants: What it grants.
        rules: Its field rules, by entity and field.
        everything: Whether it is an owner's, who reads and writes all fields.
    """

    grants: Sequence[Grant]
    rules: Mapping[tuple[str, str], FieldRule]
    everything: bool = False

    def opens(self, spec: Spec, name: str, verb: str) -> bool:
        """Say whether a field may be read or written by whoever reaches records of its entity."""
        rule = self.rules.get((spec.name, name))
        if self.everything:
            return True
        return bool(getattr(rule, verb)) if rule is not None else spec.fields[name].sensitive is None

    def readable(self, spec: Spec) -> list[str]:
        """Return the fields of an entity that may be read."""
        return [name for name in spec.fields if self.opens(spec, name, "read")]

    def beyond(self, other: Openness, entities: Mapping[str, Spec]) -> tuple[str, str] | None:
        """Return an entity and a field of it that this role opens and the other does not; None if there is none."""
        if other.everything:
            return None
        for spec in entities.values():
            read = self.everything or self._reads(spec, entities)
            for name in spec.fields:
                if (read or (spec.name, name) in self.rules) and self._wider(other, spec, name):
                    return spec.name, name
        return None

    def _reads(self, spec: Spec, entities: Mapping[str, Spec]) -> bool:
        whole = [root.name for root in roots(spec, entities)]
        granted = [grant for grant in self.grants if grant.scope is not Scope.NONE]
        return any(grant.covers(name, "read") for grant in granted for name in whole)

    def _wider(self, other: Openness, spec: Spec, name: str) -> bool:
        return any(self.opens(spec, name, verb) and not other.opens(spec, name, verb) for verb in ("read", "write"))


_UNRULED = Openness((), {})
"""What is open where no role says anything."""


def open_fields(rights: Rights, spec: Spec, names: Iterable[str], verb: str) -> Iterator[str]:
    """Give those of the fields that may be read or written by somebody who reaches records of their entity.

    Of the roles that let one read the entity, the most permissive decides. Who has none, and reads through a task or
    a share alone, sees what no role that reads it is denied, as far as links carry it: one more role never takes a
    field away. A plugin's automation holds no role: it reads and writes what is open by itself, whatever roles deny to
    people, and the fields that the plugin itself adds.
    """
    if rights.owner:
        return iter(names)
    if rights.principal.kind == "automation":
        return (it for it in names if it == "id" or _own(rights, spec, it) or _UNRULED.opens(spec, it, verb))
    roles = _reading(rights, spec)
    if roles:
        held = [Openness(it.grants, it.field_rules, everything=it.owner) for it in roles.values()]
        return (it for it in names if it == "id" or any(each.opens(spec, it, verb) for each in held))
    every = [_UNRULED, *(Openness(it.grants, it.field_rules) for it in _readers(rights, spec))]
    carried = carried_fields(rights, spec)
    known = (it for it in names if carried is None or it in carried or it == "id")
    return (it for it in known if it == "id" or all(each.opens(spec, it, verb) for each in every))


def _own(rights: Rights, spec: Spec, name: str) -> bool:
    """Say whether a field is one that the plugin of this automation adds."""
    field = spec.fields[name]
    return field.custom and not field.defined and name.startswith(f"{rights.principal.id}_")


def _reading(rights: Rights, spec: Spec) -> dict[Id, RoleGrants]:
    """Return the roles, one's own and theirs whom one stands in for, that let one read records of an entity."""
    whole = roots(spec, rights.entities)
    found = {
        seat.role.id: seat.role for root in whole for seat, _, _ in rights.granted(root, "read") if seat is not None
    }
    for it in rights.standing_in:
        if any(map(it.covers, whole)):
            found |= _reading(it.rights, spec)
    return found


def _readers(rights: Rights, spec: Spec) -> Iterator[RoleGrants]:
    """Give the company's roles that let whoever holds them read records of an entity."""
    whole = roots(spec, rights.entities)
    return (it for it in rights.organisation.roles.values() if any(it.reads(each.name) for each in whole))
