"""Working time, told as days in an office."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from opencrm.core.process.timing.calendars import ALWAYS, Calendar

LONDON = ZoneInfo("Europe/London")
OFFICE = Calendar("office", hours="Mo-Fr 08:00-18:00", zone="Europe/London")
LUNCH = Calendar("lunch", hours="Mo-Fr 08:00-12:00,13:00-18:00; Sa 09:00-13:00", zone="Europe/London")
NIGHT = Calendar("night", hours="Mo-Fr 22:00-06:00", zone="Europe/London")


def on(text: str, zone: ZoneInfo = LONDON) -> datetime:
    """Read what the wall clock shows; 2 March 2026 is a Monday."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=zone)


@pytest.mark.parametrize(
    "start, duration, end",
    [
        ("03-02 09:00", "15m", "03-02 09:15"),
        ("03-02 17:50", "15m", "03-03 08:05"),
        ("03-06 17:50", "15m", "03-09 08:05"),
        ("03-07 11:00", "15m", "03-09 08:15"),
        ("03-02 03:00", "15m", "03-02 08:15"),
        ("03-02 08:00", "10h", "03-02 18:00"),
        ("03-02 18:00", "0m", "03-02 18:00"),
        ("03-02 20:00", "0m", "03-03 08:00"),
        ("03-02 18:00", "1s", "03-03 08:00:01"),
        ("03-02 09:00", "1h30m", "03-02 10:30"),
        ("03-02 09:00", "30h", "03-05 09:00"),
    ],
)
def test_hours_pass_only_while_the_office_is_open(start: str, duration: str, end: str):
    """What is left over at closing time goes on with the next opening; ten hours end with the day."""
    assert OFFICE.add(on(start), duration) == on(end)


@pytest.mark.parametrize(
    "start, duration, end",
    [
        ("03-02 09:30", "2d", "03-04 09:30"),
        ("03-05 09:30", "2d", "03-07 09:30"),
        ("03-05 08:30", "2d", "03-07 09:00"),
        ("03-05 17:00", "2d", "03-07 13:00"),
        ("03-07 12:30", "1d", "03-09 13:00"),
        ("03-08 12:30", "1d", "03-10 08:00"),
        ("03-02 18:00", "1d", "03-03 18:00"),
        ("03-02 09:30", "1d2h", "03-03 11:30"),
        ("03-02 09:30", "1w", "03-09 09:30"),
        ("03-08 09:30", "6w", "04-20 08:00"),
        ("03-07 12:30", "1w1d", "03-16 13:00"),
    ],
)
def test_days_are_working_days_and_weeks_are_weeks(start: str, duration: str, end: str):
    """A day keeps the time on the wall and is moved into that day's hours, even to its closing."""
    assert LUNCH.add(on(start), duration) == on(end)


@pytest.mark.parametrize(
    "end, duration, start",
    [
        ("03-02 09:00", "10m", "03-02 08:50"),
        ("03-02 18:00", "10m", "03-02 17:50"),
        ("03-03 08:00", "10m", "03-02 17:50"),
        ("03-09 08:05", "10m", "03-06 17:55"),
        ("03-08 12:00", "10m", "03-06 17:50"),
        ("03-03 08:10", "10m", "03-03 08:00"),
        ("03-03 08:00", "0m", "03-03 08:00"),
        ("03-09 08:00", "1d", "03-06 08:00"),
        ("03-08 08:00", "1d", "03-05 18:00"),
        ("03-09 09:00", "1w", "03-02 09:00"),
        ("03-09 09:00", "1w1d1h", "02-27 08:00"),
    ],
)
def test_a_reminder_is_counted_backwards(end: str, duration: str, start: str):
    """Ten minutes before eight are ten to six of the day before."""
    assert OFFICE.subtract(on(end), duration) == on(start)


def test_days_counted_backwards_are_moved_to_what_was_open_before():
    """Half past twelve is noon on a day with a lunch break, counted backwards, and one o'clock counted forwards."""
    through = Calendar("through", hours="Mo 08:00-18:00; Tu 08:00-12:00,13:00-18:00; We 08:00-18:00", zone="UTC")
    assert through.add(on("03-02 12:30", ZoneInfo("UTC")), "1d") == on("03-03 13:00", ZoneInfo("UTC"))
    assert through.subtract(on("03-04 12:30", ZoneInfo("UTC")), "1d") == on("03-03 12:00", ZoneInfo("UTC"))


def test_a_timedelta_is_working_time_and_a_negative_one_turns_round():
    """A day of 24 working hours is more than two days in the office."""
    assert OFFICE.add(on("03-02 08:00"), timedelta(days=1)) == on("03-04 12:00")
    assert OFFICE.add(on("03-03 08:00"), -timedelta(minutes=10)) == on("03-02 17:50")
    assert OFFICE.subtract(on("03-02 17:50"), -timedelta(minutes=20)) == on("03-03 08:10")


def test_each_unit_begins_in_the_hours():
    """What begins or ends on a day off goes on from the opening after it; backwards, from the closing before it."""
    off = Calendar("off", hours="Mo-Fr 08:00-18:00", zone="Europe/London", days={"2026-03-09": None})
    assert off.add(on("03-02 09:30"), "1w") == on("03-10 08:00")
    assert off.add(on("03-02 09:30"), "1w1d") == on("03-11 08:00")
    assert off.add(on("03-09 09:30"), "1w") == on("03-17 08:00")
    assert off.subtract(on("03-16 09:30"), "1w1d") == on("03-05 18:00")


def test_results_are_in_utc():
    """Whatever zone the question was asked in."""
    tokyo = datetime(2026, 3, 2, 20, tzinfo=ZoneInfo("Asia/Tokyo"))
    answers = [OFFICE.add(tokyo, "1h"), OFFICE.add(tokyo, "1w1d"), OFFICE.subtract(tokyo, "1h"), OFFICE.opens(tokyo)]
    assert [answer.tzinfo for answer in answers] == [UTC] * 4
    assert OFFICE.add(tokyo, "1h").isoformat() == "2026-03-02T12:00:00+00:00"


def test_between_counts_the_hours_of_both_days():
    """An hour on Friday and two on Monday; negative the other way round."""
    assert OFFICE.between(on("03-06 17:00"), on("03-09 10:00")) == timedelta(hours=3)
    assert OFFICE.between(on("03-09 10:00"), on("03-06 17:00")) == timedelta(hours=-3)
    assert OFFICE.between(on("03-07 10:00"), on("03-08 10:00")) == timedelta()


def test_the_opening_is_open_and_the_closing_is_not():
    """At six the next opening is tomorrow's."""
    assert OFFICE.is_open(on("03-02 08:00"))
    assert not OFFICE.is_open(on("03-02 18:00"))
    assert OFFICE.opens(on("03-02 18:00")) == on("03-03 08:00")
    assert OFFICE.opens(on("03-02 08:00")) == on("03-02 08:00")


def test_a_night_belongs_to_the_day_on_which_it_begins():
    """Friday's night lasts until Saturday morning; a day after it is Monday's night; Sunday evening has none."""
    assert NIGHT.is_open(on("03-07 05:59"))
    assert not NIGHT.is_open(on("03-02 05:59"))
    assert NIGHT.add(on("03-06 23:00"), "8h") == on("03-09 23:00")
    assert NIGHT.add(on("03-07 02:00"), "1d") == on("03-10 02:00")
    assert NIGHT.subtract(on("03-10 02:00"), "1d") == on("03-07 02:00")


def test_hours_until_midnight_close_at_midnight():
    """The moment of closing still belongs to the evening before."""
    evening = Calendar("evening", hours="Mo-Fr 18:00-24:00", zone="Europe/London")
    assert evening.add(on("03-02 18:00"), "6h") == on("03-03 00:00")
    assert evening.add(on("03-03 00:00"), "0m") == on("03-03 00:00")
    assert evening.add(on("03-03 00:00"), "1d") == on("03-04 00:00")


def test_a_night_off_leaves_the_end_of_the_night_before():
    """With Tuesday off, Monday's night is worked to its end."""
    off = Calendar("off", hours="Mo-Fr 22:00-06:00", zone="Europe/London", days={"2026-03-03": None})
    assert off.between(on("03-02 22:00"), on("03-04 22:00")) == timedelta(hours=8)
    assert off.is_open(on("03-03 05:00"))


def test_nights_and_mornings_that_overlap_count_once():
    """The night until six and the morning from five are one."""
    both = Calendar("both", hours="Mo 22:00-06:00; Tu 05:00-12:00", zone="Europe/London")
    assert both.between(on("03-02 00:00"), on("03-04 00:00")) == timedelta(hours=14)


def test_holidays_are_off_by_country_and_part():
    """Easter Monday is a holiday in England and not in all of Great Britain; Epiphany in Bavaria, not in Berlin."""
    england = Calendar("england", hours="Mo-Fr 08:00-18:00", zone="Europe/London", holidays="GB-ENG")
    assert england.opens(on("04-03 09:00")) == on("04-07 08:00")
    assert england.add(on("04-02 09:00"), "1d") == on("04-07 09:00")
    bavaria, berlin = (Calendar("x", hours="Mo-Fr 08:00-18:00", zone="UTC", holidays=f"DE-{it}") for it in ("BY", "BE"))
    assert not bavaria.is_open(on("01-06 12:00"))
    assert berlin.is_open(on("01-06 12:00"))
    assert not bavaria.is_open(on("01-01 12:00"))


def test_single_days_go_before_the_week_and_the_holidays():
    """Half a day on Christmas Eve, a Sunday that is worked, a holiday that is worked, a Thursday off."""
    days = {"2026-12-24": "09:00-12:00", "2026-12-25": "10:00-11:00", "2026-12-20": "08:00-10:00", "2026-12-31": None}
    shop = Calendar("shop", hours="Mo-Fr 08:00-18:00", zone="Europe/London", holidays="GB", days=days)
    assert shop.between(on("12-24 00:00"), on("12-25 00:00")) == timedelta(hours=3)
    assert shop.between(on("12-25 00:00"), on("12-26 00:00")) == timedelta(hours=1)
    assert shop.between(on("12-20 00:00"), on("12-21 00:00")) == timedelta(hours=2)
    assert shop.between(on("12-31 00:00"), on("12-31 23:59")) == timedelta()
    assert shop.add(on("12-23 17:00"), "1d") == on("12-24 12:00")


@pytest.mark.parametrize(
    "zone, day, hours",
    [
        ("Europe/London", "2026-03-29", 23),
        ("Europe/London", "2026-10-25", 25),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("America/Santiago", "2026-09-06", 23),
        ("America/Santiago", "2026-04-04", 25),
        ("Pacific/Apia", "2011-12-30", 0),
        ("Asia/Kolkata", "2026-03-29", 24),
    ],
)
def test_a_day_is_as_long_as_its_wall_clock_makes_it(zone: str, day: str, hours: float):
    """A skipped hour does not count, a doubled one counts twice, a skipped day has nothing."""
    whole = Calendar("whole", hours="Mo-Su 00:00-23:00,23:00-24:00", zone=zone, days={"2000-01-01": None})
    noon = datetime.fromisoformat(f"{day} 12:00").replace(tzinfo=ZoneInfo("UTC"))
    date = noon.date()
    walked = (noon + timedelta(minutes=minute) for minute in range(-2880, 2880))
    shown = [at for at in walked if at.astimezone(ZoneInfo(zone)).date() == date]
    assert len(shown) == hours * 60
    if shown:
        assert whole.between(shown[0], shown[-1] + timedelta(minutes=1)) == timedelta(hours=hours)


def test_a_time_that_the_clock_skips_is_the_moment_of_the_change():
    """A day after half past one is two o'clock in summer time; of two half past ones, the first is meant."""
    early = Calendar("early", hours="Mo-Su 01:00-12:00", zone="Europe/London")
    assert early.add(on("03-28 01:30"), "1d") == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert early.add(on("10-24 01:30"), "1d") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert early.add(on("03-22 01:30"), "1w") == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_always_needs_no_zone_for_hours_and_goes_by_the_wall_for_days():
    """Across the change to summer time a day has 23 hours."""
    start = on("03-28 12:00")
    assert ALWAYS.add(start, "24h") == start.astimezone(UTC) + timedelta(hours=24)
    assert ALWAYS.subtract(start, "24h") == start.astimezone(UTC) - timedelta(hours=24)
    assert ALWAYS.between(start, on("03-29 12:00")) == timedelta(hours=23)
    assert ALWAYS.is_open(start)
    assert ALWAYS.opens(start) == start
    bound = ALWAYS.in_zone("Europe/London")
    assert bound.add(start, "1d") == on("03-29 12:00")
    assert bound.subtract(on("04-04 12:00"), "1w") == on("03-28 12:00")
    with pytest.raises(ValueError, match="'always' has no zone"):
        ALWAYS.add(start, "1d")


def test_a_calendar_without_a_zone_is_bound_to_the_workspaces():
    """A copy; one that names its zone stays where it is."""
    anywhere = Calendar("office", hours="Mo-Fr 08:00-18:00", days={"2026-03-04": None})
    paris = anywhere.in_zone("Europe/Paris")
    assert paris.opens(on("03-02 01:00")) == on("03-02 07:00")
    assert not paris.is_open(on("03-04 12:00"))
    assert OFFICE.in_zone("Europe/Paris") is OFFICE
    assert anywhere.zone is None
    with pytest.raises(ValueError, match="'office' has no zone"):
        anywhere.opens(on("03-02 01:00"))


def test_a_calendar_that_stays_closed_is_an_error_and_not_a_loop():
    """Two years ahead or back; between two instants it is simply no time."""
    once = Calendar("once", hours="Mo 08:00-09:00", zone="UTC", days=dict.fromkeys(mondays(120)))
    with pytest.raises(ValueError, match="'once' is closed for two years on end from 2026-03-03"):
        once.opens(on("03-03 12:00"))
    with pytest.raises(ValueError, match="closed for two years"):
        once.add(on("03-03 00:00"), "1d")
    with pytest.raises(ValueError, match="closed for two years"):
        once.subtract(on("03-03 00:00") + timedelta(weeks=115), "1h")
    assert once.between(on("03-03 00:00"), on("03-03 00:00") + timedelta(weeks=115)) == timedelta()


def mondays(count: int) -> list[str]:
    return [str((on("03-02 00:00") + timedelta(weeks=week)).date()) for week in range(count)]


@pytest.mark.parametrize(
    "duration, message",
    [
        ("", "is not a duration"),
        ("2 days", "is not a duration"),
        ("1h1h", "is not a duration"),
        ("101y", "is not a duration"),
        ("5300w", "longer than a hundred years"),
        ("99999999999999d", "longer than a hundred years"),
        ("99999999999999999999999h", "longer than a hundred years"),
        (timedelta.max, "longer than a hundred years"),
        (timedelta(days=30_000), "longer than five years from 2026-03-02 in its hours"),
        ("30000d", "longer than five years from 2026-03-02 in its hours"),
    ],
)
def test_durations_that_cannot_be_meant_are_refused(duration: str | timedelta, message: str):
    """Each in its own words, and in a moment: nobody counts the working days of a hundred years."""
    weekly = Calendar("weekly", hours="Mo 08:00-18:00", zone="UTC")
    with pytest.raises(ValueError, match=message):
        weekly.add(on("03-02 09:00"), duration)


def test_instants_must_be_aware_and_of_our_time():
    """A naive one would be read in the zone of the machine."""
    naive = on("03-02 09:00").replace(tzinfo=None)
    for asked in (OFFICE.opens, OFFICE.is_open, ALWAYS.opens):
        with pytest.raises(ValueError, match="must be aware"):
            asked(naive)
    with pytest.raises(ValueError, match="must be aware"):
        OFFICE.between(on("03-02 09:00"), naive)
    with pytest.raises(ValueError, match="years 1900 to 9000"):
        OFFICE.add(datetime.max.replace(tzinfo=UTC), "1h")
    with pytest.raises(ValueError, match="more than a hundred years from 1950"):
        OFFICE.between(datetime(1950, 1, 1, tzinfo=UTC), datetime(2060, 1, 1, tzinfo=UTC))


def test_calendars_are_values():
    """Equal by what was declared, in whatever order, and not by what they have worked out since."""
    one = Calendar("x", hours="Mo 08:00-18:00", zone="UTC", days={"2026-01-02": None, "2026-01-01": "09:00-10:00"})
    other = Calendar("x", hours="Mo 08:00-18:00", zone="UTC", days={"2026-01-01": "09:00-10:00", "2026-01-02": None})
    one.opens(on("03-02 09:00"))
    assert one == other == copy.deepcopy(one) == pickle.loads(pickle.dumps(one))
    assert hash(one) == hash(other)
    assert len({one, other, OFFICE, LUNCH}) == 3
    assert repr(one) == "Calendar(name='x', hours='Mo 08:00-18:00', zone='UTC', holidays=None)"


def test_what_is_remembered_is_bounded():
    """Many years may be asked for; the answers stay the same."""
    daily = Calendar("daily", hours="Mo-Su 08:00-09:00", zone="UTC")
    start = datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert daily.between(start, start + timedelta(days=1500)) == timedelta(hours=1500)
    assert daily.add(start, "1499h") == start + timedelta(days=1498, hours=1)
    assert len(daily._known) <= 1000
