"""Clocks of promises as values."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencrm import Calendar
from opencrm.core.process.timing.calendars import ALWAYS
from opencrm.core.process.timing.sla_clocks import Clock, ended, paused, resumed, retargeted, target_of

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
OFFICE = Calendar("office", hours="Mo-Fr 09:00-17:00", zone="UTC")


def clock(length="4h", calendar=OFFICE):
    return Clock(
        id="1",
        sla="s",
        entity="deal",
        record_id="2",
        started_at=START,
        since=START,
        due_at=calendar.add(START, length),
        target=target_of(calendar, START, length),
    )


@given(st.lists(st.integers(0, 50_000), min_size=2, max_size=12))
def test_what_it_stands_still_is_not_counted(seconds):
    """However often, and whatever the hours: the working time that it ran until it runs out is its target."""
    one, at = clock("40h"), START
    for number, each in enumerate(seconds):
        at += timedelta(seconds=each)
        if one.due_at is not None and one.due_at <= at:
            break
        one = resumed(one, at, OFFICE) if number % 2 else paused(one, at, OFFICE)
    else:
        one = one if one.since else resumed(one, at, OFFICE)
        assert one.spent(one.due_at, OFFICE) == one.target
    assert one.elapsed <= one.target


def test_it_is_met_at_the_very_instant_and_breached_after_it():
    """Also where nobody noticed yet."""
    one = clock()
    assert ended(one, one.due_at, OFFICE).state == "met"
    late = ended(one, one.due_at + timedelta(seconds=1), OFFICE)
    assert (late.state, late.breached_at) == ("breached", one.due_at)


def test_another_target_counts_from_the_start():
    """What it ran already is part of it."""
    one = resumed(paused(clock(), START + timedelta(hours=1), OFFICE), START + timedelta(hours=3), OFFICE)
    assert one.due_at == START + timedelta(hours=6)
    assert retargeted(one, "2h", OFFICE).due_at == START + timedelta(hours=4)
    assert retargeted(one, "30m", OFFICE).due_at == START + timedelta(hours=3)


@pytest.mark.parametrize("length", ["1h", "2d", "1w"])
def test_days_are_working_days(length):
    """As of a task."""
    assert clock(length).due_at == OFFICE.add(START, length)
    assert clock(length, ALWAYS.in_zone("UTC")).due_at == ALWAYS.in_zone("UTC").add(START, length)
