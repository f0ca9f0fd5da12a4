"""Making records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from opencrm.core.change import JournalEntry
from opencrm.errors import InputError
from opencrm.schemas import Loaded
from opencrm.services.commands import Create
from opencrm.services.records.births import Births
from opencrm.services.records.named import hidden

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work


def create(work: Work, commands: Sequence[Create[Any]]) -> tuple[JournalEntry, ...]:
    """Make records, each with the parts that were given with it.

    Args:
        work: The work block.
        commands: What to make; values may be raw or loaded.

    Returns:
        One journal entry for each command, in order; `entry.record_id` is the new record's id.

    Raises:
        InputError: A value cannot be used; `rows` tells which command's.
        PermissionDenied, Objected, Duplicate: See `Work.apply`.
    """
    several = _loaded(work, commands)
    births = Births(work, several)
    heads = []
    for at, (command, values) in enumerate(zip(commands, several, strict=True)):
        try:
            heads.append(births.add(command, values))
        except InputError as error:
            raise InputError(error.fields, rows={at: error.fields}) from None
    lines = work.apply(births.changes, past=births.past)
    by_id = {line.record_id: line for line in lines}
    return tuple(by_id[id] for id in heads)


def _loaded(work: Work, commands: Sequence[Create[Any]]) -> list[Loaded]:
    schemas, found, wrong = work.configuration.schemas, [], {}
    for at, command in enumerate(commands):
        if isinstance(command.values, Loaded):
            found.append(command.values)
            continue
        try:
            spec = work.entity(command.entity)
            found.append(schemas.load(spec, command.values, hidden=hidden(work, spec)))
        except InputError as error:
            wrong[at] = error.fields
    if wrong:
        raise InputError(next(iter(wrong.values())), rows=wrong)
    return found
