"""One comparison with one field: what was written becomes values of the field's type, and few operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeAlias

from opencrm.core.conditions.asker import Asker
from opencrm.core.conditions.binding import moments, texts
from opencrm.core.conditions.nodes import (
    FALSE,
    All,
    AtLeast,
    AtMost,
    Between,
    Changed,
    Condition,
    Contains,
    Empty,
    Equal,
    Greater,
    Has,
    In,
    Leaf,
    Less,
    StartsWith,
    any_of,
)
from opencrm.core.fields import Amount, Currency, Day, Field, Instant, Reference, Text
from opencrm.core.locale import Locale
from opencrm.core.values import Money, fold, lowered

_One: TypeAlias = Equal | Less | Greater | AtMost | AtLeast


def bound_leaf(item: Leaf, field: Field, locale: Locale, asker: Asker | None) -> Condition:
    """Return a comparison with typed values; the field has its operator.

    Raises:
        ValueError: A value cannot be one of the field's.
    """
    match item:
        case Empty():
            return Empty(field.name)
        case Changed(_, since):
            return Changed(field.name, moments.since(since, asker))
        case Has(_, several):
            return Has(field.name, tuple(_option(field, each) for each in several))
        case Contains(_, text):
            return Contains(field.name, texts.needle(field.type, text))
        case StartsWith(_, text):
            return texts.beginning(field.name, texts.needle(field.type, text))
        case Between(_, low, high):
            ends = (AtLeast(field.name, low), AtMost(field.name, high))
            return All(tuple(_compared(end, field, locale, asker) for end in ends))
    return _compared(item, field, locale, asker)


def _compared(item: _One | In, field: Field, locale: Locale, asker: Asker | None) -> Condition:
    kind = field.type
    if isinstance(kind, Amount):
        return _money(item, field.name, kind, locale)
    if isinstance(kind, Day | Instant):
        return _in_time(item, field, kind, asker)
    own = {} if asker is None else _own(field, asker)
    if isinstance(item, In):
        return In(field.name, tuple(dict.fromkeys(each for raw in item.values for each in _several(field, raw, own))))
    values = _several(field, item.value, own)
    if len(values) == 1:
        return type(item)(field.name, values[0])
    return In(field.name, values) if values else FALSE


def _several(field: Field, raw: Any, own: Mapping[str, tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return the values that one word stands for: one, unless it means somebody's units, or nobody."""
    found = own.get(raw.strip()) if own and isinstance(raw, str) else None
    return (_typed(field, raw),) if found is None else found


def _own(field: Field, asker: Asker) -> Mapping[str, tuple[Any, ...]]:
    """Return the words that mean something of whoever asks, in this field, with what they mean."""
    if field.name == "created_by":
        return {"me": (asker.name,)}
    match field.type:
        case Reference("user"):
            return {"me": () if asker.user_id is None else (asker.user_id,)}
        case Reference("unit"):
            return {"my_units": asker.units}
    return {}


def _in_time(item: _One | In, field: Field, kind: Day | Instant, asker: Asker | None) -> Condition:
    if not isinstance(item, In):
        return _within(item, moments.stretch(kind, item.value, asker))
    found = [moments.stretch(kind, value, asker) for value in item.values]
    exact = In(field.name, tuple(each.start for each in found if each.end is None))
    longer = [_within(Equal(field.name, None), each) for each in found if each.end is not None]
    if len(longer) > _MOST_STRETCHES:
        raise ValueError(f"takes at most {_MOST_STRETCHES} days or periods in one list")
    return any_of([exact, *longer]) if longer else exact


_MOST_STRETCHES = 100


def _within(item: _One, found: moments.Stretch[date] | moments.Stretch[datetime]) -> Condition:
    """Compare with a stretch of time: below it is before its start, above it from its end on."""
    name, start, end = item.field, found.start, found.end
    if end is None:
        return type(item)(name, start)
    match item:
        case Equal():
            return All((AtLeast(name, start), Less(name, end)))
        case Less() | AtLeast():
            return type(item)(name, start)
        case Greater():
            return AtLeast(name, end)
        case AtMost():
            return Less(name, end)


def _money(item: _One | In, name: str, kind: Amount, locale: Locale) -> Condition:
    """Compare amounts within one currency only."""
    if not isinstance(item, In):
        money = _read_money(item.value, locale)
        return All((type(item)(name, money.amount), Equal(kind.currency, money.currency)))
    by_currency: dict[str, list[Any]] = {}
    for value in item.values:
        money = _read_money(value, locale)
        by_currency.setdefault(money.currency, []).append(money.amount)
    return any_of(All((In(name, several), Equal(kind.currency, code))) for code, several in by_currency.items())


def _read_money(raw: Any, locale: Locale) -> Money:
    if isinstance(raw, Money):
        return Money(Amount().parse(raw.amount), Currency().parse(raw.currency))
    number, _, code = raw.strip().partition(" ") if isinstance(raw, str) else (raw, "", "")
    return Money(Amount().parse(number), Currency().parse(code) if code else locale.currency)


def _option(field: Field, raw: Any) -> Any:
    found: Sequence[Any] = field.type.parse([raw]) or ()
    if len(found) != 1:
        raise ValueError("must be compared with its options")
    return found[0]


def _typed(field: Field, raw: Any) -> Any:
    value = None if raw is None else field.type.parse(raw)
    if value is None:
        raise ValueError("must be compared with a value; for nothing, use empty")
    if field.unkeyed:
        return lowered(value)
    return fold(value) if isinstance(field.type, Text) else value
