"""Moving records through their pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from opencrm.core.change import JournalEntry
from opencrm.core.pipeline import moved
from opencrm.errors import InputError
from opencrm.services.commands import Move
from opencrm.services.records import match, states_of

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work


def move(work: Work, commands: Sequence[Move[Any]]) -> tuple[JournalEntry, ...]:
    """Move records to stages; the log of stages and the journal are written with it.

    Raises:
        InvalidMove: There is no such stage, or the pipeline has no such move.
        NotFound, ConflictError, PermissionDenied, Objected: See `records.update`.
    """
    states = states_of(work, commands)
    pipelines, changes = work.configuration.catalogue.pipelines, []
    for command in commands:
        spec, before = work.entity(command.entity), states[command.id]
        if not spec.staged:
            raise InputError({"stage": [f"{spec.name} has no stages"]})
        match(work, spec, before, command.if_match)
        changes.append(moved(pipelines, spec.name, {**before}, command.to, work.now))
    return work.apply(changes)
