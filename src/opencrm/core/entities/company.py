"""Companies that one sells to, buys from or works with."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy.orm import Mapped

from opencrm.core.entities.base import Core, Owned
from opencrm.core.entities.money import needs_currency
from opencrm.core.entity import Options
from opencrm.core.fields import Amount, Currency, Link, Reference, Text, Whole, field


class Company(Owned, Core):
    """An organisation outside one's own."""

    options = Options(plural="companies", lookup=("name",), derive=needs_currency("revenue"))

    name: Mapped[str] = field(Text(200, folded=True), required=True, indexed=True, searchable=True)
    industry: Mapped[str | None] = field(Text(100, folded=True))
    founded: Mapped[int | None] = field(Whole(0, 9999), label="Founded in")
    employees: Mapped[int | None] = field(Whole(0, 2**31 - 1))
    revenue: Mapped[Decimal | None] = field(Amount(), label="Revenue a year")
    currency: Mapped[str | None] = field(Currency())
    website: Mapped[str | None] = field(Link(), searchable=True)
    country: Mapped[str | None] = field(Text(100, folded=True))
    city: Mapped[str | None] = field(Text(100, folded=True))
    parent_id: Mapped[str | None] = field(Reference("company"), label="Subsidiary of")
    description: Mapped[str | None] = field(Text(20_000, lines=True), searchable=True)
