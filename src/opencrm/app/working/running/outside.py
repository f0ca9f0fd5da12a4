"""Calling what is outside of a run's own transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Elsewhere(Exception):
    """What a run calls raised an error.

    Attributes:
        error: Which.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def elsewhere() -> Iterator[None]:
    """Call what is outside: whatever it raises is told from the errors of the run's own transactions."""
    try:
        yield
    except Exception as error:
        raise Elsewhere(error) from error
