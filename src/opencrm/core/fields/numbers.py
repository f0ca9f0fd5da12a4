"""Fields that hold numbers, amounts of money, yes or no."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import attrs
from sqlalchemy import BigInteger, Integer
from sqlalchemy.types import TypeEngine

from opencrm.core import columns
from opencrm.core.fields.base import FieldType, plain_text
from opencrm.core.values import currencies

_BIGGEST = 2**63 - 1


_YES = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@attrs.frozen
class Whole(FieldType[int]):
    """A whole number of at most 64 bits."""

    name = "integer"
    ordered = True
    least: int = -_BIGGEST
    most: int = _BIGGEST

    def column(self) -> TypeEngine[Any]:
        return BigInteger() if self.most > 2**31 - 1 else Integer()

    def parse(self, raw: Any) -> int:
        try:
            number = exact(raw)
        except ValueError:
            raise ValueError("must be a whole number") from None
        if number != number.to_integral_value():
            raise ValueError("must be a whole number")
        if not self.least <= number <= self.most:
            raise ValueError(f"must lie between {self.least} and {self.most}")
        return int(number)


def _bound(raw: Decimal | int | str | None) -> Decimal | None:
    return None if raw is None else exact(raw)


@attrs.frozen
class Number(FieldType[Decimal]):
    """An exact decimal number of at most four places."""

    name = "number"
    ordered = True
    least: Decimal | None = attrs.field(default=None, kw_only=True, converter=_bound)
    most: Decimal | None = attrs.field(default=None, kw_only=True, converter=_bound)

    def column(self) -> TypeEngine[Any]:
        return columns.AmountColumn()

    def parse(self, raw: Any) -> Decimal:
        number = exact(raw)
        if abs(number) >= Decimal(10) ** 14:
            raise ValueError("is too large: at most 14 digits stand before the point")
        if number != round(number, columns.SCALE):
            raise ValueError(f"must have at most {columns.SCALE} decimal places")
        self._check_bounds(number)
        return columns.tidy(int(number.scaleb(columns.SCALE)))

    def dump(self, value: Any) -> str:
        return _plain(value)

    def _check_bounds(self, number: Decimal) -> None:
        if self.least is not None and number < self.least:
            raise ValueError(f"must be at least {self.least}")
        if self.most is not None and number > self.most:
            raise ValueError(f"must be at most {self.most}")


@attrs.frozen
class Amount(Number):
    """An amount of money; its currency stands in the field named by `currency`."""

    name = "money"
    currency: str = "currency"


@attrs.frozen
class Currency(FieldType[str]):
    """A code of ISO 4217."""

    name = "currency"
    ordered = True

    @property
    def ranged(self) -> bool:
        return False

    def column(self) -> TypeEngine[Any]:
        return columns.key_column(3)

    def parse(self, raw: Any) -> str:
        code = plain_text(raw).strip().upper()
        if code not in currencies():
            raise ValueError("is not a currency code of ISO 4217, such as EUR")
        return code


@attrs.frozen
class YesNo(FieldType[bool]):
    """Yes or no."""

    name = "boolean"
    ordered = True

    @property
    def ranged(self) -> bool:
        return False

    def column(self) -> TypeEngine[Any]:
        return columns.BooleanColumn()

    def parse(self, raw: Any) -> bool:
        if isinstance(raw, bool):
            return raw
        answer = _YES.get(str(raw).strip().lower()) if isinstance(raw, str | int) else None
        if answer is None:
            raise ValueError("must be true or false")
        return answer


def exact(raw: Any) -> Decimal:
    """Return a finite number, exactly as it was written.

    Raises:
        ValueError: It is no number.
    """
    if isinstance(raw, bool) or not isinstance(raw, str | int | float | Decimal):
        raise ValueError("must be a number")
    if isinstance(raw, str) and (len(raw) > 60 or "_" in raw):
        raise ValueError("must be a number such as 1234.50")
    try:
        number = Decimal(str(raw).strip())
    except InvalidOperation:
        raise ValueError("must be a number such as 1234.50") from None
    if not number.is_finite() or number.adjusted() > 40:
        raise ValueError("must be a number such as 1234.50")
    return number


def _plain(number: Decimal) -> str:
    text = f"{number:.{columns.SCALE}f}"
    return text[:-2] if text.endswith("00") else text.rstrip("0")
