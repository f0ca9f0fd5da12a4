"""Deliveries to channels: each receiver's in a thread of its own, so that a slow one holds up nobody else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from opencrm.core.clock import monotonic
from opencrm.services.queue import Barred, Delivery

_LOG = logging.getLogger("opencrm.worker")
MOST = 16
"""How many receivers are called at once."""
MOST_SLOW = MOST // 2
"""How many of those that were slow at their last turn, so that there is room for the quick ones."""
_SLOW = 2.0
"""Seconds that a turn takes of a receiver that counts as slow: no more is begun after the first."""


class Receivers:
    """Calls receivers side by side, none of them in two threads at once.

    Args:
        deliver: Makes deliveries to one receiver, and writes down what became of them.
        freed: Called when there is room for another one.
    """

    def __init__(self, deliver: Callable[[Sequence[Delivery]], None], freed: Callable[[], None]) -> None:
        self._deliver = deliver
        self._freed = freed
        self._guard = threading.Lock()
        self._busy: set[str] = set()
        self._slow: set[str] = set()
        self._threads = ThreadPoolExecutor(MOST, "opencrm receiver")

    def barred(self) -> Barred:
        """Return to whom nothing can be delivered now: there is somebody at it, or no room."""
        with self._guard:
            slow = self._slow if len(self._busy & self._slow) >= MOST_SLOW else set()
            return Barred(frozenset(self._busy | slow), channels=len(self._busy) >= MOST)

    def take(self, claimed: Sequence[Delivery]) -> list[Delivery]:
        """Begin with what goes to channels; return what there was no room for."""
        several: dict[str, list[Delivery]] = {}
        for one in claimed:
            several.setdefault(one.plugin, []).append(one)
        return [one for name, mine in several.items() if not self._begun(name, mine) for one in mine]

    def close(self) -> None:
        """Wait for what is under way."""
        self._threads.shutdown()

    def _begun(self, name: str, mine: Sequence[Delivery]) -> bool:
        if self.barred().bars(name):
            return False
        with self._guard:
            self._busy.add(name)
        self._threads.submit(self._call, name, mine)
        return True

    def _call(self, name: str, mine: Sequence[Delivery]) -> None:
        begun = monotonic()
        try:
            self._deliver(mine)
        except Exception:  # noqa: BLE001  # a worker goes on, whatever it is; the lease ends by itself
            _LOG.exception("what became of deliveries to %s could not be written down", name)
        with self._guard:
            self._busy.discard(name)
            (self._slow.add if monotonic() - begun > _SLOW else self._slow.discard)(name)
        self._freed()
