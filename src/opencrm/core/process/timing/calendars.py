"""Working time: the hours of a week, holidays and special days, in the zone of those who work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import TypeAlias
from zoneinfo import ZoneInfo

import attrs

from opencrm.core.process.timing.durations import LONGEST, Span, span
from opencrm.core.process.timing.hours import (
    DAY,
    NONE,
    Hours,
    date_of,
    days_off,
    hours_of,
    joined,
    moved_earlier,
    moved_later,
    named,
    week_of,
    zone_of,
)

Stretch: TypeAlias = tuple[datetime, datetime]
_PATIENCE = timedelta(days=731)
_FARTHEST = timedelta(days=1827)
"""How far working time is counted, day by day: five years."""
_KEPT = 1_000


def _special(given: Mapping[str, str | None] | Iterable[tuple[str, str | None]]) -> tuple[tuple[str, str | None], ...]:
    return tuple(sorted(dict(given).items(), key=lambda pair: pair[0]))


@attrs.frozen
class Calendar:
    """When people work.

    An instant is working time if the clock on the wall shows working time at that instant: an hour that the change to
    summer time skips does not count, one that comes twice counts twice.

    A duration is a text such as `"1h30m"`, `"2d"` or `"1w2d4h"`, or a `timedelta`. Hours, minutes, seconds and a
    `timedelta` are working time. Days are working days: the same time on the wall on the n-th next day that has hours,
    moved into that day's hours. Weeks are seven days on the wall clock, then moved to the next working time. Weeks are
    counted first and hours last. Where one begins outside the hours, it begins with the next opening; the moment of
    closing still belongs to the hours, so that ten hours from 08:00 end at 18:00 and not on the next morning.

    Args:
        name: Stable name.
        hours: Hours of a week, such as `"Mo-Fr 08:00-12:00,13:00-18:00; Sa 09:00-13:00"`: days Mo Tu We Th Fr Sa Su,
            ranges, lists. What overlaps is joined. `"22:00-06:00"` ends on the next day and belongs to the day on
            which it begins.
        zone: IANA name of the zone of the wall clock; None is the zone that `in_zone` names.
        holidays: ISO 3166 code of the country whose public holidays are off, with a subdivision where holidays
            differ: `"DE-BY"`, `"GB-ENG"` (`"GB"` alone has only what all its parts share).
        days: Single days with hours of their own, whatever the week and the holidays say, and None for a day off:
            `{"2026-12-24": "09:00-12:00", "2026-12-31": None}`.

    Raises:
        ValueError: An argument cannot be read, or a week has no working time; the message names the argument.
    """

    name: str
    hours: str = attrs.field(kw_only=True)
    zone: str | None = attrs.field(kw_only=True, default=None)
    holidays: str | None = attrs.field(kw_only=True, default=None)
    days: tuple[tuple[str, str | None], ...] = attrs.field(kw_only=True, default=(), converter=_special, repr=False)
    _week: tuple[Hours, ...] = attrs.field(init=False, eq=False, repr=False)
    _own: Mapping[date, Hours] = attrs.field(init=False, eq=False, repr=False)
    _zone: ZoneInfo | None = attrs.field(init=False, eq=False, repr=False)
    _continuous: bool = attrs.field(init=False, eq=False, repr=False)
    _years: dict[int, frozenset[date]] = attrs.field(init=False, eq=False, repr=False, factory=dict)
    _known: dict[date, tuple[Stretch, ...]] = attrs.field(init=False, eq=False, repr=False, factory=dict)

    @_week.default
    def _read_hours(self) -> tuple[Hours, ...]:
        return named("hours", week_of, self.hours)

    @_own.default
    def _read_days(self) -> Mapping[date, Hours]:
        return {
            named("days", date_of, day): () if text is None else named("days", hours_of, text)
            for day, text in self.days
        }

    @_zone.default
    def _read_zone(self) -> ZoneInfo | None:
        return None if self.zone is None else named("zone", zone_of, self.zone)

    @_continuous.default
    def _is_continuous(self) -> bool:
        return not self.holidays and not self._own and all(hours == ((NONE, DAY),) for hours in self._week)

    @holidays.validator
    def _check_holidays(self, _: object, code: str | None) -> None:
        if code is not None:
            named("holidays", days_off, code)

    def in_zone(self, zone: str) -> Calendar:
        """Return the calendar on the wall clock of `zone`, or itself where it names its own.

        Keep the copy: it remembers the days that it has worked out.

        Raises:
            ValueError: There is no such zone.
        """
        return self if self.zone is not None else attrs.evolve(self, zone=zone)

    def add(self, start: datetime, duration: str | timedelta) -> datetime:
        """Return the instant, in UTC, when `duration` has passed since `start`; a negative one is subtracted.

        Raises:
            ValueError: `start` is naive, the duration cannot be read, no zone is bound, the calendar is closed for
                two years on end, or its working days or time take longer than five years.
        """
        wanted = span(duration)
        return self._shifted(_utc(start), wanted) if wanted.time >= NONE else self._back(_utc(start), -wanted.time)

    def subtract(self, end: datetime, duration: str | timedelta) -> datetime:
        """Return the latest instant, in UTC, from which `duration` passes until `end`: "ten minutes before it is due".

        What lies outside the hours is moved to the closing before it, days and weeks are counted backwards.

        Raises:
            ValueError: As `add` does.
        """
        wanted = span(duration)
        if wanted.time < NONE:
            return self._pass(_utc(end), -wanted.time)
        return self._shifted(_utc(end), wanted, step=-1)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the working time from `start` until `end`; negative if `end` comes first.

        Raises:
            ValueError: An instant is naive, no zone is bound, or they are more than a hundred years apart.
        """
        first, last = _utc(start), _utc(end)
        if self._continuous:
            return last - first
        return self._between(first, last) if first <= last else -self._between(last, first)

    def opens(self, at: datetime) -> datetime:
        """Return the first working instant, in UTC, that is not before `at`.

        Raises:
            ValueError: `at` is naive, no zone is bound, or the calendar is closed for two years on end.
        """
        instant = _utc(at)
        if self._continuous:
            return instant
        return next(max(start, instant) for start, end in self._ahead(instant) if end > instant)

    def is_open(self, at: datetime) -> bool:
        """Say whether `at` is working time; the moment of opening is, the moment of closing is not.

        Raises:
            ValueError: `at` is naive, or no zone is bound.
        """
        instant = _utc(at)
        return self._continuous or any(
            start <= instant < end for start, end in self._stretches(self._local(instant)[0])
        )

    def open_from(self, at: datetime) -> Iterator[Stretch]:
        """Give the working time from `at` on, day by day, in UTC.

        Raises:
            ValueError: `at` is naive, no zone is bound, or the calendar is closed for two years on end.
        """
        instant = _utc(at)
        return ((max(start, instant), end) for start, end in self._ahead(instant) if end > instant)

    def _shifted(self, at: datetime, wanted: Span, *, step: int = 1) -> datetime:
        go = self._pass if step > 0 else self._back
        if wanted.weeks:
            day, wall = self._local(go(at, NONE))
            at = self._instant(day + step * wanted.weeks * 7 * DAY, wall)
        if wanted.days:
            at = self._days_on(go(at, NONE), wanted.days, step)
        return go(at, wanted.time)

    def _pass(self, at: datetime, wanted: timedelta) -> datetime:
        if self._continuous:
            return at + wanted
        for start, end in self._ahead(at):
            begin = max(start, at)
            if wanted <= end - begin:
                return begin + wanted
            wanted -= end - begin
        raise self._too_far(at)

    def _back(self, at: datetime, wanted: timedelta) -> datetime:
        if self._continuous:
            return at - wanted
        for start, end in self._behind(at):
            finish = min(end, at)
            if wanted <= finish - start:
                return finish - wanted
            wanted -= finish - start
        raise self._too_far(at)

    def _days_on(self, at: datetime, count: int, step: int) -> datetime:
        day, wall = self._begun(at)
        reached = next(islice(self._worked(day + step * DAY, step, self._hours), count - 1, None), None)
        if reached is None:
            raise self._too_far(at)
        hours = self._hours(reached)
        return self._instant(reached, moved_later(wall, hours) if step > 0 else moved_earlier(wall, hours))

    def _begun(self, at: datetime) -> tuple[date, timedelta]:
        """Return the day whose hours `at` lies in, which is the day before for a night, and the time since it began."""
        day, wall = self._local(at)
        for since, passed in ((day, wall), (day - DAY, wall + DAY)):
            if any(start <= passed <= end for start, end in self._hours(since)):
                return since, passed
        return day, wall

    def _between(self, first: datetime, last: datetime) -> timedelta:
        if last - first > LONGEST:
            raise ValueError(f"calendar {self.name!r}: lies more than a hundred years from {first:%Y-%m-%d}")
        total, day, until = NONE, self._local(first)[0], self._local(last)[0]
        while day <= until:
            for start, end in self._stretches(day):
                if end > first and start < last:
                    total += min(end, last) - max(start, first)
            day += DAY
        return total

    def _ahead(self, at: datetime) -> Iterator[Stretch]:
        """Give the working time that ends at `at` or later, the next one first."""
        day = self._local(at - datetime.resolution)[0]
        for each in self._worked(day, 1, self._stretches):
            for stretch in self._stretches(each):
                if stretch[1] >= at:
                    yield stretch

    def _behind(self, at: datetime) -> Iterator[Stretch]:
        """Give the working time that begins at `at` or earlier, the last one first."""
        for each in self._worked(self._local(at)[0], -1, self._stretches):
            for stretch in reversed(self._stretches(each)):
                if stretch[0] <= at:
                    yield stretch

    def _worked(self, first: date, step: int, what: Callable[[date], object]) -> Iterator[date]:
        """Give the days from `first` on that have `what`, for five years.

        Raises:
            ValueError: Two years have none.
        """
        day = last = first
        while abs(day - first) <= _FARTHEST:
            if what(day):
                last = day
                yield day
            elif abs(day - last) > _PATIENCE:
                raise ValueError(f"calendar {self.name!r} is closed for two years on end from {last}")
            day += step * DAY

    def _too_far(self, at: datetime) -> ValueError:
        return ValueError(f"calendar {self.name!r}: takes longer than five years from {at:%Y-%m-%d} in its hours")

    def _hours(self, day: date) -> Hours:
        """Return the hours that begin on a day."""
        special = self._own.get(day)
        if special is not None:
            return special
        return () if self._is_holiday(day) else self._week[day.weekday()]

    def _is_holiday(self, day: date) -> bool:
        if self.holidays is None:
            return False
        if day.year not in self._years:
            self._years[day.year] = days_off(self.holidays, day.year)
        return day in self._years[day.year]

    def _stretches(self, day: date) -> tuple[Stretch, ...]:
        """Return the working time of a day, from midnight to midnight, in UTC."""
        known = self._known.get(day)
        if known is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            known = self._known[day] = self._worked_out(day)
        return known

    def _worked_out(self, day: date) -> tuple[Stretch, ...]:
        night = [(NONE, end - DAY) for _, end in self._hours(day - DAY) if end > DAY]
        today = joined([*night, *((start, min(end, DAY)) for start, end in self._hours(day))])
        midnight = _midnight(day)
        found = [
            (max(midnight + start - offset, since), min(midnight + end - offset, until))
            for since, until, offset in _offsets(self._bound(), midnight)
            for start, end in today
        ]
        return joined(stretch for stretch in found if stretch[0] < stretch[1])

    def _bound(self) -> ZoneInfo:
        if self._zone is None:
            raise ValueError(f"calendar {self.name!r} has no zone: bind it with in_zone('Europe/London')")
        return self._zone

    def _local(self, at: datetime) -> tuple[date, timedelta]:
        local = at.astimezone(self._bound())
        return local.date(), local.replace(tzinfo=UTC) - _midnight(local.date())

    def _instant(self, day: date, wall: timedelta) -> datetime:
        """Return when the wall clock shows a time first; the moment of the change for a time that it skips."""
        shown = _midnight(day) + wall
        offsets = _offsets(self._bound(), _midnight(shown.date()))
        met = [shown - offset for since, until, offset in offsets if since <= shown - offset < until]
        return met[0] if met else offsets[0][1]


ALWAYS = Calendar("always", hours="Mo-Su 00:00-24:00")
"""Day and night; hours need no zone, days and weeks go by the wall clock of the zone that `in_zone` names."""


def _utc(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise ValueError(f"{at} must be aware, such as datetime(2026, 3, 2, 9, tzinfo=UTC)")
    if not 1900 <= at.year <= 9000:
        raise ValueError(f"{at} lies outside the years 1900 to 9000")
    return at.astimezone(UTC)


def _midnight(day: date) -> datetime:
    """Return what the wall clock shows at the beginning of a day, written as if it were in UTC."""
    return datetime.combine(day, time(), UTC)


def _offsets(zone: ZoneInfo, midnight: datetime) -> tuple[tuple[datetime, datetime, timedelta], ...]:
    """Return since when, until when and by how much the wall clock differs from UTC around a day."""
    early, late = midnight - DAY, midnight + 2 * DAY
    before, after = _offset(zone, early), _offset(zone, late)
    if before == after:
        return ((early, late, before),)
    change = _change(zone, early, late)
    return ((early, change, before), (change, late, after))


def _change(zone: ZoneInfo, early: datetime, late: datetime) -> datetime:
    """Return the second at which the wall clock is changed between two instants."""
    before, second = _offset(zone, early), timedelta(seconds=1)
    while late - early > second:
        middle = early + (late - early) // second // 2 * second
        early, late = (middle, late) if _offset(zone, middle) == before else (early, middle)
    return late


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or NONE
