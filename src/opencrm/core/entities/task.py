"""What somebody has to do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped

from opencrm.core.conditions import In
from opencrm.core.entities.base import Core, Owned
from opencrm.core.entity import Options
from opencrm.core.fields import Choice, Instant, Key, Reference, Structured, Text, Whole, field
from opencrm.core.locale import Locale
from opencrm.errors import InputError


def check_answers(raw: Any) -> dict[str, Any]:
    """Return what was filled in: a value for each name.

    Raises:
        ValueError: It is no object with names.
    """
    if not isinstance(raw, dict) or not all(isinstance(name, str) for name in raw):
        raise ValueError("must be an object with a value for each field")
    return raw


def _slot(values: dict[str, Any], _locale: Locale) -> None:
    start, end = values.get("starts_at"), values.get("ends_at")
    if start is not None and end is not None and end < start:
        raise InputError({"ends_at": ["must not come before starts_at"]})


class Task(Owned, Core):
    """Something to be done; its owner is the person who has to do it."""

    options = Options(display="title", derive=_slot, participation=In("state", ("open", "started", "paused")))

    title: Mapped[str] = field(Text(200, folded=True), required=True, searchable=True)
    state: Mapped[str] = field(
        Choice(
            {
                "open": "Open",
                "started": "Started",
                "paused": "Paused",
                "done": "Done",
                "cancelled": "Cancelled",
            }
        ),
        required=True,
        default="open",
    )
    due_at: Mapped[datetime | None] = field(Instant(), label="Due", indexed=True)
    starts_at: Mapped[datetime | None] = field(Instant(), label="From")
    ends_at: Mapped[datetime | None] = field(Instant(), label="To")
    done_at: Mapped[datetime | None] = field(Instant(), label="Done", changed_by="system", settable=False)
    kind: Mapped[str | None] = field(
        Key(64), changed_by="system", settable=False, help="The declaration that it comes from; empty for one by hand."
    )
    answers: Mapped[Any] = field(Structured(check_answers), help="What was filled in, by the form of its kind.")
    spent: Mapped[int | None] = field(Whole(0, 10**9), label="Time spent, seconds", changed_by="system", settable=False)
    active_since: Mapped[datetime | None] = field(Instant(), changed_by="system", settable=False)
    wakes_at: Mapped[datetime | None] = field(
        Instant(), label="Next reminder", indexed=True, changed_by="system", settable=False
    )
    rung: Mapped[int | None] = field(Whole(0, 100_000), label="Reminders so far", changed_by="system", settable=False)
    result: Mapped[str | None] = field(Text(20_000, lines=True), searchable=True)
    contact_id: Mapped[str | None] = field(Reference("contact"))
    company_id: Mapped[str | None] = field(Reference("company"))
    deal_id: Mapped[str | None] = field(Reference("deal"))
