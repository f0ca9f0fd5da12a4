"""What the company keeps besides contacts and deals: measurements and payments."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Mapped

from opencrm import (
    AddedField,
    Amount,
    Choice,
    Currency,
    Deal,
    Entity,
    Options,
    Owned,
    Reference,
    Rollup,
    Text,
    Whole,
    field,
)
from opencrm.embed import Locale

HEAT = {"hot": "As soon as possible", "warm": "Within three months", "cold": "I am looking around"}


class Base(Entity, prefix="windows"):
    """The company's own entities."""


class Measurement(Owned, Base):
    """One window, as it was measured."""

    room: Mapped[str] = field(Text(100), required=True)
    width: Mapped[int] = field(Whole(100, 10_000), label="Width, mm", required=True)
    height: Mapped[int] = field(Whole(100, 10_000), label="Height, mm", required=True)
    deal_id: Mapped[str] = field(Reference(Deal), required=True)


def _in_our_currency(values: dict[str, Any], locale: Locale) -> None:
    """Take money of which nothing else is said for the company's own."""
    values["currency"] = values.get("currency") or locale.currency


class Payment(Owned, Base):
    """Money that came."""

    options = Options(derive=_in_our_currency)

    amount: Mapped[Decimal] = field(Amount(least="0.01"), required=True)
    currency: Mapped[str | None] = field(Currency())
    deal_id: Mapped[str] = field(Reference(Deal), required=True)


def added() -> Iterator[AddedField]:
    """Give the fields that deals have here."""
    paid = Rollup(over="windows_payment", by="deal_id", measure="sum", of="amount")
    yield AddedField(entity="deal", name="windows_heat", type=Choice(HEAT), label="When do you need them?")
    yield AddedField(entity="deal", name="windows_address", type=Text(200), label="Where the windows are")
    yield AddedField(entity="deal", name="windows_paid", type=Amount(), label="Paid", rollup=paid)
