"""Ids made by the application: time-ordered, without coordination between processes."""

from __future__ import annotations

import os
import threading
from datetime import datetime

from opencrm.core.clock import Clock
from opencrm.core.values import Id

_POOL = 8 * 512
"""Random bytes fetched at once."""

_VARIANT = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
"""A random hexadecimal digit as one that tells RFC 9562's variant in its upper two bits."""


class Ids:
    """Makes ids of UUID version 7 (RFC 9562, method 1: a counter below the millisecond).

    Ids of one maker ascend, across threads; ids of two makers do not collide (62 random bits an id).
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = 0
        self._random = ""
        self._at = 0

    def new(self) -> Id:
        """Return the next id."""
        return self.many(1)[0]

    def many(self, number: int) -> list[Id]:
        """Return the next ids, in order: for a batch at once, which costs a third of one at a time."""
        if not number:
            return []
        now = _count(self._clock.now())
        with self._lock:
            first = max(now, self._last + 1)
            self._last = first + number - 1
            noise = self._noise(16 * number)
        return [_text(first + at, noise[16 * at : 16 * at + 16]) for at in range(number)]

    def _noise(self, digits: int) -> str:
        """Return random hexadecimal digits, from a pool: asking the system costs more than the rest of an id."""
        if self._at + digits > len(self._random):
            self._random, self._at = os.urandom(max(_POOL, digits // 2)).hex(), 0
        self._at += digits
        return self._random[self._at - digits : self._at]


def earliest(at: datetime) -> Id:
    """Return the id before which none lies that is made at an instant or later."""
    return _text(_count(at), "0" * 16)


def _count(at: datetime) -> int:
    return int(at.timestamp() * 1000) << 12


def _text(count: int, noise: str) -> Id:
    """Return an id of 48 bits of milliseconds and 12 of the counter, and 62 random bits."""
    digits = f"{count:015x}"
    return f"{digits[:8]}-{digits[8:12]}-7{digits[12:]}-{_VARIANT[noise[0]]}{noise[1:4]}-{noise[4:]}"
