"""Days and instants in conditions, relative or not, as stretches of time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from opencrm.core.conditions.asker import Asker
from opencrm.core.conditions.binding.relative import Moment, Stretch, days, instants, is_relative, whole_day, zone_of
from opencrm.core.conditions.nodes import Between, Changed, Condition, In, inner_of
from opencrm.core.fields import Day, Instant

__all__ = ["Stretch", "since", "stretch", "timely"]


def stretch(kind: Day | Instant, raw: Any, asker: Asker | None) -> Stretch[Any]:
    """Return the time that a value of a day's or an instant's field means.

    Raises:
        ValueError: It means none, or whoever asks may not ask so.
    """
    found: Stretch[Any] | None = None
    if is_relative(raw):
        moment = _moment(asker)
        found = days(raw, moment) if isinstance(kind, Day) else instants(raw, moment)
    elif isinstance(kind, Instant) and asker is not None:
        found = whole_day(raw, zone_of(asker.zone, "UTC"))
    if found is not None:
        return found
    if raw is None:
        raise ValueError("must be compared with a value; for nothing, use empty")
    try:
        return Stretch(kind.parse(raw))
    except ValueError as error:
        raise ValueError(f"{error}, or relative such as -7d, today or this_month") from None


def since(raw: Any, asker: Asker | None) -> datetime:
    """Return the instant from which on changes count: of a day or a period, its first."""
    found: datetime = stretch(Instant(), raw, asker).start
    return found


def _moment(asker: Asker | None) -> Moment:
    if asker is None or asker.now is None:
        raise ValueError("cannot be compared with a relative time here")
    return Moment(asker.now, zone_of(asker.zone, "UTC"))


def timely(item: Condition) -> bool:
    """Say whether a condition, as it was written, may mean something else at another time."""
    return any(map(is_relative, _values(item))) or any(map(timely, inner_of(item)))


def _values(item: Condition) -> tuple[Any, ...]:
    match item:
        case In(_, values):
            return values
        case Between(_, low, high):
            return (low, high)
        case Changed():
            return ("now",)
    return (getattr(item, "value", None),)
