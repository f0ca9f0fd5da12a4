"""Instants on the wall clock, one by one."""

from datetime import UTC, date, datetime

import pytest

from opencrm import Deal, every
from opencrm.core.process.timing.moments import Weekly, moved


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    "days, at, zone, after, expected",
    [
        ("Mo-Fr", "09:00", "UTC", utc(2026, 3, 2, 9), utc(2026, 3, 3, 9)),
        ("Mo-Fr", "09:00", "UTC", utc(2026, 3, 2, 8, 59), utc(2026, 3, 2, 9)),
        ("Mo-Fr", "09:00", "UTC", utc(2026, 3, 6, 9), utc(2026, 3, 9, 9)),
        ("Sa-Mo", "00:00", "Europe/Berlin", utc(2026, 3, 6, 22), utc(2026, 3, 6, 23)),
        ("Su", "02:30", "Europe/Berlin", utc(2026, 3, 28), utc(2026, 3, 29, 1)),  # Skipped: the moment of the change.
        ("Su", "02:30", "Europe/Berlin", utc(2026, 10, 24), utc(2026, 10, 25, 0, 30)),  # Shown twice: the first.
        ("Su", "02:30", "Europe/Berlin", utc(2026, 10, 25, 0, 30), utc(2026, 11, 1, 1, 30)),
        ("Su", "02:15", "Australia/Lord_Howe", utc(2026, 10, 3), utc(2026, 10, 3, 15, 30)),  # By half an hour.
        ("Fr", "12:00", "Pacific/Apia", utc(2011, 12, 29, 0), utc(2011, 12, 30, 10)),  # A day that never was.
    ],
)
def test_the_next_time(days, at, zone, after, expected):
    """After an instant, in UTC."""
    assert Weekly(days, at, zone).after(after) == expected


@pytest.mark.parametrize(
    "given, text",
    [
        ({"days": "Mon"}, "days: "),
        ({"days": ""}, "days: names no day"),
        ({"at": "9:00"}, "at: '9:00' is not a time of the day such as 09:00"),
        ({"at": "24:00"}, "at: "),
        ({"zone": "Mars"}, "zone: 'Mars' is not a time zone"),
    ],
)
def test_what_cannot_be_read_is_named_when_it_is_declared(given, text):
    """Before any rule is made of it."""
    with pytest.raises(ValueError, match=text):
        every(**{"days": "Mo", "at": "09:00", "of": Deal, **given})


def test_a_day_begins_at_midnight_of_the_zone():
    """In summer time as in winter time."""
    assert moved(date(2026, 7, 1), "-1d", "Europe/Berlin") == utc(2026, 6, 29, 22)
    assert moved(date(2026, 3, 30), "-1d", "Europe/Berlin") == utc(2026, 3, 28, 23)


def test_days_from_a_day_are_days_whose_beginning_the_clock_skips():
    """Santiago had no midnight that day: three days later there is one, and three days before."""
    assert moved(date(2026, 9, 6), "+0d", "America/Santiago") == utc(2026, 9, 6, 4)
    assert moved(date(2026, 9, 6), "+3d", "America/Santiago") == utc(2026, 9, 9, 3)
    assert moved(date(2026, 9, 6), "-1w", "America/Santiago") == utc(2026, 8, 30, 4)
    assert moved(date(2026, 9, 9), "-3d2h", "America/Santiago") == utc(2026, 9, 6, 2)


def test_what_lies_beyond_all_calendars_never_comes():
    """It sets no timer, and breaks no change of a record."""
    assert moved(date(9999, 12, 31), "+1w", "UTC") is None
    assert moved(date(1, 1, 1), "-1w", "UTC") is None
