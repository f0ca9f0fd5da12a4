"""Hours as people write them, `"Mo-Fr 08:00-12:00,13:00-18:00; Sa 09:00-13:00"`, and a country's days off."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import TypeAlias, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Hours: TypeAlias = tuple[tuple[timedelta, timedelta], ...]
"""Openings and closings, counted from midnight on the wall clock; what is past 24 hours is on the next day."""

NONE, DAY = timedelta(), timedelta(days=1)
Read = TypeVar("Read")
Point = TypeVar("Point", timedelta, datetime)

_WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_TO_TIMES = re.compile(r"^[^0-9]*")
_TIMES = re.compile(r"\s*([0-9]{1,2}):([0-5][0-9])\s*-\s*([0-9]{1,2}):([0-5][0-9])\s*")
_COUNTRY = re.compile(r"[A-Z]{2}(-.+)?")


def named(argument: str, read: Callable[[str], Read], text: str) -> Read:
    """Read the text of an argument; what `read` raises gets its name.

    Raises:
        ValueError: The text cannot be read.
    """
    try:
        return read(text)
    except ValueError as error:
        raise ValueError(f"{argument}: {error}") from None


def week_of(text: str) -> tuple[Hours, ...]:
    """Return the hours of each day, Monday first.

    Raises:
        ValueError: The text is not the hours of a week, or there are none.
    """
    week: list[list[tuple[timedelta, timedelta]]] = [[] for _ in _WEEKDAYS]
    for rule in filter(None, map(str.strip, text.split(";"))):
        times = _TO_TIMES.sub("", rule)
        for weekday in _weekdays(rule.removesuffix(times).strip(), rule):
            week[weekday] += hours_of(times)
    if not any(week):
        raise ValueError("a week has no working time")
    return tuple(joined(hours) for hours in week)


def weekdays_of(text: str) -> frozenset[int]:
    """Return the days of the week that a text such as `"Mo-Fr"` names, Monday being 0.

    Raises:
        ValueError: It names none.
    """
    if not text.strip():
        raise ValueError("names no day, such as Mo-Fr")
    return frozenset(_weekdays(text, text))


def hours_of(text: str) -> Hours:
    """Return the hours of one day, such as `"08:00-12:00,13:00-18:00"`.

    Raises:
        ValueError: The text is not hours.
    """
    return joined(_interval(part) for part in text.split(","))


def date_of(text: str) -> date:
    """Return the day of `"2026-12-24"`.

    Raises:
        ValueError: There is no such day.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise ValueError(f"{text!r} is not a day such as 2026-12-24")
    return day


def zone_of(text: str) -> ZoneInfo:
    """Return the zone of that IANA name.

    Raises:
        ValueError: There is none.
    """
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{text!r} is not a time zone such as Europe/London") from None


def days_off(code: str, *years: int) -> frozenset[date]:
    """Return the public holidays of a country, or of a part of one, in some years.

    Raises:
        ValueError: No such country or part is known.
    """
    import holidays  # It takes a tenth of a second, and most processes name no country.

    country, _, part = code.partition("-")
    try:
        if _COUNTRY.fullmatch(code):
            return frozenset(holidays.country_holidays(country, subdiv=part or None, years=years, expand=False))
    except NotImplementedError:  # What `holidays` raises of a country, or a part, that it does not know.
        pass
    raise ValueError(f"{code!r} is not a country such as GB, or a part of one such as DE-BY")


def joined(stretches: Iterable[tuple[Point, Point]]) -> tuple[tuple[Point, Point], ...]:
    """Return stretches in order, with those that meet or overlap made one."""
    found: list[tuple[Point, Point]] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def moved_later(wall: timedelta, hours: Hours) -> timedelta:
    """Return a time within the hours of a day: itself, else the next opening, else the last closing."""
    return next((max(start, wall) for start, end in hours if wall <= end), hours[-1][1])


def moved_earlier(wall: timedelta, hours: Hours) -> timedelta:
    """Return a time within the hours of a day: itself, else the closing before it, else the first opening."""
    return next((min(end, wall) for start, end in reversed(hours) if start <= wall), hours[0][0])


def _weekdays(text: str, rule: str) -> Iterator[int]:
    if not text:
        raise ValueError(f"{rule!r} names no day, such as Mo-Fr {rule}")
    for part in text.split(","):
        first, _, last = part.partition("-")
        start = _weekday(first)
        end = _weekday(last) if "-" in part else start
        yield from ((start + each) % 7 for each in range((end - start) % 7 + 1))


def _weekday(text: str) -> int:
    if text.strip() not in _WEEKDAYS:
        raise ValueError(f"{text.strip()!r} is not a day: Mo, Tu, We, Th, Fr, Sa or Su")
    return _WEEKDAYS.index(text.strip())


def _interval(text: str) -> tuple[timedelta, timedelta]:
    match = _TIMES.fullmatch(text)
    if match is None:
        raise ValueError(f"{text.strip()!r} is not hours such as 08:00-12:00")
    hour, minute, last_hour, last_minute = map(int, match.groups())
    start, end = (timedelta(hours=hour, minutes=minute), timedelta(hours=last_hour, minutes=last_minute))
    if start >= DAY or end > DAY or start == end:
        raise ValueError(f"{text.strip()!r} does not lie between 00:00 and 24:00, or takes no time")
    return start, end if end > start else end + DAY
