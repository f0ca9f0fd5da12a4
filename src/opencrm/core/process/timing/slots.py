"""Free time: where an appointment fits between others, in working hours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from opencrm.core.process.timing.calendars import Calendar, Stretch
from opencrm.core.process.timing.durations import span
from opencrm.core.process.timing.hours import joined

GRAIN = timedelta(minutes=5)
"""An appointment begins at a full five minutes, or where another one ends."""
_HORIZON = timedelta(days=400)


def free_slot(calendar: Calendar, length: str, busy: Sequence[Stretch], after: datetime) -> Stretch:
    """Return the first time at which an appointment fits.

    Hours and minutes are in one piece, where the calendar has pieces as long as that; days, and what is longer than
    any piece, go on after a closing as working time does.

    Args:
        calendar: The working hours, in their zone.
        length: How long it takes, such as `"90m"` or `"1d"`.
        busy: What is taken already.
        after: When it may begin at the earliest.

    Raises:
        ValueError: The calendar is closed for two years on end.
    """
    taken, start, wanted = joined(busy), _grained(after), span(length)
    if not (wanted.days or wanted.weeks):
        found = _in_one_piece(calendar, wanted.time, taken, start)
        if found is not None:
            return found
    return _in_parts(calendar, length, taken, start)


def _grained(at: datetime) -> datetime:
    """Return the next full five minutes."""
    past = timedelta(minutes=at.minute % 5, seconds=at.second, microseconds=at.microsecond)
    return at + (GRAIN - past) % GRAIN


def _in_one_piece(calendar: Calendar, length: timedelta, taken: Sequence[Stretch], start: datetime) -> Stretch | None:
    begin = end = start
    for opening, closing in _free(calendar.open_from(start), taken):
        if opening - start > _HORIZON and (not taken or opening - taken[-1][1] > _HORIZON):
            return None
        begin, end = (begin if opening <= end else opening), closing
        if end - begin >= length:
            return begin, begin + length
    return None


def _free(stretches: Iterator[Stretch], taken: Sequence[Stretch]) -> Iterator[Stretch]:
    """Give what is left of stretches."""
    for opening, closing in stretches:
        since = opening
        for start, end in taken:
            if end <= since or start >= closing:
                continue
            if start > since:
                yield since, start
            since = end
        if since < closing:
            yield since, closing


def _in_parts(calendar: Calendar, length: str, taken: Sequence[Stretch], start: datetime) -> Stretch:
    begin = calendar.opens(start)
    end = calendar.add(begin, length)
    for since, until in taken:
        if since < end and until > begin:
            begin = calendar.opens(until)
            end = calendar.add(begin, length)
    return begin, end
