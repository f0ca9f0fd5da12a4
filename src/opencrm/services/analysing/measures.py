"""What a report tells of each group: counts, sums, averages and conversion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import attrs

from opencrm.core.columns import SCALE
from opencrm.core.entities.money import precision
from opencrm.core.entity import Spec
from opencrm.core.fields import Amount, Field, Number, Whole
from opencrm.core.values import Money
from opencrm.errors import InputError

Kind: TypeAlias = Literal["count", "sum", "average", "conversion"]


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
    """How many of the closed records were won.

    Attributes:
        won: Records in a won stage.
        closed: Records in a won or a lost stage.
    """

    won: int
    closed: int

    @property
    def share(self) -> Decimal | None:
        """The won ones' share of the closed, from 0 to 1, in four places; None where none is closed."""
        return round(Decimal(self.won) / self.closed, 4) if self.closed else None


class Tally(dict[str | None, tuple[int, Any]]):
    """What one measure has come to in one group, by currency: of how many records, and the total.

    Of a conversion, how many records were won, and how many closed.
    """

    def add(self, currency: str | None, number: int | None, total: Any) -> None:
        """Add what SQL gave of a part of the group."""
        if number:
            held = self.get(currency)
            self[currency] = (number, total) if held is None else (held[0] + number, _sum(held[1], total))

    @property
    def one(self) -> tuple[int, Any]:
        """What it came to where currencies do not matter."""
        return self.get(None, (0, None))


def steps_of(
    measures: Sequence[Measure], currencies: Sequence[str], first: int
) -> Iterator[tuple[int | None, int, int | None]]:
    """Give for each measure where in a row of SQL its currency, its number and its total stand.

    Args:
        measures: The measures.
        currencies: The fields of the currencies that are told apart.
        first: Where the currencies stand; after them how many records there are, then two columns a measure.
    """
    at = first + len(currencies)
    place = at + 1
    for measure in measures:
        if measure.kind == "count":
            yield None, at, None
            continue
        yield first + currencies.index(measure.currency) if measure.currency else None, place, place + 1
        place += 2


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


def told(measure: Measure, tally: Tally) -> Any:
    """Return what a measure tells of a group: money by currency, for it is never added across two."""
    number, total = tally.one
    match measure.kind:
        case "count":
            return number
        case "conversion":
            return Conversion(total or 0, number)
    if measure.currency is None:
        return total if measure.kind == "sum" or not number else round(Decimal(total) / number, SCALE)
    parts = sorted((code or "", number, total) for code, (number, total) in tally.items())
    if measure.kind == "sum":
        return tuple([Money(total, code) for code, _, total in parts])
    return tuple([Money(round(total / number, precision(code)), code) for code, number, total in parts])


def _sum(one: Any, other: Any) -> Any:
    return None if one is None or other is None else one + other


def _numeric(spec: Spec, readable: frozenset[str], name: str) -> Field:
    field = spec.fields.get(name) if name in readable else None
    if field is None or not isinstance(field.type, Number | Whole):
        raise InputError({"measures": [f"{spec.name} has no number or amount {name!r}"]})
    return field
