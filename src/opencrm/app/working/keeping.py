"""Keeping leases while the work under them takes long."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from opencrm.core.clock import monotonic

_LOG = logging.getLogger("opencrm.worker")
_LINGERS = 1.0
"""After so many seconds without a lease the thread ends: to start one for each batch costs more than small batches."""


class Keeper:
    """Prolongs leases in a thread of its own, which is there as long as there are some."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: list[_Held] = []
        self._thread: threading.Thread | None = None
        self._wakes_at = 0.0

    @contextmanager
    def prolonging(self, prolong: Callable[[], object], every: float) -> Iterator[None]:
        """Call something again and again while the block runs.

        Args:
            prolong: What prolongs the lease; one that cannot be prolonged now is tried again the next time.
            every: Seconds between two calls.
        """
        held = _Held(prolong, every)
        self._take_up(held)
        try:
            yield
        finally:
            with self._changed:
                self._held.remove(held)
            held.end()

    def _take_up(self, held: _Held) -> None:
        with self._changed:
            self._held.append(held)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._beat, name="opencrm lease", daemon=True)
                self._thread.start()
            elif held.due < self._wakes_at:
                self._changed.notify()

    def _beat(self) -> None:
        while self._slept():
            for held in self._due():
                held.beat()

    def _slept(self) -> bool:
        """Sleep until the next lease is to be prolonged, or for a moment; say whether there is still one."""
        with self._changed:
            now = monotonic()
            self._wakes_at = min([now + _LINGERS, *(it.due for it in self._held)])
            self._changed.wait(max(self._wakes_at - now, 0.0))
            if not self._held:
                self._thread = None
            return bool(self._held)

    def _due(self) -> list[_Held]:
        with self._changed:
            return [it for it in self._held if it.due <= monotonic()]


class _Held:
    """A lease while the work under it is done."""

    def __init__(self, prolong: Callable[[], object], every: float) -> None:
        self._prolong = prolong
        self._every = every
        self._lock = threading.Lock()
        self._over = False
        self.due = monotonic() + every

    def beat(self) -> None:
        """Prolong it, if the work goes on."""
        with self._lock:
            self.due = monotonic() + self._every
            if self._over:
                return
            try:
                self._prolong()
            except Exception as error:  # noqa: BLE001  # whatever it is: the lease lasts for two more tries
                _LOG.warning("a lease could not be prolonged: %s", error)

    def end(self) -> None:
        """Prolong it no more; what is under way ends before."""
        with self._lock:
            self._over = True
