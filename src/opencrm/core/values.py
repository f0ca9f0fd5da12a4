"""Small values that every layer shares: ids, text keys, money."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from itertools import islice
from string import ascii_lowercase, ascii_uppercase
from typing import TypeAlias

import attrs

from opencrm.core.latin import PLAIN

Id: TypeAlias = str
"""A record's id: a UUID of version 7 in its canonical text form (RFC 9562)."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_id(it: object) -> bool:
    """Say whether something may be an id: a UUID in its canonical text form."""
    return isinstance(it, str) and _ID.fullmatch(it) is not None


def normal(text: str) -> str:
    """Return `text` in Unicode's normal form C, as it is stored."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


MOST_OFFERED = 10


def offered(names: Iterable[str]) -> str:
    """Return what an error adds of the names that there are, ten at most: `"; known are ..."`; nothing of none."""
    several = [*islice(names, MOST_OFFERED + 1)]
    more = " and others" if len(several) > MOST_OFFERED else ""
    return f"; known are {', '.join(several[:MOST_OFFERED])}{more}" if several else ""


FOLDED = 400
"""The most characters of a folded key: what Unicode expands must still fit an index."""


def fold(text: str) -> str:
    """Return the key under which `text` is compared, sorted and found.

    Case, accents and runs of blanks do not count: `fold("  Ångström GmbH ")` is `"angstrom gmbh"`. Latin letters that
    have no accent to be taken off are spelt as the transform Latin-ASCII of Unicode CLDR does: `"Łódź"` is `"lodz"`,
    `"Æsop"` is `"aesop"`. Only the first 400 characters of a key count.
    """
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(mark for mark in apart if not unicodedata.combining(mark))
        text = text if text.isascii() else text.casefold().translate(PLAIN)
    return " ".join(text.casefold().split())[:FOLDED].rstrip()


_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def lowered(text: str) -> str:
    """Return `text` with A to Z in lower case, and all else as it is: what `lower` does in either database."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


@cache
def currencies() -> frozenset[str]:
    """Return the codes of ISO 4217 that are known (source: Unicode CLDR, through Babel)."""
    from babel.numbers import list_currencies

    return frozenset(list_currencies())


@attrs.frozen
class Money:
    """An exact amount of one currency.

    Args:
        amount: Decimal, in units of the currency (euros, not cents), at most four places.
        currency: Code of ISO 4217, such as `"EUR"`.

    Raises:
        ValueError: On adding or comparing two currencies.
    """

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.amount + other.amount, self.currency)

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"
