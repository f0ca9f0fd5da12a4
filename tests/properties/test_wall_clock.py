"""Wall-clock rules over both changes of the year, in zones that differ: by an hour, by half an hour, on other days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencrm import Calendar
from opencrm.core.process.timing.moments import Weekly, midnight, moved, shown_first

ZONES = (
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Australia/Adelaide",
    "Pacific/Chatham",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Pacific/Apia",
)
INSTANTS = st.integers(0, 20 * 365 * 24 * 3600).map(lambda it: datetime(2009, 1, 1, tzinfo=UTC) + timedelta(seconds=it))
ANY_ZONE = st.sampled_from(ZONES)
TIMES = st.times().map(lambda it: it.replace(second=0, microsecond=0))


def offset(zone: str, at: datetime) -> timedelta:
    """Return by how much the wall clock of a zone differs from UTC."""
    return at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()


def changes_of(zone: str, year: int) -> list[datetime]:
    """Return the instants of a year at which the clock of a zone is changed, to the minute."""
    found, day = [], datetime(year, 1, 1, tzinfo=UTC)
    while day.year == year:
        if offset(zone, day) != offset(zone, day + timedelta(days=1)):
            minutes = (day + timedelta(minutes=number) for number in range(1, 1441))
            found.append(next(at for at in minutes if offset(zone, at) != offset(zone, day)))
        day += timedelta(days=1)
    return found


CHANGES = [(zone, change) for zone in ZONES[:9] for change in changes_of(zone, 2026)]


def test_there_are_changes_enough() -> None:
    """Two a year in each zone but two, one of them by half an hour."""
    assert len(CHANGES) == 18
    sizes = {abs(offset(zone, change) - offset(zone, change - timedelta(hours=2))) for zone, change in CHANGES}
    assert sizes == {timedelta(minutes=30), timedelta(hours=1)}


@pytest.mark.parametrize("zone, change", CHANGES, ids=str)
def test_every_day_comes_once_over_a_change(zone: str, change: datetime) -> None:
    """Whatever the time: once for each date, at that time where the clock shows it, else at the change."""
    there = ZoneInfo(zone)
    for number in range(0, 1440, 15):
        wall = time(number // 60, number % 60)
        weekly, at, found = Weekly("Mo-Su", f"{wall:%H:%M}", zone), change - timedelta(days=3), []
        while at < change + timedelta(days=3):
            at = weekly.after(at)
            found.append(at)
        shown = [each.astimezone(there) for each in found]
        for each, instant in zip(shown, found, strict=True):
            assert each.time() == wall or instant == change
        days = [each.date() for each in shown]
        assert days == [days[0] + timedelta(days=nth) for nth in range(len(days))]


@pytest.mark.parametrize("zone, change", CHANGES, ids=str)
def test_days_before_and_after_an_instant_keep_its_time_on_the_wall(zone: str, change: datetime) -> None:
    """Weeks and days go by the wall clock; hours by the clock that never jumps."""
    there = ZoneInfo(zone)
    for start in (change - timedelta(hours=13), change + timedelta(hours=11)):
        wall = start.astimezone(there)
        for offset, days in (("+1d", 1), ("-1d", -1), ("+6w", 42), ("-2w", -14)):
            at = moved(start, offset, zone)
            assert at is not None
            local = at.astimezone(there)
            assert (local.date(), local.time()) == (wall.date() + timedelta(days=days), wall.time())
        assert moved(start, "+24h", zone) == start + timedelta(hours=24)


@pytest.mark.parametrize("zone, change", CHANGES, ids=str)
def test_a_day_begins_at_its_midnight(zone: str, change: datetime) -> None:
    """Where midnight is skipped, at the change."""
    there = ZoneInfo(zone)
    for number in range(-2, 3):
        day = change.astimezone(there).date() + timedelta(days=number)
        begins = midnight(day, zone)
        assert begins.astimezone(there).date() == day
        assert (begins - timedelta(seconds=1)).astimezone(there).date() == day - timedelta(days=1)


@pytest.mark.parametrize("zone, change", CHANGES, ids=str)
def test_working_days_are_due_at_the_same_time_on_the_wall(zone: str, change: datetime) -> None:
    """Over a change a working day is no longer and no shorter for whoever works."""
    calendar, there = Calendar("office", hours="Mo-Su 09:00-17:00", zone=zone), ZoneInfo(zone)
    start = datetime.combine(change.astimezone(there).date() - timedelta(days=1), time(10), there)
    due = calendar.add(start, "2d").astimezone(there)
    assert (due.date(), due.time()) == (start.date() + timedelta(days=2), time(10))
    assert calendar.between(start, due) == timedelta(hours=16)


@given(INSTANTS, TIMES, ANY_ZONE, st.sets(st.sampled_from(["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"]), min_size=1))
def test_the_next_time_is_later_and_nothing_lies_between(at: datetime, wall: time, zone: str, days: set[str]) -> None:
    """Asked again from the next one on, time goes forward, a week at the most apart."""
    weekly = Weekly(",".join(sorted(days)), f"{wall:%H:%M}", zone)
    first = weekly.after(at)
    assert at < first <= at + timedelta(days=9)
    assert weekly.after(first - timedelta(seconds=1)) == first
    assert weekly.after(first) > first


@given(st.dates(date(2009, 1, 1), date(2029, 12, 31)), TIMES, ANY_ZONE)
def test_a_time_is_shown_first_or_skipped(day: date, wall: time, zone: str) -> None:
    """No earlier instant shows it."""
    there = ZoneInfo(zone)
    at = shown_first(day, wall, there)
    local = at.astimezone(there)
    if (local.date(), local.time()) == (day, wall):
        for hours in (0.5, 1):
            before = (at - timedelta(hours=hours)).astimezone(there)
            assert (before.date(), before.time()) != (day, wall)
    else:
        assert (local.date(), local.time()) > (day, wall)
        second_before = (at - timedelta(seconds=1)).astimezone(there)
        assert (second_before.date(), second_before.time()) < (day, wall)
