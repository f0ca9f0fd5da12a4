"""The only place that asks the system for the time."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Clock(Protocol):
    """Tells the time to everything in a workspace."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""


class SystemClock:
    """The system's time, shifted by what `advance` was told."""

    def __init__(self) -> None:
        self._shift = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._shift

    def advance(self, by: timedelta) -> None:
        """Move forward by `by`; a clock never goes back."""
        self._shift += _forward(by)


class ManualClock:
    """A clock that stands still until it is advanced: for tests and sandboxes."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("start: must be aware, such as datetime(2026, 3, 2, 9, tzinfo=UTC)")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move forward by `by`; a clock never goes back."""
        self._now += _forward(by)


def monotonic() -> float:
    """Return seconds of a clock that never jumps: for durations and leases, not for instants."""
    return time.monotonic()


def duration(text: str) -> timedelta:
    """Read a duration such as `"16m"`, `"1h30m"` or `"6w"` (units s, m, h, d, w).

    Raises:
        ValueError: The text is not a duration.
    """
    parts = re.findall(r"(\d+)([smhdw])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a duration such as 16m, 1h30m or 6w")
    return timedelta(**{_UNITS[unit]: int(number) for number, unit in parts})


def _forward(by: timedelta) -> timedelta:
    if by < timedelta():
        raise ValueError("a clock never goes back")
    return by
