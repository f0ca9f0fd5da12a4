"""Changing, deleting and restoring records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opencrm.core.change import Change, JournalEntry, Kind, Values
from opencrm.core.entity import Spec
from opencrm.errors import InputError
from opencrm.schemas import Loaded
from opencrm.services.commands import Delete, Restore, Update
from opencrm.services.records.named import hidden, match, states_of
from opencrm.services.writing.judging import judge

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work


def update(work: Work, commands: Sequence[Update[Any]]) -> tuple[JournalEntry, ...]:
    """Change fields of records.

    Raises:
        NotFound: There is no such record, or none that the principal may know of.
        ConflictError: With `if_match`: a field that the principal may read changed since.
        InputError, PermissionDenied, Objected, Duplicate: See `Work.apply`.
    """
    states = states_of(work, commands)
    changes = []
    for at, command in enumerate(commands):
        spec, before = work.entity(command.entity), states[command.id]
        match(work, spec, before, command.if_match)
        changes.append(_updated(work, at, spec, before, command.values))
    return applied(work, changes)


def delete(work: Work, commands: Sequence[Delete[Any]]) -> tuple[JournalEntry, ...]:
    """Take records away, so that they can be restored.

    Raises:
        NotFound, ConflictError, PermissionDenied, Objected: See `update`.
    """
    states = states_of(work, commands)
    for command in commands:
        match(work, work.entity(command.entity), states[command.id], command.if_match)
    return work.apply([deleted(work, work.entity(it.entity), states[it.id], work.now) for it in commands])


def restore(work: Work, commands: Sequence[Restore[Any]]) -> tuple[JournalEntry, ...]:
    """Bring deleted records back.

    Raises:
        NotFound: There is no such deleted record, or none that the principal may know of.
        Duplicate: A value that must be unique is taken meanwhile.
    """
    states = states_of(work, commands, deleted=True)
    return work.apply([deleted(work, work.entity(it.entity), states[it.id], None) for it in commands])


def given_of(work: Work, spec: Spec, raw: Mapping[str, Any]) -> Loaded:
    """Return the typed values of an update.

    Raises:
        InputError: Names each bad field, and each that the principal may not read.
    """
    return work.configuration.schemas.load_update(spec, raw, hidden=hidden(work, spec))


def updated(work: Work, spec: Spec, before: Values, given: Loaded) -> Change:
    """Return the change that gives a record these values; judges nothing.

    Raises:
        InputError: Something that is required would be missing.
    """
    after = {**before, **given}
    work.configuration.schemas.complete(spec, after)
    changed = any(after[name] != before[name] for name in spec.fields)
    return Change(
        spec.name, before["id"], Kind.CHANGED, before, {**after, "updated_at": work.now} if changed else after
    )


def _updated(work: Work, at: int, spec: Spec, before: Values, raw: Mapping[str, Any]) -> Change:
    try:
        return updated(work, spec, before, given_of(work, spec, raw))
    except InputError as error:
        raise InputError(error.fields, rows={at: error.fields}) from None


def applied(work: Work, changes: Sequence[Change]) -> tuple[JournalEntry, ...]:
    """Apply the changes that change something; for the others, say so without a line in the journal."""
    real = [change for change in changes if change.fields]
    judge(work, [change for change in changes if not change.fields])
    lines = {line.record_id: line for line in work.apply(real)} if real else {}
    return tuple(lines.get(change.id) or work.unchanged(change) for change in changes)


def deleted(work: Work, spec: Spec, before: Values, at: datetime | None) -> Change:
    """Return the change that takes a record away at an instant, or brings it back; judges nothing."""
    kind = Kind.RESTORED if at is None else Kind.DELETED
    return Change(spec.name, before["id"], kind, before, {**before, "deleted_at": at, "updated_at": work.now})
