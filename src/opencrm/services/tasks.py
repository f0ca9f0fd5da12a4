"""What people do with tasks: start, pause, finish and cancel them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.change import JournalEntry, Values
from opencrm.core.entities import Task
from opencrm.core.entity import Spec
from opencrm.core.process.states import BEFORE
from opencrm.core.values import Id
from opencrm.errors import DomainError
from opencrm.services.commands import Update
from opencrm.services.process.entering import asking
from opencrm.services.records import states_of, update

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work


@attrs.frozen
class Finish:
    """That a task is done.

    Args:
        id: The task.
        answers: What its form asks for: `{"amount": "4800"}`, or `{"sizes": [{...}, {...}]}` of records of their own.
        result: What came of it, in words.
        if_match: The tag that the task must bear.
    """

    id: Id
    answers: Mapping[str, Any] | None = attrs.field(default=None, hash=False)
    result: str | None = None
    if_match: str | None = attrs.field(default=None, kw_only=True)


def start(work: Work, ids: Sequence[Id]) -> tuple[JournalEntry, ...]:
    """Say that somebody is at tasks now; from here their time is counted.

    Raises:
        DomainError: A task is under way, done or cancelled already.
        NotFound, ConflictError, PermissionDenied, Objected: See `records.update`.
    """
    return _brought(work, "started", [Update(Task, id) for id in ids])


def pause(work: Work, ids: Sequence[Id]) -> tuple[JournalEntry, ...]:
    """Say that nobody is at tasks for now; raises like `start`."""
    return _brought(work, "paused", [Update(Task, id) for id in ids])


def cancel(work: Work, ids: Sequence[Id], *, result: str | None = None) -> tuple[JournalEntry, ...]:
    """Say that tasks are not to be done, and why; raises like `start`."""
    said = {} if result is None else {"result": result}
    return _brought(work, "cancelled", [Update(Task, id, values=said) for id in ids])


def finish(work: Work, commands: Sequence[Finish]) -> tuple[JournalEntry, ...]:
    """Say that tasks are done; what was filled in goes into their records in the same transaction.

    Raises:
        InputError: An answer cannot be used; names it as `answers.NAME`.
        RequirementMissing: A task's form is not filled in; tells what it asks for.
        DomainError: A task is done or cancelled already.
        NotFound, ConflictError, PermissionDenied, Objected: See `records.update`.
    """
    return _brought(work, "done", [Update(Task, it.id, values=_said(it), if_match=it.if_match) for it in commands])


def form(reader: Reader, id: Id) -> dict[str, Any] | None:
    """Return what a task asks for before it is done, as JSON Schema; None where it asks for nothing.

    Raises:
        NotFound: There is no such task, or none that the reader may know of.
    """
    task = reader.get(Task, id)
    found = reader.configuration.catalogue.process.task(_whole(reader, task.id)["kind"]).form
    about = _about(reader, task.id)
    if found is None or about is None:
        return None
    return asking.described(reader, about, found)


def _about(reader: Reader, id: Id) -> Spec | None:
    subject = reader.configuration.catalogue.process.subject(_whole(reader, id))
    return None if subject is None else reader.configuration.catalogue.entities.get(subject[0])


def _whole(reader: Reader, id: Id) -> Values:
    return reader.states(reader.entity(Task), [id])[id]


def _said(it: Finish) -> dict[str, Any]:
    given = {"answers": it.answers, "result": it.result}
    return {name: value for name, value in given.items() if value is not None}


def _brought(work: Work, state: str, commands: Sequence[Update[Any]]) -> tuple[JournalEntry, ...]:
    for task in states_of(work, commands).values():
        if task["state"] not in BEFORE[state]:
            text = f"this task is {task['state']}: it cannot become {state}"
            raise DomainError(text, entity=Task.spec.name, state=task["state"])
    given = [{**it.values, "state": state} for it in commands]
    return update(
        work,
        [Update(Task, it.id, values=said, if_match=it.if_match) for it, said in zip(commands, given, strict=True)],
    )
