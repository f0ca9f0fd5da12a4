"""Moving records through their pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.change import JournalEntry
from opencrm.core.entity import Entity, Spec
from opencrm.core.pipeline import moved
from opencrm.core.values import Id
from opencrm.errors import InputError
from opencrm.services.commands import Move, Update
from opencrm.services.process.entering import offering
from opencrm.services.process.entering.offering import Offer
from opencrm.services.records import match, states_of, update

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work


def move(work: Work, commands: Sequence[Move[Any]]) -> tuple[JournalEntry, ...]:
    """Move records to stages; the log of stages and the journal are written with it.

    Raises:
        InputError: A move is dated outside of an import, or in the future.
        RequirementMissing: A stage asks for something that is missing.
        InvalidMove: There is no such stage, or the pipeline has no such move.
        NotFound, ConflictError, PermissionDenied, Objected: See `records.update`.
    """
    commands = _filled_in(work, commands)
    states = states_of(work, commands)
    pipelines, changes = work.configuration.catalogue.pipelines, []
    for command in commands:
        spec, before = work.entity(command.entity), states[command.id]
        if not spec.staged:
            raise InputError({"stage": [f"{spec.name} has no stages"]})
        match(work, spec, before, command.if_match)
        change = moved(pipelines, spec.name, before, command.to, _when(work, command))
        changes.append(change.becoming({**change.after, "updated_at": work.now}))
    return work.apply(changes)


def offers(reader: Reader, entity: type[Entity] | Spec | str, id: Id) -> list[Offer]:
    """Return the moves that the graph has for a record and that the reader may make, with what each would ask for.

    Raises:
        NotFound: There is no such record, or none that the reader may know of.
        InputError: The entity has no stages.
    """
    return offering.moves(reader, entity, id)


def _filled_in(work: Work, commands: Sequence[Move[Any]]) -> Sequence[Move[Any]]:
    """Fill in the fields that moves come with; return what is left to do."""
    given = [Update(it.entity, it.id, values=it.values, if_match=it.if_match) for it in commands if it.values]
    if not given:
        return commands
    update(work, given)
    return [attrs.evolve(it, if_match=None) if it.values else it for it in commands]


def _when(work: Work, command: Move[Any]) -> datetime:
    """Return when a move happened: now, unless an import tells of the past."""
    if command.at is None:
        return work.now
    if work.origin is None or command.at > work.now:
        raise InputError({"at": ["is for imports, and for the past"]})
    return command.at
