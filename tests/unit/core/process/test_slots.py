"""Where an appointment fits."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencrm import Calendar
from opencrm.core.process.timing.calendars import ALWAYS
from opencrm.core.process.timing.slots import free_slot

OFFICE = Calendar("office", hours="Mo-Fr 08:00-12:00,13:00-18:00", zone="UTC")


def at(hour, minute=0, day=2):
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    "length, busy, after, expected",
    [
        ("2h", [], at(9, 2), (at(9, 5), at(11, 5))),
        ("2h", [], at(11), (at(13), at(15))),
        ("5h", [], at(9), (at(13), at(18))),
        ("6h", [], at(9), (at(9), at(16))),  # No piece is as long: it goes on after lunch.
        ("2h", [(at(9), at(10)), (at(13), at(17))], at(8), (at(10), at(12))),
        ("2h", [(at(9), at(11)), (at(13), at(17))], at(8), (at(8, day=3), at(10, day=3))),
        ("1h", [(at(7), at(19))], at(8), (at(8, day=3), at(9, day=3))),
        ("1h", [(at(8), at(10)), (at(9), at(11))], at(8), (at(11), at(12))),
        ("1d", [], at(10), (at(10), at(10, day=3))),
        ("1d", [(at(12), at(14))], at(10), (at(14), at(14, day=3))),
        ("1h", [], at(17, 30, day=6), (at(8, day=9), at(9, day=9))),
    ],
)
def test_the_first_time_that_is_free(length, busy, after, expected):
    """In one piece where the day has one."""
    assert free_slot(OFFICE, length, busy, after) == expected


def test_pieces_that_meet_at_midnight_are_one():
    """Of a calendar that never closes."""
    found = free_slot(ALWAYS.in_zone("UTC"), "30h", [(at(9), at(20))], at(9))
    assert found == (at(20), at(20) + timedelta(hours=30))


@given(
    st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 600)), max_size=20),
    st.integers(0, 4000),
    st.integers(1, 240),
)
def test_it_overlaps_nothing_and_lies_in_the_hours(taken, after, minutes):
    """Whatever is taken."""
    start = at(0)
    busy = [(start + timedelta(minutes=a), start + timedelta(minutes=a + b)) for a, b in taken]
    begin, end = free_slot(OFFICE, f"{minutes}m", busy, start + timedelta(minutes=after))
    assert begin >= start + timedelta(minutes=after)
    assert all(until <= begin or since >= end for since, until in busy)
    assert OFFICE.between(begin, end) == end - begin == timedelta(minutes=minutes)
