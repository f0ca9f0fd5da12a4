"""What is sold, and at what price when."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Mapped

from opencrm.core.entities.base import Core
from opencrm.core.entities.money import needs_currency
from opencrm.core.entity import Options
from opencrm.core.fields import Amount, Currency, Day, Key, Reference, Text, YesNo, field


class Product(Core):
    """A good or a service."""

    options = Options(unique=(("sku",),), lookup=("sku", "name"))

    name: Mapped[str] = field(Text(200, folded=True), required=True, searchable=True)
    sku: Mapped[str | None] = field(Key(64), label="SKU", searchable=True)
    series: Mapped[str | None] = field(Text(100, folded=True))
    unit: Mapped[str | None] = field(Text(20), label="Unit of measure")
    active: Mapped[bool] = field(YesNo(), required=True, default=True)
    description: Mapped[str | None] = field(Text(20_000, lines=True), searchable=True)


class Price(Core):
    """A product's price, for a time."""

    options = Options(display="amount", part_of=("product_id",), nested="prices", derive=needs_currency("amount"))

    product_id: Mapped[str] = field(Reference(Product), required=True)
    amount: Mapped[Decimal] = field(Amount(), required=True)
    currency: Mapped[str] = field(Currency(), required=True)
    valid_from: Mapped[date | None] = field(Day())
    valid_to: Mapped[date | None] = field(Day())
