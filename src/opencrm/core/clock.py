"""The only place that asks the system for the time."""

from __future__ import annotations

import re
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

from opencrm.errors import ConfigurationError

_LONGEST = timedelta(days=36525)
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


class ShiftedClock:
    """A clock that shows another one's time, and more of it where its workspace is a sandbox.

    Args:
        base: The other clock.
    """

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._shift = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self._base.now() + self._shift

    @property
    def ahead(self) -> timedelta:
        """By how much it was moved."""
        return self._shift

    def real(self) -> datetime:
        """Return what the other clock shows: leases go by it, since moving a clock makes no work take longer."""
        return self._base.now()

    def shift(self, by: timedelta) -> None:
        """Show so much more than the other clock, or what it shows already: a clock never goes back."""
        with self._lock:
            self._shift = max(self._shift, by)

    def advance(self, by: timedelta) -> None:
        """Move the other clock forward.

        Raises:
            ConfigurationError: It cannot be moved.
        """
        move = getattr(self._base, "advance", None)
        if move is None:
            raise ConfigurationError("this workspace's clock cannot be moved")
        move(by)


def monotonic() -> float:
    """Return seconds of a clock that never jumps: for durations and leases, not for instants."""
    return time.monotonic()


class Deadline:
    """When something is to be over, by a clock that never jumps.

    Args:
        seconds: How long there is from now on.
    """

    def __init__(self, seconds: float) -> None:
        self._until = monotonic() + seconds

    def left(self) -> float:
        """Return how many seconds are left.

        Raises:
            TimeoutError: None.
        """
        left = self._until - monotonic()
        if left <= 0:
            raise TimeoutError("it took too long")
        return left


@lru_cache(maxsize=1000)
def duration(text: str) -> timedelta:
    """Read a duration such as `"16m"`, `"1h30m"` or `"6w"` (units s, m, h, d, w), of a hundred years at most.

    Raises:
        ValueError: The text is not a duration.
    """
    parts = re.findall(r"([0-9]{1,100})([smhdw])", text)
    units = [unit for _, unit in parts]
    if not parts or "".join(number + unit for number, unit in parts) != text or len(set(units)) < len(units):
        raise ValueError(f"{text!r} is not a duration such as 16m, 1h30m or 6w")
    with suppress(OverflowError):
        found = timedelta(**{_UNITS[unit]: int(number) for number, unit in parts})
        if found <= _LONGEST:
            return found
    raise ValueError(f"{text!r} is longer than a hundred years")


def _forward(by: timedelta) -> timedelta:
    if by < timedelta():
        raise ValueError("a clock never goes back")
    return by
