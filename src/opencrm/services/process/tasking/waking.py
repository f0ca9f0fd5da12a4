"""Doing what is due: the steps of tasks' ladders whose instant has come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, bindparam, exists, literal_column, select

from opencrm.core.change import Change, Kind, Values
from opencrm.core.columns import InstantColumn
from opencrm.core.entities import Task
from opencrm.core.entity import Spec
from opencrm.core.process.reactions import TASK, Source
from opencrm.core.process.tasks import Escalation, Rung
from opencrm.core.values import Id
from opencrm.services import assigning
from opencrm.services.commands import Assign
from opencrm.services.process import reacting
from opencrm.services.process.notifying import Told, tell
from opencrm.services.process.tasking import nobody, selecting
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

MOST = 50
"""How many tasks are woken in one transaction."""
AGAIN = "task"
"""The kind of the timers by which steps are tried again that could not be done."""


def next_at(tx: Transaction) -> datetime | None:
    """Return when the next task is to be woken."""
    task = Task.__table__

    def build() -> Select[Any]:
        waiting = (task.c.wakes_at.is_not(None), task.c.deleted_at.is_(None), ~_put_off())
        return select(task.c.wakes_at).where(*waiting).order_by(task.c.wakes_at).limit(1)

    rows = tx.query("next to wake", build, {})
    return rows[0]["wakes_at"] if rows else None


def due(work: Work) -> list[Id]:
    """Return the tasks whose next step is due, a number of them, locked; what others have locked is left to them."""
    task = Task.__table__

    def build() -> Select[Any]:
        now = task.c.wakes_at <= bindparam("now", type_=InstantColumn())
        found = select(task.c.id).where(now, task.c.deleted_at.is_(None), ~_put_off())
        found = found.order_by(task.c.wakes_at).limit(MOST)
        return found if work.tx.sqlite else found.with_for_update(skip_locked=True)

    return [row["id"] for row in work.tx.query("due tasks", build, {"now": work.now})]


def wake(work: Work, ids: Sequence[Id]) -> None:
    """Do the steps of tasks that are due, and set when each is to be woken again.

    Args:
        work: As the system.
        ids: The tasks, locked.
    """
    states = work.states(work.entity(Task), ids)
    for state in states.values():
        if state["wakes_at"] is not None and state["wakes_at"] <= work.now:
            _wake(work, state)


def stepped(work: Work, state: Values) -> tuple[Values, Source, Sequence[Rung]]:
    """Return a task after the steps that are due, whose they are, and these steps."""
    process = work.configuration.catalogue.process
    automation, spec = process.tasks.get(state["kind"] or "", ("", process.task(None)))
    ladder = spec.ladder(state["due_at"], process.calendar(spec))
    passed = sum(rung.at <= work.now for rung in ladder)
    after = {**state, "rung": passed, "wakes_at": ladder[passed].at if passed < len(ladder) else None}
    begin = sum(rung.at < state["wakes_at"] for rung in ladder)
    return {**after, "updated_at": work.now}, Source(automation, spec.key), ladder[begin:passed]


def _put_off() -> ColumnElement[bool]:
    """Say in SQL that a task's step could not be done, and is tried again by a timer."""
    task, timer = Task.__table__, tables.timer
    mine = (timer.c.entity == literal_column(f"'{TASK}'"), timer.c.record_id == task.c.id)
    return exists().where(*mine, timer.c.kind == literal_column(f"'{AGAIN}'"), timer.c.due_at > task.c.wakes_at)


def _wake(work: Work, state: Values) -> None:
    after, source, rungs = stepped(work, state)
    with work.named(source.name if source.automation else None):
        [line] = work.apply([Change(TASK, state["id"], Kind.CHANGED, state, after)])
        for rung in once(rungs):
            if rung.escalation is not None:
                escalate(work, source, rung.escalation, work.entity(Task), state)
            else:
                reacting.overdue(work, state, source.name, line.entry_id)


def once(rungs: Sequence[Rung]) -> Iterator[Rung]:
    """Give the steps to do; of one that came several times while nobody was there, the last, and no reminder of what
    is due already."""
    is_due = any(rung.escalation is None for rung in rungs)
    last = {rung.escalation: rung for rung in rungs}
    for escalation, rung in last.items():
        if not (is_due and escalation is not None and escalation.at.startswith("-")):
            yield rung


def escalate(work: Work, source: Source, escalation: Escalation, spec: Spec, state: Values) -> None:
    """Tell who is to be told of a record; where nobody is found, the head of its unit, or who answers for it else."""
    person = selecting.find(work, escalation.to, state) or selecting.head_of_unit(work, state.get("unit_id"))
    if person is None:
        nobody.tell_instead(work, spec, [state], escalation.text)
        return
    tell(work, [Told(person, escalation.text, spec.name, state["id"], how=escalation.how)])
    if escalation.reassign and person != state.get("owner_id"):
        with work.reacting_as(source) as inner:
            assigning.assign(inner, [Assign(spec, state["id"], owner=person)])
