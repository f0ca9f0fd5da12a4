"""What a report groups by: a field, a period of an instant or a date, or each stage that a record has entered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any

import attrs

from opencrm.core.columns import JsonColumn
from opencrm.core.entity import Spec
from opencrm.core.fields import Day, Field, Instant, Number, RecordId, Structured, Text
from opencrm.errors import InputError
from opencrm.storage.periods import Cut, day_of

ENTERED = "entered"
_CUTS: Mapping[str, Cut] = {"day": "day", "week": "day", "month": "month", "quarter": "month", "year": "month"}
_STARTS: Mapping[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
    "quarter": lambda day: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
    "year": lambda day: day.replace(month=1, day=1),
}
PERIODS = tuple(_CUTS)


@attrs.frozen
class Group:
    """One thing to group by.

    Attributes:
        text: As it was asked for.
        field: The field.
        period: `day`, `week`, `month`, `quarter` or `year` of it; `entered` for each stage that was entered.
    """

    text: str
    field: Field
    period: str | None

    @property
    def cut(self) -> Cut | None:
        """How fine SQL groups; Python puts together what belongs together."""
        return _CUTS.get(self.period or "")

    @property
    def entered(self) -> bool:
        """Whether a record counts in each stage that it has entered."""
        return self.period == ENTERED

    def read(self, zone: str) -> Callable[[Any], Any] | None:
        """Return what makes a group's value of what SQL gave: of a period, its first day; None if that is it."""
        if self.cut is None:
            return None
        start = _STARTS[self.period or ""]
        return cache(lambda text: None if text is None else start(day_of(text, zone)))


def group_of(spec: Spec, readable: frozenset[str], text: str) -> Group:
    """Return what a text such as `stage` or `closed_at:month` asks for.

    Raises:
        InputError: There is no such field that may be read, or it cannot be grouped by so.
    """
    name, _, period = text.partition(":")
    field = spec.fields.get(name) if name in readable else None
    if field is None:
        raise InputError({"group_by": [f"{spec.name} has no field {name!r}"]})
    if period == ENTERED and spec.staged and name == "stage" and "pipeline" in readable:
        return Group(text, field, period)
    if isinstance(field.type, Instant | Day):
        if period in _CUTS or (not period and isinstance(field.type, Day)):
            return Group(text, field, period or "day")
        raise InputError({"group_by": [f"{name!r} is grouped by a period: {name}:{', '.join(PERIODS)}"]})
    if period:
        raise InputError({"group_by": [f"{name!r} has no periods"]})
    if not _groups(field):
        raise InputError({"group_by": [f"cannot group by {name!r}"]})
    return Group(text, field, None)


def _groups(field: Field) -> bool:
    """Say whether records may have a value in common that is worth a group."""
    kind = field.type
    if isinstance(kind, RecordId | Structured | Number) or isinstance(kind.column(), JsonColumn):
        return False
    return kind.filterable and (field.folded or not isinstance(kind, Text))
