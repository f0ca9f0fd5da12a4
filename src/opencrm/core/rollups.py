"""Roll-ups as rules: whether one can be kept, and which changes touch it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from opencrm.core.change import Change, Kind
from opencrm.core.conditions import TRUE, All, Condition, Equal, bind, condition, fields_of
from opencrm.core.entity import Spec
from opencrm.core.fields import Amount, Day, Field, FieldType, Instant, Number, Whole
from opencrm.core.fields.rollups import Rollup
from opencrm.core.locale import Locale
from opencrm.core.values import Id
from opencrm.errors import InputError


@attrs.frozen(eq=False)
class Kept:
    """A roll-up field with what keeping it needs.

    Attributes:
        field: The field.
        rollup: What it computes.
        over: The entity that is counted.
        where: The condition upon its records, bound.
        watched: The fields of theirs that decide.
        currency: The currency in which amounts are added.
    """

    field: Field
    rollup: Rollup
    over: Spec
    where: Condition
    watched: frozenset[str]
    currency: str

    def touched(self, change: Change) -> Iterator[Id]:
        """Give the records whose roll-up a change of a counted record may alter."""
        if change.kind in (Kind.CHANGED, Kind.MOVED, Kind.ASSIGNED) and self.watched.isdisjoint(change.fields):
            return
        for state in (change.before, change.after):
            if state is not None and state[self.rollup.by] is not None:
                yield state[self.rollup.by]


def kept(field: Field, spec: Spec, entities: Mapping[str, Spec], locale: Locale) -> Kept:
    """Return a roll-up of an entity with what keeping it needs.

    Raises:
        ValueError: It cannot be kept; says why.
    """
    rollup = field.rollup
    if rollup is None:
        raise ValueError("is no roll-up")
    over = entities.get(rollup.over)
    if over is None:
        raise ValueError(f"over: there is no entity {rollup.over!r}")
    if over.references().get(rollup.by) != spec.name:
        raise ValueError(f"by: {over.name} has no field {rollup.by!r} that refers to a {spec.name}")
    where = _where(rollup, over, locale)
    _check_type(field.type, rollup, over)
    looked_at = {*fields_of(where), rollup.by, *([rollup.of] if rollup.of else [])}
    computed = sorted(name for name in looked_at if over.fields[name].rollup is not None)
    if computed:
        raise ValueError(f"{', '.join(computed)}: a roll-up of a roll-up is not kept")
    return Kept(field, rollup, over, where, frozenset(looked_at), locale.currency)


def _where(rollup: Rollup, over: Spec, locale: Locale) -> Condition:
    """Return the condition upon the counted records, and upon the currency of what is added."""
    asked = TRUE if rollup.where is None else _bound(rollup.where, over, locale)
    measured = over.fields[rollup.of].type if rollup.of in over.fields and rollup.of else None
    if not isinstance(measured, Amount):
        return asked
    return All((asked, Equal(measured.currency, locale.currency)))


def _bound(raw: object, over: Spec, locale: Locale) -> Condition:
    try:
        return bind(condition(raw), over, over.fields, locale)
    except InputError as error:
        raise ValueError(f"where: {error}") from None


def _check_type(kind: FieldType[object], rollup: Rollup, over: Spec) -> None:
    if rollup.measure == "count":
        if not isinstance(kind, Number | Whole) or isinstance(kind, Amount):
            raise ValueError("a count is a number")
        return
    measured = over.fields.get(rollup.of or "")
    if measured is None:
        raise ValueError(f"of: {over.name} has no field {rollup.of!r}")
    if rollup.measure == "interval":
        if type(measured.type) is not Day or type(kind) is not Number:
            raise ValueError("an interval is a number, and of a day")
        return
    if rollup.measure in ("least", "greatest") and isinstance(measured.type, Day | Instant):
        if type(kind) is not type(measured.type):
            raise ValueError(f"must be of the kind of {over.name}.{rollup.of}")
        return
    if not isinstance(measured.type, Number | Whole):
        raise ValueError(f"of: {over.name}.{rollup.of} is neither a number nor an amount")
    if not isinstance(kind, Number | Whole) or isinstance(measured.type, Amount) != isinstance(kind, Amount):
        raise ValueError("a roll-up of amounts is an amount, and one of numbers a number")
    if isinstance(kind, Whole) and (rollup.measure == "average" or not isinstance(measured.type, Whole)):
        raise ValueError("a whole number holds no decimal places: make it a number")
