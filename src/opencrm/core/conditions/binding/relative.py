"""Relative days and instants: `today`, `-7d`, `this_month`, as they are at one instant in one zone.

A stretch reaches from its start up to, and not including, its end; what has no end is one day or one instant.
Days and what is longer are counted on the calendar of the zone, hours and what is shorter on the clock: across the
change to summer time a day is not 24 hours.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

import attrs

T = TypeVar("T")

_SHIFT = re.compile(r"([+-]?)([0-9]{1,6})(s|m|h|d|w|mo|y)")
_PERIOD = re.compile(r"(last|this|next|start_of)_(day|week|month|quarter|year)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NEAR: Mapping[str, int] = MappingProxyType({"yesterday": -1, "today": 0, "tomorrow": 1})
_STEPS: Mapping[str, int] = MappingProxyType({"last": -1, "this": 0, "next": 1})
_CLOCK: Mapping[str, str] = MappingProxyType({"s": "seconds", "m": "minutes", "h": "hours"})


@attrs.frozen
class Stretch(Generic[T]):
    """From `start` up to, and not including, `end`; without an end, `start` alone."""

    start: T
    end: T | None = None


@attrs.frozen
class Moment:
    """An instant, and the zone in which it has a day."""

    now: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        """The day that it is."""
        return self.now.astimezone(self.zone).date()


def is_relative(raw: object) -> bool:
    """Say whether a value may mean another day or instant at another time."""
    if not isinstance(raw, str):
        return False
    text = raw.strip()
    return text == "now" or text in _NEAR or any(each.fullmatch(text) for each in (_SHIFT, _PERIOD))


def days(text: str, moment: Moment) -> Stretch[date] | None:
    """Return the days that a word stands for; None where it is none.

    Raises:
        ValueError: They lie beyond the calendar.
    """
    return _within(lambda: _days(text.strip(), moment))


def instants(text: str, moment: Moment) -> Stretch[datetime] | None:
    """Return the instants that a word stands for; None where it is none.

    Raises:
        ValueError: They lie beyond the calendar.
    """
    return _within(lambda: _instants(text.strip(), moment))


def whole_day(raw: object, zone: ZoneInfo) -> Stretch[datetime] | None:
    """Return the instants of a day that is given as one, from its first to the next day's; None where it is none.

    Raises:
        ValueError: There is no such day, or it lies beyond the calendar.
    """
    if isinstance(raw, datetime) or not isinstance(raw, date | str):
        return None
    if isinstance(raw, str) and not _DATE.fullmatch(raw.strip()):
        return None
    return _within(lambda: _whole(raw, zone))


@lru_cache(maxsize=1000)
def zone_of(name: str | None, otherwise: str) -> ZoneInfo:
    """Return the zone of a name; of the other one, where there is none of the first."""
    try:
        return ZoneInfo(name or otherwise)
    except (KeyError, ValueError, OSError):
        return ZoneInfo(otherwise)


def _within(find: Callable[[], T]) -> T:
    try:
        return find()
    except (OverflowError, ValueError):
        raise ValueError("lies beyond the calendar") from None


def _whole(raw: date | str, zone: ZoneInfo) -> Stretch[datetime]:
    day = date.fromisoformat(raw.strip()) if isinstance(raw, str) else raw
    return _instants_of(Stretch(day, day + timedelta(days=1)), zone)


def _days(text: str, moment: Moment) -> Stretch[date] | None:
    if text == "now":
        return Stretch(moment.today)
    if text in _NEAR:
        return Stretch(moment.today + timedelta(days=_NEAR[text]))
    if (shift := _SHIFT.fullmatch(text)) is not None:
        return Stretch(_shifted(shift, moment).astimezone(moment.zone).date())
    period = _PERIOD.fullmatch(text)
    if period is None:
        return None
    word, unit = period.groups()
    first = _begin(unit, moment.today, _STEPS.get(word, 0))
    return Stretch(first, None if word == "start_of" else _begin(unit, first, 1))


def _instants(text: str, moment: Moment) -> Stretch[datetime] | None:
    if text == "now":
        return Stretch(moment.now)
    if (shift := _SHIFT.fullmatch(text)) is not None:
        return Stretch(_shifted(shift, moment))
    found = _days(text, moment)
    if found is None:
        return None
    if found.end is None and text in _NEAR:
        found = Stretch(found.start, found.start + timedelta(days=1))
    return _instants_of(found, moment.zone)


def _instants_of(found: Stretch[date], zone: ZoneInfo) -> Stretch[datetime]:
    return Stretch(_midnight(found.start, zone), None if found.end is None else _midnight(found.end, zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a day; where the clocks skip midnight, the one at which they do."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _shifted(shift: re.Match[str], moment: Moment) -> datetime:
    sign, digits, unit = shift.groups()
    number = -int(digits) if sign == "-" else int(digits)
    if unit in _CLOCK:
        return moment.now + timedelta(**{_CLOCK[unit]: number})
    there = moment.now.astimezone(moment.zone)
    day = _moved(there.date(), number, unit)
    return datetime.combine(day, there.time(), moment.zone).astimezone(UTC)


def _moved(day: date, number: int, unit: str) -> date:
    """Return the day so many days, weeks, months or years away; of a shorter month the last one."""
    if unit in ("d", "w"):
        return day + timedelta(days=number * (7 if unit == "w" else 1))
    year, month = divmod(day.year * 12 + day.month - 1 + number * (12 if unit == "y" else 1), 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _begin(unit: str, day: date, step: int) -> date:
    """Return the first day of the unit that a day lies in, or of one so many steps away."""
    if unit in ("day", "week"):
        length = 7 if unit == "week" else 1
        return day - timedelta(days=day.weekday() if unit == "week" else 0) + timedelta(days=length * step)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    index = (day.year * 12 + day.month - 1) // months * months + months * step
    return date(index // 12, index % 12 + 1, 1)
