"""Instants on the wall clock: times of the day on days of the week, midnights, so much before or after."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import attrs

from opencrm.core.process.timing.calendars import ALWAYS, Calendar
from opencrm.core.process.timing.durations import Span, span
from opencrm.core.process.timing.hours import named, weekdays_of, zone_of

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


def time_of(text: str) -> time:
    """Return the time of the day that a text such as `"09:00"` names.

    Raises:
        ValueError: It names none.
    """
    if not _TIME.fullmatch(text):
        raise ValueError(f"{text!r} is not a time of the day such as 09:00")
    return time.fromisoformat(text)


@attrs.frozen
class Weekly:
    """A time of the day on some days of the week.

    An instant comes where the wall clock first shows the time; a time that the clock is set forward over comes at the
    moment of the change, and one that the clock shows twice comes once.

    Args:
        days: Days of the week, such as `"Mo-Fr"` or `"Mo, Th"`.
        at: The time on the wall, such as `"09:00"`.
        zone: IANA name of the zone of the wall clock.

    Raises:
        ValueError: An argument cannot be read; the message names it.
    """

    days: str
    at: str
    zone: str

    def __attrs_post_init__(self) -> None:
        named("days", weekdays_of, self.days)
        named("at", time_of, self.at)
        named("zone", zone_of, self.zone)

    def after(self, instant: datetime) -> datetime:
        """Return the first instant, in UTC, that comes later than `instant`."""
        return min(each for each in self._around(instant) if each > instant)

    def _around(self, instant: datetime) -> Iterator[datetime]:
        weekdays, wall, zone = weekdays_of(self.days), time_of(self.at), zone_of(self.zone)
        first = instant.astimezone(zone).date() - _DAY
        for day in (first + number * _DAY for number in range(11)):
            if day.weekday() in weekdays:
                yield shown_first(day, wall, zone)


def shown_first(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, when the wall clock first shows a time; of one that it skips, when it skips it."""
    local = datetime.combine(day, wall, zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _change(zone, local.replace(fold=1).astimezone(UTC), instant)


def midnight(day: date, zone: str) -> datetime:
    """Return the instant, in UTC, at which a day begins in a zone."""
    return shown_first(day, time(), zone_of(zone))


def moved(start: datetime | date, offset: str, zone: str) -> datetime | None:
    """Return the instant that lies so much after or before another one, or before or after the beginning of a day.

    Days and weeks go by the wall clock.

    Args:
        start: An instant, or a day.
        offset: `"+6w"` after it, or `"-1d"` before it.
        zone: IANA name of the zone of the wall clock.

    Returns:
        The instant, in UTC; None where it lies outside of the years that calendars know.
    """
    ahead, length = offset[0] == "+", offset[1:]
    try:
        if not isinstance(start, datetime):
            return _from_day(start, span(length), zone, 1 if ahead else -1)
        calendar = always(zone)
        return calendar.add(start, length) if ahead else calendar.subtract(start, length)
    except (ValueError, OverflowError):
        return None


def _from_day(day: date, length: Span, zone: str, step: int) -> datetime:
    """Return the instant that lies so far from a day's beginning: days later another day begins, whatever the clock."""
    begins = midnight(day + step * (7 * length.weeks + length.days) * _DAY, zone)
    return begins + step * length.time


@lru_cache(maxsize=100)
def always(zone: str) -> Calendar:
    """Return the calendar of every hour, on the wall clock of a zone."""
    return ALWAYS.in_zone(zone)


def _change(zone: ZoneInfo, early: datetime, late: datetime) -> datetime:
    """Return the second at which the clock is set forward between two instants."""
    offset = early.astimezone(zone).utcoffset()
    while late - early > _SECOND:
        middle = early + (late - early) // _SECOND // 2 * _SECOND
        early, late = (middle, late) if middle.astimezone(zone).utcoffset() == offset else (early, middle)
    return late
