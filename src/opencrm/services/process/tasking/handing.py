"""Telling of tasks that change hands: whoever gets one is told what and when, whoever loses one that it is gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from opencrm.core.access.principal import Principal
from opencrm.core.change import Change, Kind
from opencrm.core.entities import Task
from opencrm.core.process.reactions import FINISHED, TASK
from opencrm.core.values import Id
from opencrm.errors import NotSignedIn
from opencrm.services.process.notifying import Told, tell
from opencrm.services.workspaces.signing_in import resolve

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

MOST = 20
"""Of how many tasks somebody is told one by one, where they change hands together."""
GIVEN = "New task: {title}"
TAKEN = "No longer yours"
_HANDS = (Kind.CREATED, Kind.CHANGED, Kind.ASSIGNED)


def tell_hands(work: Work, changes: Sequence[Change], past: Collection[Id]) -> None:
    """Tell people of open tasks that somebody else, or the system, gave them or took from them.

    Args:
        work: Whoever changed the tasks.
        changes: What was stored.
        past: The records that come with a history, of which nobody is told.
    """
    moved = [change for change in changes if change.entity == TASK and change.id not in past and _moves(change)]
    if not moved:
        return
    told = [*_of_given(work, moved), *_of_taken(work, moved)]
    if told:
        tell(work, told, {(TASK, change.id): change.after for change in moved})


def _moves(change: Change) -> bool:
    """Say whether an open task comes into other hands."""
    opened = change.kind in _HANDS and change.after["state"] not in FINISHED
    return opened and _had(change) != change.after["owner_id"]


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
    after = change.after
    if after["starts_at"] is not None and after["ends_at"] is not None:
        return ", {starts_at} to {ends_at}"
    return "" if after["due_at"] is None else ", due {due_at}"


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
