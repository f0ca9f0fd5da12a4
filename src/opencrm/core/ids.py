"""Ids made by the application: time-ordered, without coordination between processes."""

from __future__ import annotations

import os
import threading

from opencrm.core.clock import Clock
from opencrm.core.values import Id

_POOL = 8 * 512


class Ids:
    """Makes ids of UUID version 7 (RFC 9562, method 1: a counter below the millisecond).

    Ids of one maker ascend, across threads; ids of two makers do not collide (62 random bits an id).
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = 0
        self._random = b""
        self._at = 0

    def new(self) -> Id:
        """Return the next id."""
        now = int(self._clock.now().timestamp() * 1000) << 12
        with self._lock:
            self._last = last = max(now, self._last + 1)
            if self._at >= len(self._random):
                self._random, self._at = os.urandom(_POOL), 0
            tail = int.from_bytes(self._random[self._at : self._at + 8], "big")
            self._at += 8
        return _text(last >> 12, last & 0xFFF, tail & 0x3FFF_FFFF_FFFF_FFFF)


def _text(milliseconds: int, counter: int, tail: int) -> Id:
    digits = f"{milliseconds:012x}7{counter:03x}{tail | 0x8000_0000_0000_0000:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
