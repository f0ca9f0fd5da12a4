"""What walks have told of how dense a scope is."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta

KEPT = timedelta(minutes=1)
_MOST = 10_000


class Densities:
    """Remembers for a minute which lists are too sparse for a walk; what is not known may be dense.

    Safe across threads; those kept for longest are forgotten first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sparse: OrderedDict[Hashable, datetime] = OrderedDict()

    def may_be_dense(self, key: Hashable, now: datetime) -> bool:
        """Say whether a walk is worth a try."""
        until = self._sparse.get(key)
        return until is None or now >= until

    def is_sparse(self, key: Hashable, now: datetime) -> None:
        """Remember that a walk found too little."""
        with self._lock:
            self._sparse[key] = now + KEPT
            self._sparse.move_to_end(key)
            if len(self._sparse) > _MOST:
                self._sparse.popitem(last=False)
