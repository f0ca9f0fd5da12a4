"""Hours of a week as text."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opencrm.core.process.timing.calendars import Calendar
from opencrm.core.process.timing.hours import Hours, week_of

FULL = "Mo-Su 00:00-24:00"


def clock(hours: Hours) -> str:
    """Write hours in whole hours."""
    return ",".join(f"{start // timedelta(hours=1)}-{end // timedelta(hours=1)}" for start, end in hours)


@pytest.mark.parametrize(
    "text, week",
    [
        ("Mo-Fr 08:00-18:00", "8-18 8-18 8-18 8-18 8-18 . ."),
        ("Mo-Fr 08:00-12:00,13:00-18:00; Sa 09:00-13:00", " ".join(["8-12,13-18"] * 5 + ["9-13", "."])),
        ("Mo,We,Fr-Sa 8:00-9:00", "8-9 . 8-9 . 8-9 8-9 ."),
        ("Sa-Mo 08:00-09:00", "8-9 . . . . 8-9 8-9"),
        ("Mo 08:00-12:00; Mo 10:00-14:00; Mo 14:00-15:00;", "8-15 . . . . . ."),
        ("Mo-Tu 13:00-18:00, 08:00 - 12:00", "8-12,13-18 8-12,13-18 . . . . ."),
        ("Fr 22:00-06:00", ". . . . 22-30 . ."),
        ("Fr 22:00-00:00", ". . . . 22-24 . ."),
        (" Mo - Tu, Th 00:00-24:00 ", "0-24 0-24 . 0-24 . . ."),
        ("Mo,Mo 08:00-09:00", "8-9 . . . . . ."),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, week: str):
    """Ranges, lists, a week that turns round, blanks, midnight; what overlaps or meets is one."""
    assert " ".join(clock(hours) or "." for hours in week_of(text)) == week


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "hours: a week has no working time"),
        (" ; ", "hours: a week has no working time"),
        ("08:00-18:00", "hours: '08:00-18:00' names no day, such as Mo-Fr 08:00-18:00"),
        ("Mo", "hours: '' is not hours such as 08:00-12:00"),
        ("Mo-Fr", "hours: '' is not hours"),
        ("Mon 08:00-18:00", "hours: 'Mon' is not a day: Mo, Tu, We, Th, Fr, Sa or Su"),
        ("Mo- 08:00-18:00", "hours: '' is not a day"),
        ("Mo-We-Fr 08:00-18:00", "hours: 'We-Fr' is not a day"),
        ("Mo, 08:00-18:00", "hours: '' is not a day"),
        ("Mo 08:00", "hours: '08:00' is not hours"),
        ("Mo 08:00-18:00,", "hours: '' is not hours"),
        ("Mo 08:60-18:00", "hours: '08:60-18:00' is not hours"),
        ("Mo 08:00-18:00 Tu 08:00-12:00", "hours: '08:00-18:00 Tu 08:00-12:00' is not hours"),
        ("Mo 08:00-24:01", "hours: '08:00-24:01' does not lie between 00:00 and 24:00"),
        ("Mo 24:00-02:00", "hours: '24:00-02:00' does not lie"),
        ("Mo 08:00-08:00", "hours: '08:00-08:00' does not lie between 00:00 and 24:00, or takes no time"),
        ("24/7", "hours: '24/7' names no day"),
    ],
)
def test_bad_hours_say_what_is_wrong(text: str, message: str):
    """The message names the argument and repeats the part that cannot be read."""
    with pytest.raises(ValueError, match=message):
        Calendar("x", hours=text)


@pytest.mark.parametrize(
    "argument, value, message",
    [
        ("zone", "Europe/Londn", "zone: 'Europe/Londn' is not a time zone such as Europe/London"),
        ("zone", "", "zone: '' is not"),
        ("zone", "../etc", "zone: '../etc' is not"),
        ("holidays", "XX", "holidays: 'XX' is not a country such as GB, or a part of one such as DE-BY"),
        ("holidays", "DE-XX", "holidays: 'DE-XX' is not"),
        ("holidays", "DE-", "holidays: 'DE-' is not"),
        ("holidays", "Germany", "holidays: 'Germany' is not"),
        ("holidays", "", "holidays: '' is not"),
        ("days", {"2026-02-30": None}, "days: '2026-02-30' is not a day such as 2026-12-24"),
        ("days", {"2026-1-2": None}, "days: '2026-1-2' is not a day"),
        ("days", {"20260102": None}, "days: '20260102' is not a day"),
        ("days", {"2026-01-02": "9-12"}, "days: '9-12' is not hours"),
        ("days", {"2026-01-02": ""}, "days: '' is not hours"),
    ],
)
def test_bad_arguments_are_named(argument: str, value: object, message: str):
    """A definition that cannot be read fails when it is written, not at the first deadline."""
    with pytest.raises(ValueError, match=message):
        Calendar("x", hours=FULL, **{argument: value})
