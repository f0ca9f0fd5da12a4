"""The company's tree, its people and what they may do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped

from opencrm.core.access.grants import check_field_rules, check_grants
from opencrm.core.entities.base import Core
from opencrm.core.entity import Options
from opencrm.core.fields import Email, Instant, Key, Reference, Structured, Text, Whole, YesNo, field
from opencrm.core.locale import Locale
from opencrm.errors import InputError


def check_period(values: dict[str, Any], _locale: Locale) -> None:
    """Refuse a time that ends before it begins."""
    start, end = values.get("valid_from"), values.get("valid_to")
    if start is not None and end is not None and end <= start:
        raise InputError({"valid_to": ["must come after valid_from"]})


class Unit(Core):
    """A node of the company's tree: company, branch, department, team."""

    options = Options(organisation=True, lookup=("name",))

    name: Mapped[str] = field(Text(200, folded=True), required=True)
    parent_id: Mapped[str | None] = field(Reference("unit"), label="Part of")


class User(Core):
    """A person who works in this CRM; without an e-mail they cannot sign in."""

    options = Options(organisation=True, unique=(("email",),), lookup=("email", "name"))

    name: Mapped[str] = field(Text(200, folded=True), required=True, searchable=True)
    email: Mapped[str | None] = field(Email(), label="E-mail")
    active: Mapped[bool] = field(YesNo(), required=True, default=True)
    language: Mapped[str | None] = field(Key(16))
    zone: Mapped[str | None] = field(Key(64), label="Time zone")


class Role(Core):
    """A set of grants that people hold through memberships."""

    options = Options(organisation=True, unique=(("key",),), lookup=("key", "name"))

    key: Mapped[str] = field(Key(64), required=True)
    name: Mapped[str] = field(Text(200, folded=True), required=True)
    rank: Mapped[int] = field(Whole(0, 1_000_000), required=True, default=0)
    grants: Mapped[Any] = field(Structured(check_grants))
    delegable: Mapped[Any] = field(Structured(check_grants))
    field_rules: Mapped[Any] = field(Structured(check_field_rules))
    home_unit_id: Mapped[str | None] = field(Reference("unit"))


class Membership(Core):
    """A user's place: in which unit, in which role, from when to when.

    The same person has the same role in the same unit once at a time.
    """

    options = Options(
        organisation=True,
        display="user_id",
        nested="memberships",
        nested_in=("user_id",),
        derive=check_period,
    )

    user_id: Mapped[str] = field(Reference(User), required=True)
    unit_id: Mapped[str] = field(Reference(Unit), required=True)
    role_id: Mapped[str] = field(Reference(Role), required=True)
    is_head: Mapped[bool] = field(YesNo(), label="Head of the unit", required=True, default=False)
    is_primary: Mapped[bool] = field(YesNo(), label="Main place", required=True, default=True)
    valid_from: Mapped[datetime | None] = field(Instant())
    valid_to: Mapped[datetime | None] = field(Instant())
