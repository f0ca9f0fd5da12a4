"""Counts that say where they stop, and sums that never add two currencies."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, literal_column, select

from opencrm.core.conditions import Entities
from opencrm.core.entity import Spec
from opencrm.core.fields import Amount
from opencrm.errors import InputError
from opencrm.services.reading.planning.building import statement
from opencrm.services.reading.planning.plans import Plan
from opencrm.storage.aggregates import exact_sum

MOST_COUNTED = 10_000


class Count(int):
    """How many records there are; beyond a limit only that there are more.

    Attributes:
        capped: Whether there are more; the number is then the limit and one.
    """

    capped: bool

    def __new__(cls, number: int, most: int = MOST_COUNTED) -> Count:
        """Count up to a limit."""
        made = super().__new__(cls, min(number, most + 1))
        made.capped = number > most
        return made

    def __str__(self) -> str:
        return f"more than {self - 1:,}" if self.capped else int.__repr__(self)


def counting(plan: Plan, entities: Entities, most: int) -> Select[Any]:
    """Return the statement that counts a plan's rows, up to one more than the limit."""
    inner = statement(plan, entities).limit(literal_column(str(most + 1)))
    return select(func.count().label("number")).select_from(inner.subquery())


def summing(plan: Plan, entities: Entities, field: str, currency: str) -> Select[Any]:
    """Return the statement that adds up a plan's amounts, by currency."""
    inner = statement(plan, entities).subquery()
    kept = select(inner.c[currency], exact_sum(inner.c[field]).label("sum")).where(inner.c[field].is_not(None))
    return kept.group_by(inner.c[currency]).order_by(inner.c[currency])


def money_field(spec: Spec, readable: frozenset[str], name: str) -> tuple[str, str]:
    """Return the names of a field that holds money and of its currency.

    Raises:
        InputError: There is no such field that may be read, or it holds no money.
    """
    kind = spec.fields[name].type if name in readable else None
    if not isinstance(kind, Amount) or kind.currency not in readable:
        raise InputError({"sum": [f"{spec.name} has no amount {name!r}"]})
    return name, kind.currency
