"""Sales in the making."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Mapped

from opencrm.core.entities.base import Core, Owned
from opencrm.core.entities.contact import Contact
from opencrm.core.entities.money import needs_currency, precision
from opencrm.core.entities.product import Product
from opencrm.core.entities.staged import Staged
from opencrm.core.entity import Options
from opencrm.core.fields import Amount, Choice, Currency, Day, Instant, Number, Reference, Text, Whole, field
from opencrm.core.locale import Locale
from opencrm.errors import InputError


def _line_total(values: dict[str, Any], _locale: Locale) -> None:
    quantity, price, discount = (
        values.get("quantity"),
        values.get("price"),
        values.get("discount") or Decimal(),
    )
    if not 0 <= discount <= 100:
        raise InputError({"discount": ["must lie between 0 and 100"]})
    if quantity is not None and price is not None:
        places = precision(values["currency"]) if values.get("currency") else 2
        total = quantity * price * (100 - discount) / 100
        if abs(total) >= Decimal(10) ** 14:
            raise InputError({"quantity": ["makes the line's total too large"]})
        values["total"] = round(total, places)


class Deal(Owned, Staged, Core):
    """A sale in the making, or a lead: a deal in a pipeline of kind *leads*."""

    options = Options(display="title", derive=needs_currency("amount"))

    title: Mapped[str] = field(Text(200, folded=True), required=True, indexed=True, searchable=True)
    contact_id: Mapped[str | None] = field(Reference(Contact, carries=("read", ("*",))))
    company_id: Mapped[str | None] = field(Reference("company", carries=("read", ("*",))))
    amount: Mapped[Decimal | None] = field(Amount(), indexed=True)
    currency: Mapped[str | None] = field(Currency())
    amount_from: Mapped[str] = field(
        Choice({"hand": "Entered by hand", "lines": "Sum of the lines"}),
        label="Amount is",
        required=True,
        default="hand",
    )
    expected_close: Mapped[date | None] = field(Day(), indexed=True)
    closed_at: Mapped[datetime | None] = field(Instant(), label="Closed", changed_by="move", settable=False)
    source: Mapped[str | None] = field(Text(100, folded=True))
    lost_reason: Mapped[str | None] = field(Text(200, folded=True))
    description: Mapped[str | None] = field(Text(20_000, lines=True), searchable=True)


class DealLine(Core):
    """One position of a deal; keeps the price at which it was offered."""

    options = Options(display="title", part_of=("deal_id",), nested="lines", derive=_line_total)

    deal_id: Mapped[str] = field(Reference(Deal), required=True)
    product_id: Mapped[str | None] = field(Reference(Product))
    title: Mapped[str | None] = field(Text(200, folded=True))
    quantity: Mapped[Decimal] = field(Number(), required=True, default=Decimal(1))
    price: Mapped[Decimal] = field(Amount(), label="Price of one", required=True, default=Decimal(0))
    currency: Mapped[str | None] = field(Currency())
    discount: Mapped[Decimal | None] = field(Number(), label="Discount, %")
    total: Mapped[Decimal] = field(Amount(), required=True, changed_by="system", settable=False)
    position: Mapped[int] = field(Whole(0, 100_000), required=True, default=0)
