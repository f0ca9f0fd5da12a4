"""Whom records are given to, and which units they are put into: nobody and nowhere beyond the reach of `assign`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from opencrm.core.access.rights import Rights
from opencrm.core.change import Change, Kind
from opencrm.core.conditions.python import Test
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.errors import InputError, PermissionDenied
from opencrm.services.writing.block import Block
from opencrm.services.writing.judging.receivers import Receiver, receivers


class Giving:
    """Judges the new owners and units that changes name; what it refuses is told only of what may be read.

    Args:
        work: The work block.
        changes: The changes.
        test: Returns which records of an entity an act may touch, as a function of a record's state.
    """

    def __init__(self, work: Block, changes: Sequence[Change], test: Callable[[Spec, str], Test]) -> None:
        self._work = work
        self._rights: Rights = work.rights
        self._entities = work.configuration.catalogue.entities
        self._changes = changes
        self._test = test
        self._reached: dict[str, frozenset[Id] | None] = {}

    def owners(self) -> dict[int, InputError | PermissionDenied]:
        """Return what is refused for its new owner: they are not there, not active, or out of reach."""
        people = self._receivers()
        found = {at: self._owner(at, change, people) for at, change in enumerate(self._changes)}
        return {at: error for at, error in found.items() if error is not None}

    def units(self) -> dict[int, PermissionDenied]:
        """Return what is refused for its new unit, which `assign` does not reach; one's home needs none."""
        if self._rights.unbound:
            return {}
        return {
            at: self._rights.denied(f"{change.entity}.assign", "the unit is out of reach")
            for at, change in enumerate(self._changes)
            if self._misplaced(change)
        }

    def _receivers(self) -> Mapping[Id, Receiver]:
        """Return the people whom the changes give records to, other than the principal."""
        given = (change.after["owner_id"] for change in self._changes if "owner_id" in change.fields)
        return receivers(self._work, {owner for owner in given if owner not in (None, self._rights.user_id)})

    def _owner(self, at: int, change: Change, people: Mapping[Id, Receiver]) -> InputError | PermissionDenied | None:
        owner = change.after.get("owner_id") if "owner_id" in change.fields else None
        person = people.get(owner or "")
        if person is None:
            return None
        if not self._within_reach(change, person):
            return self._rights.denied(f"{change.entity}.assign", "the new owner is out of reach")
        wrong = {"owner_id": ["is not an active user"]}
        return None if person.active else InputError(wrong, rows={at: wrong})

    def _within_reach(self, change: Change, person: Receiver) -> bool:
        """Say whether `assign` reaches a new owner; a client's reaches what is theirs, and nobody else.

        Somebody who is not there is looked at as if they were, so that it costs the same.
        """
        if self._rights.owner:
            return True
        test = self._test(self._entities[change.entity], "assign")
        given = {**change.after, "owner_id": person.id, "created_by": None}
        reached = [test({**given, "unit_id": unit}) for unit in person.units or (None,)]
        return self._rights.contact_id is None and bool(person.units) and any(reached)

    def _misplaced(self, change: Change) -> bool:
        unit = change.after.get("unit_id")
        if unit is None or "unit_id" not in change.fields or "owner_id" not in change.after:
            return False
        if change.kind is Kind.CREATED and unit == self._rights.home:
            return False
        reached = self._units(self._entities[change.entity])
        return reached is not None and unit not in reached

    def _units(self, spec: Spec) -> frozenset[Id] | None:
        if spec.name not in self._reached:
            self._reached[spec.name] = self._rights.units(spec, "assign")
        return self._reached[spec.name]
