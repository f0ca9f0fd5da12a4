"""Counters: how many records of an entity stand where, and what they are worth, kept beside the records.

A counter tells records apart by pipeline, stage, unit, owner, currency and the month in which they were closed, and by
nothing else. A change of a record takes it off one counter and adds it to another.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import attrs

from opencrm.core.change import Change, Values
from opencrm.core.columns import scaled
from opencrm.core.conditions import All, AnyOf, AtLeast, Changed, Condition, Empty, Less, Link, Not, Referring
from opencrm.core.entity import Spec
from opencrm.core.fields import Amount, Field, Key

BITS = 24
"""An amount stands in two halves, the lower one of so many bits: sums of either never leave 64 bits."""

MONTH = "closed_at:month"
"""The month in which a record was closed, such as `"2026-11"`: no field can be called so."""

_CLOSED = "closed_at"
_PLACES = ("pipeline", "stage", "unit_id", "owner_id")
_LOW = (1 << BITS) - 1

PLACE = (*_PLACES, "currency", "month")
"""The columns that tell counters apart."""

Place: TypeAlias = "tuple[Any, ...]"
"""Their values, in this order."""


@attrs.frozen
class Step:
    """What is added to one counter.

    Attributes:
        number: Of how many records.
        valued: How many of them have an amount.
        high: The upper halves of their amounts, in ten-thousandths.
        low: The lower halves.
    """

    number: int = 0
    valued: int = 0
    high: int = 0
    low: int = 0

    def __add__(self, other: Step) -> Step:
        return Step(
            self.number + other.number, self.valued + other.valued, self.high + other.high, self.low + other.low
        )

    def __neg__(self) -> Step:
        return Step(-self.number, -self.valued, -self.high, -self.low)

    def __bool__(self) -> bool:
        return bool(self.number or self.valued or self.high or self.low)


_NOTHING = Step()


@attrs.frozen(eq=False)
class Counted:
    """What of an entity is counted.

    Attributes:
        entity: The entity.
        spec: The same as its counters have it, with the month as one field more, and no custom field among those that
            stand in a column of theirs: conditions over counters are compiled for it.
        amount: The field that is added up; None where the entity has no amount.
        currency: The field of its currency.
        fields: The fields by whose values counters tell records apart.
    """

    entity: Spec
    spec: Spec
    amount: str | None
    currency: str | None
    fields: frozenset[str]

    def steps(self, changes: Iterable[Change], zone: str) -> dict[Place, Step]:
        """Return what changes add to which counters; what comes to nothing is left out."""
        found: dict[Place, Step] = {}
        for change in changes:
            if change.before is not None and _living(change.before):
                place = self.place(change.before, zone)
                found[place] = found.get(place, _NOTHING) + -self._step(change.before)
            if _living(change.after):
                place = self.place(change.after, zone)
                found[place] = found.get(place, _NOTHING) + self._step(change.after)
        return {place: step for place, step in found.items() if step}

    def place(self, state: Values, zone: str) -> Place:
        """Return the counter on which a record stands."""
        closed = state.get(_CLOSED)
        month = None if closed is None else month_of(closed, zone)
        return (*map(state.get, _PLACES), state.get(self.currency or ""), month)

    def column(self, field: str) -> str:
        """Return the name of the counters' column that stands for a field."""
        return {self.currency: "currency", _CLOSED: "month"}.get(field, field)

    def over(self, item: Condition, zone: str) -> Condition | None:
        """Return what a bound condition is over counters; None where they cannot tell."""
        match item:
            case All(items) | AnyOf(items):
                inner = [self.over(each, zone) for each in items]
                return None if None in inner else type(item)(each for each in inner if each is not None)
            case Not(negated):
                found = self.over(negated, zone)
                return None if found is None else Not(found)
            case Link() | Referring() | Changed():
                return None
            case Empty(field) if field == _CLOSED:
                return Empty(MONTH)
            case AtLeast(field, at) | Less(field, at) if field == _CLOSED:
                return type(item)(MONTH, month_of(at, zone)) if _begins(at, zone) else None
        return item if item.field in self.fields else None

    def _step(self, state: Values) -> Step:
        value = scaled(state.get(self.amount or ""))
        return Step(1) if value is None else Step(1, 1, value >> BITS, value & _LOW)


def counted(spec: Spec) -> Counted | None:
    """Return what of an entity is counted; None where it has no stages."""
    return spec.once(_counted)


def _counted(spec: Spec) -> Counted | None:
    if not spec.staged:
        return None
    amounts = [it for it in spec.fields.values() if isinstance(it.type, Amount) and not it.custom]
    amount = amounts[0] if amounts else None
    currency = amount.type.currency if amount is not None and isinstance(amount.type, Amount) else None
    month = Field(name=MONTH, type=Key(7), label="Month in which it was closed")
    plain = {name: attrs.evolve(spec.fields[name], slot=None) for name in _PLACES if name in spec.fields}
    return Counted(
        entity=spec,
        spec=attrs.evolve(spec, fields=MappingProxyType({**spec.fields, **plain, MONTH: month})),
        amount=None if amount is None else amount.name,
        currency=currency,
        fields=frozenset({*_PLACES, *([currency] if currency else [])} & set(spec.fields)),
    )


def month_of(at: datetime, zone: str) -> str:
    """Return the month of an instant in a zone."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local.year:04}-{local.month:02}"


def _begins(at: datetime, zone: str) -> bool:
    """Say whether a month begins at an instant."""
    local = at.astimezone(ZoneInfo(zone))
    return (local.day, local.hour, local.minute, local.second, local.microsecond) == (1, 0, 0, 0, 0)


def _living(state: Values) -> bool:
    return state.get("deleted_at") is None
