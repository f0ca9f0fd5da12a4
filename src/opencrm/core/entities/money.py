"""What records with amounts have in common."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

from opencrm.core.entity import Derive
from opencrm.core.locale import Locale
from opencrm.errors import InputError


def needs_currency(*amounts: str) -> Derive:
    """Return a step that gives a record's amounts the workspace's currency, unless it names one.

    An amount finer than its currency (half a cent) is refused.
    """

    def derive(values: dict[str, Any], locale: Locale) -> None:
        named = [name for name in amounts if values.get(name) is not None]
        if named and values.get("currency") is None:
            values["currency"] = locale.currency
        for name in named:
            check_precision(name, values[name], values["currency"])

    return derive


def check_precision(name: str, amount: Decimal, currency: str) -> None:
    """Refuse an amount that the currency cannot pay.

    Raises:
        InputError: The amount has more decimal places than the currency.
    """
    places = precision(currency)
    if amount != round(amount, places):
        raise InputError({name: [f"has more decimal places than {currency} has: {places}"]})


@cache
def precision(currency: str) -> int:
    """Return the decimal places of a currency (source: Unicode CLDR, through Babel)."""
    from babel.numbers import get_currency_precision

    return get_currency_precision(currency)
