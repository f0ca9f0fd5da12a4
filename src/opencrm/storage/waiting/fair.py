"""A lock that is given in the order in which it was asked for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from opencrm.errors import ConfigurationError


class FairLock:
    """First come, first served: with a plain lock a busy writer starves the others."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._holder: int | None = None
        self._queue: deque[threading.Event] = deque()

    def __enter__(self) -> None:
        me = threading.get_ident()
        with self._guard:
            if self._holder == me:
                raise ConfigurationError("this thread has a work block open already: let its services share that one")
            if not self._held:
                self._held, self._holder = True, me
                return
            turn = threading.Event()
            self._queue.append(turn)
        try:
            turn.wait()
        except BaseException:
            self._give_up(turn)
            raise
        self._holder = me

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._guard:
            self._holder = None
            if self._queue:
                self._queue.popleft().set()
            else:
                self._held = False

    @contextmanager
    def at_once(self) -> Iterator[bool]:
        """Hold the lock while the block runs, where it is free at this moment; give whether it is held."""
        with self._guard:
            mine = not self._held
            if mine:
                self._held, self._holder = True, threading.get_ident()
        try:
            yield mine
        finally:
            if mine:
                self.__exit__(None, None, None)

    def _give_up(self, turn: threading.Event) -> None:
        """Leave the queue, or hand on a turn that came while this thread was interrupted."""
        with self._guard:
            if turn in self._queue:
                self._queue.remove(turn)
            elif self._queue:
                self._queue.popleft().set()
            else:
                self._held = False
