"""Telling of tasks that change hands, and of appointments that move.

Whoever gets one is told what and when, whoever loses one that it is gone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from opencrm.core.access.principal import Principal
from opencrm.core.change import Change, Kind, Values
from opencrm.core.entities import Task
from opencrm.core.process.reactions import FINISHED, TASK
from opencrm.core.values import Id
from opencrm.errors import NotSignedIn
from opencrm.services.process.notifying import Told, tell
from opencrm.services.workspaces.signing_in import resolve

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

MOST = 20
"""Of how many tasks somebody is told one by one, where they change hands or move together."""
GIVEN = "New task: {title}"
TAKEN = "No longer yours"
MOVED = "Moved to another time: {title}"
FREED = "No longer an appointment: {title}"
_HANDS = (Kind.CREATED, Kind.CHANGED, Kind.ASSIGNED)


def tell_hands(work: Work, changes: Sequence[Change], past: Collection[Id]) -> None:
    """Tell people of open tasks that somebody else, or the system, gave them or took from them, or put elsewhere.

    Args:
        work: Whoever changed the tasks.
        changes: What was stored.
        past: The records that come with a history, of which nobody is told.
    """
    opened = [change for change in changes if change.entity == TASK and change.id not in past and _is_open(change)]
    moved = [change for change in opened if _moves(change)]
    put = [change for change in opened if not _moves(change) and _is_put_elsewhere(change)]
    told = [*_of_given(work, moved), *_of_taken(work, moved), *_of_put(work, put)]
    if told:
        tell(work, told, {(TASK, change.id): change.after for change in (*moved, *put)})


def _is_open(change: Change) -> bool:
    return change.kind in _HANDS and change.after["state"] not in FINISHED


def _moves(change: Change) -> bool:
    """Say whether an open task comes into other hands."""
    return bool(_had(change) != change.after["owner_id"])


def _is_put_elsewhere(change: Change) -> bool:
    return change.before is not None and _slot(change.before) != _slot(change.after)


def _slot(state: Values) -> tuple[datetime, datetime] | None:
    """Return from when to when an appointment is; None of what is none."""
    start, end = state["starts_at"], state["ends_at"]
    return None if start is None or end is None else (start, end)


def _had(change: Change) -> Id | None:
    return None if change.before is None else change.before["owner_id"]


def _of_given(work: Work, moved: Sequence[Change]) -> Iterator[Told]:
    for person, own in _by_person(work, {change.id: change.after["owner_id"] for change in moved}, moved):
        if len(own) > MOST:
            yield Told(person, f"{len(own)} new tasks, such as {{title}}", TASK, own[0].id)
        else:
            yield from (Told(person, GIVEN + _when(change), TASK, change.id) for change in own)


def _of_taken(work: Work, moved: Sequence[Change]) -> Iterator[Told]:
    """Tell who had tasks, by their names as they were: those they had may be out of their reach by now."""
    for person, own in _by_person(work, {change.id: _had(change) for change in moved}, moved):
        if len(own) > MOST:
            yield Told(person, f"{len(own)} tasks are no longer yours", TASK, own[0].id)
        else:
            names = _reads_titles(work, person)
            yield from (Told(person, TAKEN + (_named(change) if names else ""), TASK, change.id) for change in own)


def _of_put(work: Work, put: Sequence[Change]) -> Iterator[Told]:
    for person, own in _by_person(work, {change.id: change.after["owner_id"] for change in put}, put):
        if len(own) > MOST:
            yield Told(person, f"{len(own)} appointments were moved, such as {{title}}", TASK, own[0].id)
        else:
            yield from (Told(person, _put(change), TASK, change.id) for change in own)


def _put(change: Change) -> str:
    return FREED if _slot(change.after) is None else MOVED + _when(change)


def _by_person(
    work: Work, persons: Mapping[Id, Id | None], moved: Sequence[Change]
) -> Iterator[tuple[Id, Sequence[Change]]]:
    """Give people, but whoever does it or began what it follows from, each with their tasks."""
    found: defaultdict[Id, list[Change]] = defaultdict(list)
    for change in moved:
        person = persons[change.id]
        if person is not None and person != work.rights.user_id and f"user:{person}" != work.begun_by:
            found[person].append(change)
    yield from found.items()


def _when(change: Change) -> str:
    """Return when a task is to be done, as places that are filled for its reader: the appointment, else by when."""
    if _slot(change.after) is not None:
        return ", {starts_at} to {ends_at}"
    return "" if change.after["due_at"] is None else ", due {due_at}"


def _named(change: Change) -> str:
    assert change.before is not None
    return f": {change.before['title'].translate(_BRACES)}"


_BRACES = str.maketrans("{}", "()")


def _reads_titles(work: Work, person: Id) -> bool:
    """Say whether somebody may read what tasks are called; nobody who is gone may."""
    try:
        rights, _ = resolve(work.tx, work.workspace, Principal.user(person), work.now)
    except NotSignedIn:
        return False
    return "title" in rights.readable(work.entity(Task))
