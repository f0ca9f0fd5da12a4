"""Giving tasks: each by its declaration, for any number of records at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from opencrm.core.change import Change, Kind, Values
from opencrm.core.entities import Task
from opencrm.core.entity import Spec
from opencrm.core.process.reactions import TASK
from opencrm.core.process.tasks import TaskSpec
from opencrm.core.values import Id
from opencrm.errors import ConfigurationError
from opencrm.services.process.rendering import Words
from opencrm.services.process.tasking import nobody, selecting, standing
from opencrm.services.process.tasking.appointing import Diary

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

_LONGEST = 200


def give(work: Work, task: TaskSpec, spec: Spec, states: Sequence[Values], causes: Sequence[Id]) -> None:
    """Give tasks about records of an entity; one that nobody can have waits in its unit, whose head is told.

    One that `stays` is not given again about a record about which it is still open.

    Args:
        work: As whoever gives them.
        task: The declaration.
        spec: The records' entity.
        states: The records.
        causes: For each, the journal's line that it reacts to.

    Raises:
        ConfigurationError: Tasks have no field that refers to such records.
    """
    subject = work.configuration.catalogue.process.subjects.get(spec.name)
    if subject is None:
        text = f"task {task.key!r}: tasks have no field that refers to {spec.name}: add one to the entity task"
        raise ConfigurationError(text, entity=spec.name, task=task.key)
    several = _wanting(work, task, spec, zip_longest(states, causes))
    diary = None if task.slot is None else Diary(work, task)
    made = [_made(work, task, spec, state, subject, diary) for state, _ in several]
    work.apply(made, causes=[cause for _, cause in several if cause is not None])
    waiting = [
        {**it.after, "owner_id": state.get("owner_id")}
        for it, (state, _) in zip(made, several, strict=True)
        if it.after["owner_id"] is None
    ]
    nobody.tell_instead(work, work.entity(Task), waiting, nobody.WAITS)


def _wanting(
    work: Work, task: TaskSpec, spec: Spec, several: Iterable[tuple[Values, Id | None]]
) -> Sequence[tuple[Values, Id | None]]:
    """Return the records about which a task is to be given, with what they react to."""
    found = list(several)
    if not task.stays:
        return found
    standing_for = {*standing.open_tasks(work, spec, [state["id"] for state, _ in found], [task.key]).values()}
    return [(state, cause) for state, cause in found if state["id"] not in standing_for]


def _made(  # all that a task is made of
    work: Work, task: TaskSpec, spec: Spec, state: Values, subject: str, diary: Diary | None
) -> Change:
    words, calendar = Words(work, spec, state), work.configuration.catalogue.process.calendar(task)
    within = words.duration(task.due)
    id = work.new_id()
    person = selecting.find(work, task.owner, state, diary)
    start, end = (None, None) if diary is None or person is None else diary.book(person)
    values: dict[str, Any] = {
        **work.entity(Task).once(_blank),
        "id": id,
        "title": words.text(task.title)[:_LONGEST] or task.key,
        "kind": task.key,
        "due_at": end if within is None else calendar.add(work.now, within),
        "starts_at": start,
        "ends_at": end,
        "owner_id": person,
        "unit_id": state.get("unit_id"),
        subject: state["id"],
        "created_at": work.now,
        "updated_at": work.now,
        "created_by": work.rights.name,
        "version": 1,
    }
    return Change(TASK, id, Kind.CREATED, None, values)


def _blank(spec: Spec) -> dict[str, Any]:
    return {name: field.default for name, field in spec.fields.items()}
