"""Moving records through their pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

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
        InputError: A move is dated outside of an import, or in the future.
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
        change = moved(pipelines, spec.name, before, command.to, _when(work, command))
        changes.append(attrs.evolve(change, after={**change.after, "updated_at": work.now}))
    return work.apply(changes)


def _when(work: Work, command: Move[Any]) -> datetime:
    """Return when a move happened: now, unless an import tells of the past."""
    if command.at is None:
        return work.now
    if work.origin is None or command.at > work.now:
        raise InputError({"at": ["is for imports, and for the past"]})
    return command.at
