"""Reach that is measured otherwise than from a unit: of who shares, stands in for somebody, or is a client."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped

from opencrm.core.access.grants import check_actions, check_entities
from opencrm.core.entities.base import Core
from opencrm.core.entities.contact import Contact
from opencrm.core.entities.workspace.organisation import User, check_period
from opencrm.core.entity import Options
from opencrm.core.fields import Instant, Key, RecordId, Reference, Structured, field
from opencrm.core.locale import Locale
from opencrm.errors import InputError


def _two_people(values: dict[str, Any], locale: Locale) -> None:
    check_period(values, locale)
    if values.get("of_id") is not None and values.get("of_id") == values.get("to_id"):
        raise InputError({"to_id": ["must be somebody else: nobody stands in for themselves"]})


class Share(Core):
    """A record that somebody lets another person work with, as far as they may themselves: `created_by` tells who."""

    options = Options(
        display="user_id",
        part_of=("record_id",),
        part_action="share",
        unique=(("entity", "record_id", "user_id", "created_by"),),
    )

    entity: Mapped[str] = field(Key(100), required=True, help="The record's entity, such as deal.")
    record_id: Mapped[str] = field(RecordId(), label="Record", required=True)
    user_id: Mapped[str] = field(Reference(User), label="With", required=True)
    actions: Mapped[Any] = field(
        Structured(check_actions), required=True, help="What the person may do: read, and perhaps update, export ..."
    )
    until: Mapped[datetime | None] = field(Instant(), help="When it ends; empty for never.")


class Deputy(Core):
    """Somebody who stands in for another person for a time; never in what is administrative."""

    options = Options(plural="deputies", organisation=True, display="to_id", derive=_two_people)

    of_id: Mapped[str] = field(Reference(User), label="Stands in for", required=True)
    to_id: Mapped[str] = field(Reference(User), label="Deputy", required=True)
    valid_from: Mapped[datetime | None] = field(Instant())
    valid_to: Mapped[datetime] = field(Instant(), required=True)
    entities: Mapped[Any] = field(Structured(check_entities), help="Names of entities; empty for all.")


class Customer(Core):
    """A client who signs in: whatever their roles grant, they reach what is linked to their contact."""

    options = Options(organisation=True, display="user_id", unique=(("user_id",),))

    user_id: Mapped[str] = field(Reference(User), required=True)
    contact_id: Mapped[str] = field(Reference(Contact), required=True)
