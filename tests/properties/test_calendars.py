"""Working time keeps its sums, in every zone and over every change of the clocks."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from opencrm.core.process.timing.calendars import Calendar

MINUTE = timedelta(minutes=1)
DAY = 1440
NAMES = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
CHANGES = {
    "Europe/London": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "America/St_Johns": ("2026-03-08", "2026-11-01"),
    "America/Havana": ("2026-03-08", "2026-11-01"),
    "America/Santiago": ("2026-04-05", "2026-09-06"),
    "Australia/Lord_Howe": ("2026-04-05", "2026-10-04"),
    "Pacific/Auckland": ("2026-04-05", "2026-09-27"),
    "Asia/Kolkata": ("2026-03-29", "2026-10-25"),
}
"""Days of the two changes of a year: some at midnight, one by half an hour, three in the south, one zone without."""


@attrs.frozen
class Hours:
    """Hours as numbers, from which both the text and the answers are made."""

    rules: list[tuple[int, int, int]]
    days: dict[str, tuple[int, int] | None]

    def calendar(self, zone: str) -> Calendar:
        week = "; ".join(f"{NAMES[weekday]} {written(start, end)}" for weekday, start, end in self.rules)
        days = {day: hours and written(*hours) for day, hours in self.days.items()}
        return Calendar("made", hours=week, zone=zone, days=days)

    def works(self, at: datetime, zone: ZoneInfo) -> bool:
        """Look at the wall clock: is it within hours that began today, or yesterday?"""
        local = at.astimezone(zone)
        minute = local.hour * 60 + local.minute
        today, yesterday = local.date(), local.date() - timedelta(days=1)
        return any(
            start <= since < (end if end > start else end + DAY)
            for day, since in ((today, minute), (yesterday, minute + DAY))
            for start, end in self.of(str(day), day.weekday())
        )

    def of(self, day: str, weekday: int) -> list[tuple[int, int]]:
        if day in self.days:
            hours = self.days[day]
            return [] if hours is None else [hours]
        return [(start, end) for each, start, end in self.rules if each == weekday]


def written(start: int, end: int) -> str:
    return f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"


def interval() -> st.SearchStrategy[tuple[int, int]]:
    """Give hours to a quarter, many of them at night, where the clocks are changed, some over midnight."""
    minute = st.one_of(st.integers(0, 20), st.integers(0, 95)).map(lambda quarter: quarter * 15)
    return st.tuples(minute, st.one_of(minute, st.just(DAY))).filter(lambda pair: pair[0] != pair[1])


zones = st.sampled_from(sorted(CHANGES))
changes = zones.flatmap(lambda zone: st.tuples(st.just(zone), st.sampled_from(CHANGES[zone])))
rules = st.tuples(st.integers(0, 6), interval()).map(lambda pair: (pair[0], *pair[1]))
near = st.integers(0, 6 * DAY)
amounts = st.integers(0, 40 * 3600).map(lambda seconds: timedelta(seconds=seconds))
texts = st.sampled_from(["0m", "15m", "9h", "1d", "3d", "1d2h", "1w", "2w1d30m"])


@st.composite
def cases(draw: st.DrawFn) -> tuple[Hours, str, datetime]:
    """Give hours, a zone, and the midnight three days before its clocks are changed."""
    zone, day = draw(changes)
    begin = datetime.fromisoformat(f"{day}T00:00:00+00:00") - timedelta(days=3)
    special = st.integers(0, 6).map(lambda days: str((begin + timedelta(days=days)).date()))
    days = draw(st.dictionaries(special, st.none() | interval(), max_size=2))
    return Hours(draw(st.lists(rules, min_size=1, max_size=12)), days), zone, begin


@settings(max_examples=25)
@given(cases(), st.lists(st.tuples(near, near), min_size=8, max_size=8))
def test_answers_are_those_of_walking_minute_by_minute(case, asked):
    """Over a fortnight around a change of the clocks: is it open, when does it open, what lies between, what is due."""
    hours, zone, begin = case
    calendar = hours.calendar(zone)
    first = begin - timedelta(days=4)
    worked = [minute for minute in range(14 * DAY) if hours.works(first + minute * MINUTE, ZoneInfo(zone))]
    for one, other in asked:
        start, end = sorted((one + 4 * DAY, other + 4 * DAY))
        at, due = first + start * MINUTE, first + end * MINUTE
        before, after = bisect_left(worked, start), bisect_left(worked, end)
        assert calendar.is_open(at) == (start in worked[before : before + 1])
        assert calendar.between(at, due) == (after - before) * MINUTE
        if before < len(worked):
            assert calendar.opens(at) == first + worked[before] * MINUTE
        if after > before:
            assert calendar.add(at, (after - before) * MINUTE) == first + (worked[after - 1] + 1) * MINUTE
            assert calendar.subtract(due, (after - before) * MINUTE) == first + worked[before] * MINUTE


@given(cases(), near, amounts, amounts)
def test_adding_keeps_its_sums(case, minute, some, more):
    """What was added lies between; two steps are one; more is never earlier; and the way back is as long."""
    hours, zone, begin = case
    calendar, start = hours.calendar(zone), begin + minute * MINUTE
    end = calendar.add(start, some)
    assert calendar.between(start, end) == some
    assert calendar.add(end, more) == calendar.add(start, some + more) >= end
    assert calendar.between(calendar.subtract(start, some), start) == some
    assert calendar.subtract(end, some) >= start or calendar.between(calendar.subtract(end, some), start) == timedelta()


@given(cases(), near, near, near, amounts)
def test_between_is_a_measure(case, one, two, three, some):
    """The parts make the whole, whatever their order; who starts later is due no earlier."""
    hours, zone, begin = case
    calendar, (a, b, c) = hours.calendar(zone), (begin + minute * MINUTE for minute in (one, two, three))
    assert calendar.between(a, b) + calendar.between(b, c) == calendar.between(a, c)
    assert calendar.between(a, b) == -calendar.between(b, a)
    assert calendar.add(min(a, b), some) <= calendar.add(max(a, b), some)
    assert calendar.subtract(min(a, b), some) <= calendar.subtract(max(a, b), some)


@given(cases(), near, texts)
def test_what_is_due_lies_in_the_hours(case, minute, duration):
    """Days and weeks too; the last moment of the hours is one of them."""
    hours, zone, begin = case
    calendar, start = hours.calendar(zone), begin + minute * MINUTE
    for due in (calendar.add(start, duration), calendar.subtract(start, duration)):
        assert due.tzinfo is UTC
        assert calendar.is_open(due) or calendar.is_open(due - datetime.resolution)
    assert calendar.subtract(start, duration) <= start or not calendar.is_open(start)
    assert calendar.add(start, duration) >= start
