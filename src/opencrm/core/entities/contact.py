"""People, how to reach them, and where they work."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy.orm import Mapped

from opencrm.core.entities.base import Core, Owned
from opencrm.core.entity import Options
from opencrm.core.fields import Choice, Day, Key, Reference, Text, YesNo, field
from opencrm.core.locale import Locale
from opencrm.core.points import point_key
from opencrm.errors import InputError


def _full_name(values: dict[str, Any], _locale: Locale) -> None:
    """Make the full name of its parts, where only they are given."""
    if values.get("name") is None:
        parts = [values.get("first_name"), values.get("last_name")]
        values["name"] = " ".join(part for part in parts if part)[:200] or None


def _point_key(values: dict[str, Any], locale: Locale) -> None:
    """Check a contact point's value by its kind, and keep its normal form beside it."""
    if values.get("contact_id") is None and values.get("company_id") is None:
        raise InputError({"contact_id": ["or company_id is required: whose contact point is it?"]})
    if values.get("kind") is None or values.get("value") is None:
        return
    try:
        values["key"] = point_key(values["kind"], values["value"], locale.region)
    except ValueError as error:
        raise InputError({"value": [str(error)]}) from None


class Contact(Owned, Core):
    """A person."""

    options = Options(lookup=("name",), derive=_full_name)

    name: Mapped[str] = field(Text(200, folded=True), label="Full name", required=True, indexed=True, searchable=True)
    first_name: Mapped[str | None] = field(Text(100, folded=True))
    last_name: Mapped[str | None] = field(Text(100, folded=True))
    birthday: Mapped[date | None] = field(Day(), sensitive="personal")
    source: Mapped[str | None] = field(Text(100, folded=True))
    description: Mapped[str | None] = field(Text(20_000, lines=True), searchable=True)


class ContactPoint(Core):
    """One way to reach a contact or a company."""

    options = Options(
        display="value",
        part_of=("contact_id", "company_id"),
        nested="points",
        derive=_point_key,
        lookup=("key",),
    )

    contact_id: Mapped[str | None] = field(Reference(Contact))
    company_id: Mapped[str | None] = field(Reference("company"))
    kind: Mapped[str] = field(
        Choice({"email": "E-mail", "phone": "Phone", "messenger": "Messenger", "address": "Address"}),
        required=True,
    )
    value: Mapped[str] = field(Text(500), required=True, searchable=True)
    key: Mapped[str] = field(
        Key(254), label="Normal form", required=True, changed_by="system", settable=False, indexed=True
    )
    label: Mapped[str | None] = field(Text(50))
    preferred: Mapped[bool] = field(YesNo(), required=True, default=False)
    valid: Mapped[bool] = field(YesNo(), required=True, default=True)
    consent: Mapped[str] = field(
        Choice({"unknown": "Unknown", "given": "Given", "withdrawn": "Withdrawn"}),
        required=True,
        default="unknown",
    )


class Employment(Core):
    """A contact's position in a company, for a time."""

    options = Options(display="position", part_of=("contact_id",), nested="employments")

    contact_id: Mapped[str] = field(Reference(Contact), required=True)
    company_id: Mapped[str] = field(Reference("company"), required=True)
    position: Mapped[str | None] = field(Text(200, folded=True))
    since: Mapped[date | None] = field(Day())
    until: Mapped[date | None] = field(Day())
    is_primary: Mapped[bool] = field(YesNo(), label="Main employment", required=True, default=True)
