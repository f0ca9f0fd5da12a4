"""The pace of an import: how many rows at a time, and when memory is tidied."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, islice
from typing import TypeVar

import attrs

T = TypeVar("T")

_FIRST = 100
_MOST = 2_000
_FULL = 50
"""Every so many chunks, old objects are looked at, too."""


@attrs.define
class Pace:
    """How many rows come next, so that a chunk's transaction takes about as long as wanted.

    Args:
        seconds: How long it should take.
    """

    seconds: float
    _size: int = attrs.field(default=_FIRST, init=False)

    def chunks(self, rows: Iterator[T]) -> Iterator[list[T]]:
        """Give the rows, so many at a time."""
        while chunk := list(islice(rows, self._size)):
            yield chunk

    def took(self, rows: int, seconds: float) -> None:
        """Learn how long the transaction of so many rows took."""
        fitting = int(rows * self.seconds / max(seconds, 0.001))
        self._size = max(1, min(fitting, self._size * 2, _MOST))


@contextmanager
def tidying() -> Iterator[Callable[[], object]]:
    """Look for garbage in cycles only when the function given here is called, after each chunk.

    Rows become very many objects and hardly a cycle: to look in the middle of a chunk costs a sixth of its time.
    """
    if not gc.isenabled():
        yield lambda: None
        return
    turns = count(1)
    gc.disable()
    try:
        yield lambda: gc.collect(1 if next(turns) % _FULL else 2)
    finally:
        gc.enable()
