"""A workspace lives through both changes of the clock in a year, in zones that differ: what comes, and when it comes.

What is expected is counted here minute by minute, from what the wall clock of the zone shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from opencrm import CRM, Calendar, Deal, Equal, Rule, TaskSpec, after, created, every, give, hookimpl, notify, owner
from opencrm.storage import tables
from opencrm.testing import Firm, make_deal

ZONES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Europe/Berlin": ("02:30", "02:15"),
        "America/New_York": ("02:30", "01:30"),
        "America/St_Johns": ("02:30", "01:30"),
        "America/Santiago": ("00:30", "23:30"),
        "Africa/Cairo": ("00:15", "23:30"),
        "Australia/Lord_Howe": ("02:15", "01:45"),
        "Pacific/Chatham": ("03:00", "03:15"),
        "Asia/Kolkata": ("02:30", "01:30"),
    }
)
"""Zones, each with a time that it skips once a year, and one that it shows twice; the last one does neither."""

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
BEGIN, END = time(0), time(6)
WORK = timedelta(hours=9)


class OverTheYear:
    """A plugin whose rules go by the wall clock of a zone, and whose tasks by working hours at night.

    Args:
        zone: The zone.
    """

    name = "over_the_year"

    def __init__(self, zone: str) -> None:
        self._zone = zone

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        for key, at in zip(("skipped", "doubled"), ZONES[self._zone], strict=True):
            on = every("Mo-Su", at, of=Deal, zone=self._zone)
            yield Rule(key, on=on, when=Equal("source", "daily"), do=[notify(owner, key)])
        yield Rule("closed", on=after(Deal, "expected_close", "3d"), do=[notify(owner, "closed")])
        nights = Calendar("nights", hours="Mo-Su 00:00-06:00", zone=self._zone)
        yield Rule("looked", on=created(Deal), do=[give(TaskSpec("look", due="9h", calendar=nights))])


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def crm_plugins(zone: str) -> Sequence[object]:
    return [OverTheYear(zone)]


@pytest.fixture
def there(crm: CRM, zone: str) -> ZoneInfo:
    """The zone, which is the workspace's from now on."""
    given = {"zone": zone, "config_version": crm.workspace.ids.new()}
    with crm.database.write() as tx:
        tx.run("move a workspace", lambda: update(tables.workspace).values(given), [given])
    return ZoneInfo(zone)


def offset(at: datetime, there: ZoneInfo) -> timedelta:
    return at.astimezone(there).utcoffset() or timedelta()


def changes_of(there: ZoneInfo) -> list[datetime]:
    """Return the instants at which the clock is changed this year; two days where it never is."""
    begin, hour = datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1)
    hours = (begin + hour * number for number in range(365 * 24))
    found = [at for at in hours if offset(at, there) != offset(at - hour, there)]
    return found or [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)]


def minutes(since: datetime) -> Iterator[datetime]:
    at = since
    while True:
        yield at
        at += MINUTE


def first_at(day: date, wall: time, there: ZoneInfo) -> datetime:
    """Return when the clock shows a time of a day, or a later one, for the first time."""
    begin = datetime.combine(day, time(), UTC) - DAY
    shown = ((at, at.astimezone(there)) for at in minutes(begin))
    return next(at for at, local in shown if local.date() == day and local.time() >= wall)


def worked(since: datetime, there: ZoneInfo) -> datetime:
    """Return when somebody who works at night has worked long enough."""
    left = WORK
    for at in minutes(since):
        if not left:
            return at
        left -= MINUTE if BEGIN <= at.astimezone(there).time() < END else timedelta()
    raise AssertionError


def live_through(crm: CRM, firm: Firm, change: datetime, there: ZoneInfo) -> dict[str, date]:
    """Let a week pass around a change, and make a deal each day; return the day of each."""
    crm.clock.advance(change - timedelta(days=3, hours=11) - crm.clock.now())
    crm.worker().run_once()
    made = {}
    for _ in range(7):
        day = crm.clock.now().astimezone(there).date()
        made[make_deal(crm, by=firm.seller, pipeline="windows", expected_close=day - 2 * DAY).id] = day - 2 * DAY
        crm.worker().run_once()
        crm.advance("1d")
    crm.advance("2d")
    crm.worker().run_once()
    return made


def test_both_changes_of_a_year(crm: CRM, firm: Firm, there: ZoneInfo, zone: str, rows: Any, tasks: Any) -> None:
    """What comes daily comes once each day, at its time; days and working hours end when the wall clock says so."""
    make_deal(crm, by=firm.seller, pipeline="windows", source="daily")
    crm.worker().run_once()
    for change in changes_of(there):
        begin = change - timedelta(days=3, hours=11)
        closes = live_through(crm, firm, change, there)
        told = [it for it in rows(tables.notification) if begin < it["at"] <= crm.clock.now()]
        first, last = begin.astimezone(there).date() + DAY, crm.clock.now().astimezone(there).date() - DAY
        for key, text in zip(("skipped", "doubled"), ZONES[zone], strict=True):
            came = [it["at"] for it in told if it["text"] == key]
            days = [first + nth * DAY for nth in range((last - first).days + 1)]
            within = [at for at in came if first <= at.astimezone(there).date() <= last]
            assert within == [first_at(day, time.fromisoformat(text), there) for day in days], key
        closed = {it["record_id"]: it["at"] for it in told if it["text"] == "closed"}
        assert len(closed) == sum(it["text"] == "closed" for it in told)
        assert closed == {id: first_at(day + 3 * DAY, time(), there) for id, day in closes.items()}
        given = {it.id: it for it in tasks() if it.deal_id in closes}
        assert {id: it.due_at for id, it in given.items()} == {
            id: worked(it.created_at, there) for id, it in given.items()
        }
        overdue = [(it["record_id"], it["at"]) for it in told if it["text"].startswith("Overdue")]
        assert sorted(overdue) == sorted((id, it.due_at) for id, it in given.items())
        assert len(overdue) == 7


def test_the_zones_have_what_they_are_here_for() -> None:
    """An hour and half an hour, at night and at midnight: each skips the one time, and shows the other one twice."""
    shifts = set()
    for zone, (skipped, doubled) in ZONES.items():
        there, gone, twice = ZoneInfo(zone), 0, 0
        for change in changes_of(there):
            shift = offset(change + DAY, there) - offset(change - DAY, there)
            shifts.add(shift)
            around = (change - timedelta(hours=26) + nth * MINUTE for nth in range(52 * 60))
            shown = [f"{at.astimezone(there):%Y-%m-%d %H:%M}" for at in around]
            day = shown[26 * 60 + (60 if shift > timedelta() else -1)][:10]
            gone += f"{day} {skipped}" not in shown
            twice += shown.count(f"{day} {doubled}") == 2
        assert (gone, twice) == ((0, 0) if zone == "Asia/Kolkata" else (1, 1)), zone
    hour = timedelta(hours=1)
    assert shifts == {hour, -hour, hour / 2, -hour / 2, timedelta()}
