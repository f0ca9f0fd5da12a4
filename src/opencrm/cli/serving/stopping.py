"""Ending what runs until it is told to stop.

The handlers only note that it is asked for: an exception raised at any moment could leave a lock held for ever.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

GLANCE = 0.2
"""Seconds between two looks at whether to stop."""


class Stop:
    """Whether SIGINT (Ctrl-C) or SIGTERM came; when one comes again, it no longer waits."""

    asked = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def stopped_by_signals() -> Iterator[Stop]:
    """Give a `Stop` that listens while the block runs."""
    stop = Stop()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
