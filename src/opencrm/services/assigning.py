"""Giving records an owner and a unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opencrm.core.change import Change, JournalEntry, Kind, Values
from opencrm.core.fields import parse_id
from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.services.commands import Assign
from opencrm.services.records import applied, match, states_of
from opencrm.services.writing.judging.receivers import Receiver, receivers

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work


def assign(work: Work, commands: Sequence[Assign[Any]]) -> tuple[JournalEntry, ...]:
    """Give records a new owner, a new unit, or both.

    Raises:
        InputError: Neither is named, or there is no such unit or active user.
        NotFound, ConflictError, PermissionDenied, Objected: See `records.update`.
    """
    states = states_of(work, commands)
    owners = {checked("owner", command.owner) for command in commands if command.owner is not None}
    people = receivers(work, owners)
    changes = []
    for command in commands:
        spec, before = work.entity(command.entity), states[command.id]
        if not spec.owned:
            raise InputError({"owner": [f"{spec.name} has no owner"]})
        match(work, spec, before, command.if_match)
        changes.append(assigned(work, spec.name, before, command, people))
    return applied(work, changes)


def assigned(work: Work, entity: str, before: Values, command: Assign[Any], people: Mapping[Id, Receiver]) -> Change:
    """Return the change that gives a record what a command says; judges nothing.

    Args:
        work: The work block.
        entity: The entity's name.
        before: The record's state.
        command: What to give it.
        people: The owners that are named, by their ids.

    Raises:
        InputError: The command names neither an owner nor a unit.
    """
    if command.owner is None and command.unit is None:
        raise InputError({"owner": ["or unit is required"]})
    owner = before["owner_id"] if command.owner is None else checked("owner", command.owner)
    unit = before["unit_id"] if command.unit is None else checked("unit", command.unit)
    if command.unit is None and command.owner is not None:
        unit = next(iter(people[owner].units), unit)
    after = {**before, "owner_id": owner, "unit_id": unit}
    stamp = {"updated_at": work.now} if after != before else {}
    return Change(entity, before["id"], Kind.ASSIGNED, before, {**after, **stamp})


def checked(name: str, id: Any) -> Id:
    """Return an id in its canonical form; `InputError` at `name` where it is none."""
    try:
        return parse_id(id)
    except ValueError as error:
        raise InputError({name: [str(error)]}) from None
