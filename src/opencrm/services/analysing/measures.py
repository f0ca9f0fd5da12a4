"""What a report tells of each group: counts, sums, averages and conversion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Literal, TypeAlias

import attrs

from opencrm.core.columns import SCALE
from opencrm.core.entities.money import precision
from opencrm.core.entity import Spec
from opencrm.core.fields import Amount, Field, Number, Whole
from opencrm.core.values import Money
from opencrm.errors import InputError

Kind: TypeAlias = Literal["count", "sum", "average", "conversion"]
Column: TypeAlias = Sequence[Any]
Places: TypeAlias = Sequence[int]
"""Where in the columns the rows of a group stand."""

Teller: TypeAlias = Callable[[Places], Any]


@attrs.frozen
class Measure:
    """One thing to tell of each group.

    Attributes:
        text: As it was asked for.
        kind: What is told.
        field: The field that is added up; None where none is.
    """

    text: str
    kind: Kind
    field: Field | None = None

    @property
    def currency(self) -> str | None:
        """The field of the currency, where money is added up."""
        return self.field.type.currency if self.field is not None and isinstance(self.field.type, Amount) else None


@attrs.frozen
class Conversion:
    """How many records were won: of all, and of those that are closed.

    Attributes:
        won: Records in a won stage.
        closed: Records in a won or a lost stage.
        records: All records, open ones among them.
    """

    won: int
    closed: int
    records: int

    @property
    def rate(self) -> Decimal | None:
        """The conversion rate: the won ones' share of all, from 0 to 1, in four places; None where there are none."""
        return _share(self.won, self.records)

    @property
    def win_rate(self) -> Decimal | None:
        """The win rate: their share of the closed; None where none is closed."""
        return _share(self.won, self.closed)


def _share(part: int, whole: int) -> Decimal | None:
    return round(Decimal(part) / whole, 4) if whole else None


def tellers(
    measures: Sequence[Measure], currencies: Sequence[str], columns: Sequence[Sequence[Any]]
) -> Iterator[Teller]:
    """Give for each measure what makes its value of the rows of SQL that belong to one group, by their places.

    Args:
        measures: The measures.
        currencies: The fields of the currencies that are told apart.
        columns: What SQL gave after the groups: the currencies, how many records there are, two columns a measure.
    """
    codes, [number, *rest] = columns[: len(currencies)], columns[len(currencies) :]
    pairs = iter(zip(rest[::2], rest[1::2], strict=True))
    for measure in measures:
        if measure.kind == "count":
            yield partial(_count, number)
        elif measure.kind == "conversion":
            yield partial(_conversion, number, *next(pairs))
        elif measure.currency is None:
            yield partial(_sum if measure.kind == "sum" else _average, *next(pairs))
        else:
            tell = _money_sum if measure.kind == "sum" else _money_average
            yield partial(tell, codes[currencies.index(measure.currency)], *next(pairs))


def _count(number: Column, rows: Places) -> int:
    return int(number[rows[0]]) if len(rows) == 1 else sum([number[at] for at in rows])


def _conversion(number: Column, closed: Column, won: Column, rows: Places) -> Conversion:
    return Conversion(*(sum([column[at] or 0 for at in rows]) for column in (won, closed, number)))


def _sum(number: Column, total: Column, rows: Places) -> Any:
    held = [total[at] for at in rows if number[at]]
    return sum(held[1:], held[0]) if held else None


def _average(number: Column, total: Column, rows: Places) -> Decimal | None:
    found = _sum(number, total, rows)
    return None if found is None else round(Decimal(found) / sum([number[at] or 0 for at in rows]), SCALE)


def _money_sum(currency: Column, number: Column, total: Column, rows: Places) -> tuple[Money, ...]:
    return tuple([Money(_sum(number, total, own), code) for code, own in _by_currency(currency, number, rows)])


def _money_average(currency: Column, number: Column, total: Column, rows: Places) -> tuple[Money, ...]:
    parts = [(code, sum([number[at] for at in own]), own) for code, own in _by_currency(currency, number, rows)]
    return tuple([Money(round(_sum(number, total, own) / of, precision(code)), code) for code, of, own in parts])


def _by_currency(currency: Column, number: Column, rows: Places) -> list[tuple[str, Places]]:
    """Return the rows that tell of amounts, by the code of their currency: never added across two."""
    if len(rows) == 1:
        return [(currency[rows[0]] or "", rows)] if number[rows[0]] else []
    found: dict[str, list[int]] = {}
    for at in rows:
        if number[at]:
            found.setdefault(currency[at] or "", []).append(at)
    return sorted(found.items())


def measure_of(spec: Spec, readable: frozenset[str], text: str) -> Measure:
    """Return what a text such as `count`, `sum:amount` or `conversion` asks for.

    Raises:
        InputError: There is no such measure, or no such field that may be read.
    """
    kind, _, name = text.partition(":")
    if kind == "count" and not name:
        return Measure(text, "count")
    if kind == "conversion" and not name:
        if not (spec.staged and {"pipeline", "stage"} <= readable):
            raise InputError({"measures": [f"{spec.name} has no stages that tell of conversion"]})
        return Measure(text, "conversion")
    if kind in ("sum", "average"):
        found = Measure(text, "sum" if kind == "sum" else "average", _numeric(spec, readable, name))
        if found.currency is None or found.currency in readable:
            return found
    raise InputError({"measures": [f"{text!r} is none of count, sum:FIELD, average:FIELD and conversion"]})


def _numeric(spec: Spec, readable: frozenset[str], name: str) -> Field:
    field = spec.fields.get(name) if name in readable else None
    if field is None or not isinstance(field.type, Number | Whole):
        raise InputError({"measures": [f"{spec.name} has no number or amount {name!r}"]})
    return field
