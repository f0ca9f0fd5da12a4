"""Messages to people: made and handed to the plugins that deliver them, beside the request that asked for them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock

_LOG = logging.getLogger("opencrm.identity")
MOST_WAITING = 1000
"""How many messages may wait to be made; one more is dropped, and the log says so."""


class Post:
    """Makes messages later, one after the other: nobody can tell by the time whether one was made."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._executor: ThreadPoolExecutor | None = None
        self._waiting: set[Future[None]] = set()

    def later(self, act: Callable[[], object]) -> None:
        """Do this soon; what it raises is written to the log."""
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                _LOG.warning("too many messages are waiting: one was dropped")
                return
            self._executor = self._executor or ThreadPoolExecutor(1, "opencrm-post")
            future = self._executor.submit(_logged, act)
            self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)

    def settle(self) -> None:
        """Wait until everything that was asked for is done."""
        wait(list(self._waiting))

    def close(self) -> None:
        """Finish what was asked for, and end the thread."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown()


def _logged(act: Callable[[], object]) -> None:
    try:
        act()
    except Exception:  # noqa: BLE001  # nobody else would hear of it
        _LOG.exception("a message could not be made or delivered")
