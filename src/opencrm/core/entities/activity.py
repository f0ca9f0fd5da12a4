"""What happened between us and a client."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped

from opencrm.core.entities.base import Core, Owned
from opencrm.core.entity import Options
from opencrm.core.fields import Choice, Instant, Reference, Text, Whole, field


class Activity(Owned, Core):
    """A touchpoint: a call, a meeting, a letter, a note."""

    options = Options(plural="activities", display="subject")

    kind: Mapped[str] = field(
        Choice({"note": "Note", "call": "Call", "meeting": "Meeting", "email": "E-mail", "message": "Message"}),
        required=True,
        default="note",
    )
    subject: Mapped[str | None] = field(Text(200, folded=True), searchable=True)
    body: Mapped[str | None] = field(Text(100_000, lines=True), label="Text", searchable=True)
    happened_at: Mapped[datetime | None] = field(Instant(), label="When", indexed=True)
    minutes: Mapped[int | None] = field(Whole(0, 100_000), label="Duration in minutes")
    direction: Mapped[str | None] = field(Choice({"in": "From the client", "out": "To the client"}))
    contact_id: Mapped[str | None] = field(Reference("contact"))
    company_id: Mapped[str | None] = field(Reference("company"))
    deal_id: Mapped[str | None] = field(Reference("deal"))
