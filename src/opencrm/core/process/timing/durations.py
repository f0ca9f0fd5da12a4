"""How long something takes, as people say it: `"1h30m"` by the clock, `"2d"` and `"6w"` by the calendar."""

from __future__ import annotations

import re
from datetime import timedelta

import attrs

from opencrm.core.clock import duration

LONGEST = timedelta(days=36_525)
"""A hundred years: what is longer is a mistake, and would be counted day by day."""

_PART = re.compile(r"(\d+)([smhdw])")


@attrs.frozen
class Span:
    """A duration whose weeks, days and hours are kept apart, since a calendar counts each in its own way.

    Args:
        weeks: Weeks of seven days.
        days: Working days.
        time: Working time.
    """

    weeks: int = 0
    days: int = 0
    time: timedelta = timedelta()


def span(given: str | timedelta) -> Span:
    """Read a duration; a `timedelta` is working time, however long it is.

    Raises:
        ValueError: The text is not a duration, or says more than a hundred years.
    """
    if isinstance(given, timedelta):
        return _bounded(Span(time=given), abs(given))
    whole = duration(given)
    return _bounded(_read(given), whole)


def _read(text: str) -> Span:
    parts = _PART.findall(text)
    count = {unit: int(number) for number, unit in parts}
    time = timedelta(hours=count.get("h", 0), minutes=count.get("m", 0), seconds=count.get("s", 0))
    return Span(count.get("w", 0), count.get("d", 0), time)


def _bounded(read: Span, whole: timedelta) -> Span:
    if whole > LONGEST:
        raise ValueError(f"{whole} is longer than a hundred years")
    return read
