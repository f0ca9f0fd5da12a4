"""Appointments: where a task with a slot is put, so that nobody is in two places at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, bindparam, select

from opencrm.core.columns import IdColumn, InstantColumn
from opencrm.core.entities import Task
from opencrm.core.process.reactions import FINISHED
from opencrm.core.process.tasks import TaskSpec
from opencrm.core.process.timing.calendars import Stretch
from opencrm.core.process.timing.slots import free_slot
from opencrm.core.values import Id
from opencrm.storage.statements import padded

if TYPE_CHECKING:
    from opencrm.services.writing.block import Block


class Diary:
    """What people have on in the hours of one kind of task: of two givers at once, the second waits.

    Args:
        work: The work block; whose diary was looked into stays held until its transaction ends.
        task: The kind of task; it has a slot.
    """

    def __init__(self, work: Block, task: TaskSpec) -> None:
        self._work = work
        self._length = task.slot or "0s"
        self._calendar = work.configuration.catalogue.process.calendar(task)
        self._busy: dict[Id, list[Stretch]] = {}

    def first(self, people: Sequence[Id]) -> Id:
        """Return the one of some people who is free first; of several at once, whoever has the least on."""
        self._look(people)
        return min(people, key=lambda person: (self._free(person), len(self._busy[person]), person))

    def book(self, person: Id) -> Stretch:
        """Take a person's first free time, and return it."""
        self._look([person])
        found = self._free(person)
        self._busy[person].append(found)
        return found

    def _free(self, person: Id) -> Stretch:
        return free_slot(self._calendar, self._length, self._busy[person], self._work.now)

    def _look(self, people: Sequence[Id]) -> None:
        """Read what people have on, once each."""
        new = sorted({person for person in people if person not in self._busy})
        for person in new:
            self._work.tx.hold(f"diary {person}")
        if new:
            self._busy |= _appointments(self._work, new)


def _appointments(work: Block, people: Sequence[Id]) -> dict[Id, list[Stretch]]:
    """Return when people are taken from now on, by their open tasks."""
    wanted, task = padded(people), Task.__table__

    def build() -> Select[Any]:
        mine = task.c.owner_id.in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(len(wanted))])
        still = (and_(*[task.c.state != state for state in FINISHED]), task.c.deleted_at.is_(None))
        ahead = (task.c.starts_at.is_not(None), task.c.ends_at > bindparam("now", type_=InstantColumn()))
        return select(task.c.owner_id, task.c.starts_at, task.c.ends_at).where(mine, *still, *ahead)

    given: dict[str, Id | datetime] = {f"i{at}": id for at, id in enumerate(wanted)}
    found: dict[Id, list[Stretch]] = {person: [] for person in people}
    for row in work.tx.query(("appointments", len(wanted)), build, given | {"now": work.now}):
        found[row["owner_id"]].append((row["starts_at"], row["ends_at"]))
    return found
