"""A process told as a story: somebody sends a form, people finish tasks, and read what they are told.

Each step is followed by what a worker does at that moment; `crm.advance("16m")` lets time pass.
"""

from __future__ import annotations

from typing import Any

import attrs

from opencrm.app.crm import CRM
from opencrm.core.access.principal import Principal
from opencrm.core.conditions import All, Equal, In
from opencrm.core.entities import Task
from opencrm.core.values import Id
from opencrm.errors import NotFound
from opencrm.services import tasks
from opencrm.services.notifying import inbox as inboxes
from opencrm.services.process.submitting.forms import Given
from opencrm.services.reading.rows import Query, Record

_OPEN = ("open", "started", "paused")


@attrs.frozen
class Sent:
    """What came of a form that was sent.

    Attributes:
        contact: Whoever sent it, of a request.
        record: The record that it went to.
    """

    contact: Record | None
    record: Record

    @property
    def deal(self) -> Record:
        """The record, of forms that are about deals.

        Raises:
            NotFound: It went to something else, as where no deal could be made.
        """
        if self.record.entity != "deal":
            raise NotFound(f"what was sent went to a {self.record.entity}, and to no deal", entity="deal")
        return self.record


def submit(crm: CRM, form: str, /, *, by: Principal | None = None, once: str | None = None, **answers: Any) -> Sent:
    """Send a web form: `submit(crm, "request", name="Maria Lopez", phone="020 7183 8750").deal`.

    Args:
        crm: The workspace.
        form: The form's key.
        by: Who sends one about a record; by default the only owner. A request comes from a stranger.
        once: Tells this sending from others.
        answers: What is filled in. Of a form about a record, the record's id is named as its entity: `deal=deal.id`.

    Raises:
        NotFound: It was kept, and went to no record; says why.
    """
    shown = crm.forms.describe(form).form
    record = answers.pop(shown.about, None) if shown.about else None
    who = by or (crm.sole_owner() if shown.about else Principal.anonymous())
    given = Given(answers=answers, record=record, consent=shown.consent is not None, once=once)
    sent = crm.forms.submit(who, form, given)
    crm.worker().run_once()
    if sent.record_id is None:
        raise NotFound(f"the form {form!r} was kept and became no {sent.entity}: {sent.error}", entity=sent.entity)
    with crm.read(crm.sole_owner()) as reader:
        contact = None if sent.contact_id is None else reader.get(reader.entity("contact"), sent.contact_id)
        return Sent(contact, reader.get(reader.entity(sent.entity), sent.record_id))


class _Finish:
    """Finishes tasks; see `finish`."""

    def __call__(
        self, crm: CRM, one: Record, kind: str | None = None, /, *, by: Principal | None = None, **answers: Any
    ) -> Record:
        """Finish a task as whoever has to do it.

        Args:
            crm: The workspace.
            one: The task; or the record whose open task it is, the one that is due first.
            kind: The kind of task, of a record's.
            by: Who finishes it; by default whoever has to do it and, where nobody has, the only owner.
            answers: What its form asks for.

        Returns:
            The task, done.

        Raises:
            NotFound: The record has no such open task.
        """
        task = one if one.entity == Task.spec.name else self.next(crm, one, kind)
        who = by or (crm.sole_owner() if task.owner_id is None else Principal.user(task.owner_id))
        with crm.work(who) as work:
            tasks.finish(work, [tasks.Finish(task.id, answers or None)])
        crm.worker().run_once()
        return _task(crm, task.id)

    def next(self, crm: CRM, record: Record, kind: str | None = None, /) -> Record:
        """Return the open task about a record that is due first.

        Raises:
            NotFound: There is none.
        """
        with crm.read(crm.sole_owner()) as reader:
            subject = reader.configuration.catalogue.process.subjects[record.entity]
            where = All((Equal(subject, record.id), In("state", _OPEN)))
            found = [it for it in reader.list(Query(Task, where=where)) if kind in (None, it.kind)]
        if not found:
            raise NotFound(f"this {record.entity} has no open task {kind or ''}".rstrip(), entity=record.entity)
        return min(found, key=lambda it: (it.due_at is None, it.due_at, it.id))


finish = _Finish()
"""Finishes tasks: `finish(crm, task)`, or `finish(crm, deal, "measure", sizes=[...])` with what its form asks for.
`finish.next(crm, deal)` tells which task is next."""


def inbox(crm: CRM, who: Principal) -> list[str]:
    """Return what somebody was told, the oldest first, as they may read it.

    Args:
        crm: The workspace.
        who: Whose inbox.
    """
    with crm.read(who) as reader:
        return [it.text for it in reversed(inboxes.page(reader, limit=200).items)]


def _task(crm: CRM, id: Id) -> Record:
    with crm.read(crm.sole_owner()) as reader:
        return reader.get(Task, id)
