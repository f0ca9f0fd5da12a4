"""How acts that are too large for one transaction go on from one to the next."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias, TypeVar

import attrs

from opencrm.core.clock import monotonic
from opencrm.core.values import Id, is_id
from opencrm.errors import ConflictError, NotFound
from opencrm.services import journal
from opencrm.services.reading.reader import Reader
from opencrm.services.writing.work import Work

T = TypeVar("T")
MOST = 10_000
"""The most records that one transaction takes."""

TRIES = 5
"""So often is a transaction tried that others stand in the way of."""

Door: TypeAlias = Callable[[], AbstractContextManager[Work]]
"""Opens a work block: `lambda: crm.work(principal)`."""


@attrs.frozen(kw_only=True)
class Pace:
    """How much a transaction takes.

    Args:
        most: The most records.
        first: On SQLite, where a transaction keeps all others waiting, how many the first one takes.
        seconds: On SQLite, how long those after it should last.
    """

    most: int = MOST
    first: int = 50
    seconds: float = 0.03

    def next(self, size: int, number: int, seconds: float) -> int:
        """Return how many the next transaction takes, after one of `size` did `number` in so many seconds."""
        return max(1, min(self.most, 2 * size, int(number * self.seconds / max(seconds, 1e-6))))

    def size(self, work: Work, paced: int) -> int:
        """Return how many a transaction takes now: on SQLite those of the pace so far, elsewhere the most."""
        return min(paced, self.most) if work.tx.sqlite else self.most


PACE = Pace()


def patiently(transaction: Callable[[], T]) -> tuple[T, float]:
    """Run one of several transactions, again where others stand in its way.

    Returns:
        What it gave, and the seconds that it took when it came through.

    Raises:
        ConflictError: Others stood in its way five times in a row.
    """
    tries = 0
    while True:
        begun = monotonic()
        try:
            return transaction(), monotonic() - begun
        except ConflictError:
            tries += 1
            if tries >= TRIES:
                raise


def check_own(reader: Reader, act: Id) -> None:
    """Refuse to go on with what somebody else began.

    Raises:
        NotFound: It is somebody else's, or nobody's.
    """
    if not is_id(act) or journal.principal_of_act(reader.tx, act) != reader.rights.name:
        raise NotFound("there is no such act of yours to go on with")
