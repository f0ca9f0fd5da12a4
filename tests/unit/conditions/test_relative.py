"""Relative days and instants: on the calendar of a zone, across the changes of its clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from opencrm.core.conditions.binding.relative import Moment, days, instants, is_relative, whole_day, zone_of

LONDON, BERLIN = ZoneInfo("Europe/London"), ZoneInfo("Europe/Berlin")
MONDAY = Moment(datetime(2026, 3, 2, 9, tzinfo=UTC), LONDON)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    "word, start, end",
    [
        ("now", date(2026, 3, 2), None),
        ("today", date(2026, 3, 2), None),
        (" today ", date(2026, 3, 2), None),
        ("yesterday", date(2026, 3, 1), None),
        ("tomorrow", date(2026, 3, 3), None),
        ("-7d", date(2026, 2, 23), None),
        ("+2w", date(2026, 3, 16), None),
        ("2w", date(2026, 3, 16), None),
        ("-1mo", date(2026, 2, 2), None),
        ("+1y", date(2027, 3, 2), None),
        ("-10h", date(2026, 3, 1), None),
        ("start_of_week", date(2026, 3, 2), None),
        ("start_of_quarter", date(2026, 1, 1), None),
        ("this_week", date(2026, 3, 2), date(2026, 3, 9)),
        ("last_week", date(2026, 2, 23), date(2026, 3, 2)),
        ("this_month", date(2026, 3, 1), date(2026, 4, 1)),
        ("next_month", date(2026, 4, 1), date(2026, 5, 1)),
        ("last_quarter", date(2025, 10, 1), date(2026, 1, 1)),
        ("this_quarter", date(2026, 1, 1), date(2026, 4, 1)),
        ("last_year", date(2025, 1, 1), date(2026, 1, 1)),
        ("next_day", date(2026, 3, 3), date(2026, 3, 4)),
    ],
)
def test_a_word_stands_for_days(word, start, end):
    """A period is every day of it; the end is the first day after."""
    found = days(word, MONDAY)
    assert (found.start, found.end) == (start, end)


@pytest.mark.parametrize(
    "word", ["", "soon", "7", "-7", "d", "- 7d", "-7 d", "1000000d", "this_day_", "-7D", "٣d", "1d1h"]
)
def test_other_words_stand_for_none(word):
    """They may be values of another kind."""
    assert not is_relative(word)
    assert days(word, MONDAY) is None
    assert instants(word, MONDAY) is None


@pytest.mark.parametrize("moment", [Moment(utc(2026, 3, 31, 12), LONDON), Moment(utc(2026, 5, 31, 12), LONDON)])
def test_a_shorter_month_ends_earlier(moment):
    """A month before the 31st is the last day of a month without one."""
    assert days("-1mo", moment).start in (date(2026, 2, 28), date(2026, 4, 30))


def test_a_leap_day_has_a_year_before_it():
    assert days("-1y", Moment(utc(2028, 2, 29, 12), LONDON)).start == date(2027, 2, 28)


def test_a_day_begins_where_the_zone_is():
    """Half past eleven in the evening in UTC is tomorrow in Berlin."""
    late = utc(2026, 3, 2, 23, 30)
    assert days("today", Moment(late, BERLIN)).start == date(2026, 3, 3)
    assert days("today", Moment(late, LONDON)).start == date(2026, 3, 2)
    assert instants("today", Moment(late, BERLIN)).start == utc(2026, 3, 2, 23)


@pytest.mark.parametrize(
    "now, hours",
    [(utc(2026, 3, 29, 12), 23), (utc(2026, 10, 25, 12), 25), (utc(2026, 3, 30, 12), 24)],
)
def test_a_day_is_as_long_as_it_is(now, hours):
    """On the day of a change of clocks 23 or 25 hours."""
    found = instants("today", Moment(now, BERLIN))
    assert found.end - found.start == timedelta(hours=hours)


def test_days_go_by_the_calendar_and_hours_by_the_clock():
    """The day before the clocks change, at the same time of day, is 23 hours ago."""
    after = Moment(utc(2026, 3, 29, 12), BERLIN)
    assert instants("-1d", after).start == utc(2026, 3, 28, 13)
    assert instants("-24h", after).start == utc(2026, 3, 28, 12)
    assert instants("-90m", after).start == utc(2026, 3, 29, 10, 30)
    assert instants("now", after).start == after.now


def test_a_time_that_the_clocks_skip_is_an_instant_all_the_same():
    """Half past two does not exist on the 29th of March in Berlin."""
    found = instants("+1d", Moment(utc(2026, 3, 28, 1, 30), BERLIN))
    assert found.start == utc(2026, 3, 29, 1, 30)


def test_a_midnight_that_the_clocks_skip_is_when_they_do():
    """In Beirut the 29th of March 2026 begins at one o'clock."""
    beirut = ZoneInfo("Asia/Beirut")
    found = instants("today", Moment(utc(2026, 3, 29, 12), beirut))
    assert found.start == utc(2026, 3, 28, 22)
    assert found.start.astimezone(beirut).hour == 1
    assert found.end == utc(2026, 3, 29, 21)


def test_an_hour_that_comes_twice_begins_with_the_first():
    """In Havana the first hour of the 1st of November 2026 comes twice."""
    found = instants("today", Moment(utc(2026, 11, 1, 12), ZoneInfo("America/Havana")))
    assert (found.start, found.end) == (utc(2026, 11, 1, 4), utc(2026, 11, 2, 5))


def test_a_plain_day_is_all_of_its_instants():
    """Given as text or as a date; anything else is no day."""
    for raw in ("2026-03-29", " 2026-03-29", date(2026, 3, 29)):
        found = whole_day(raw, BERLIN)
        assert (found.start, found.end) == (utc(2026, 3, 28, 23), utc(2026, 3, 29, 22))
    for raw in ("2026-03-29T10:00:00Z", utc(2026, 3, 29), 20260329, None):
        assert whole_day(raw, BERLIN) is None


@pytest.mark.parametrize("word", ["-999999y", "+999999y", "-999999d", "+999999mo", "-999999w"])
def test_what_lies_beyond_the_calendar_is_refused(word):
    """With a sentence, not with whatever the calendar raises."""
    for read in (days, instants):
        if word == "-999999d" and read(word.replace("9", "1"), MONDAY):
            continue
        with pytest.raises(ValueError, match="beyond the calendar"):
            read(word, MONDAY)


@pytest.mark.parametrize("day", ["2026-02-30", "0000-01-01", "9999-12-31"])
def test_a_day_that_is_none_is_refused(day):
    """The last day of all has no day after it."""
    with pytest.raises(ValueError, match="calendar"):
        whole_day(day, BERLIN)


@pytest.mark.parametrize("name", [None, "", "Nowhere/City", "../../etc/passwd", "America", "a\x00b"])
def test_a_zone_that_is_none_is_the_workspaces(name):
    """People's zones are text that nobody checked."""
    assert zone_of(name, "Europe/Berlin").key == "Europe/Berlin"
