"""Transactions that others stand in the way of."""

from __future__ import annotations

import pytest

from opencrm import ConflictError
from opencrm.services.cleaning.pacing import TRIES, patiently


class Crowded:
    """A transaction that comes through after so many conflicts, each time it is run."""

    def __init__(self, conflicts):
        self.conflicts, self.tries = conflicts, 0

    def __call__(self):
        self.tries += 1
        if self.tries % (self.conflicts + 1):
            raise ConflictError("somebody else writes here")
        return self.tries


def test_tries_are_counted_for_each_transaction_by_itself():
    """However many there are, and however many conflicts come together."""
    transaction = Crowded(TRIES - 1)
    assert [patiently(transaction)[0] for _ in range(3)] == [TRIES, 2 * TRIES, 3 * TRIES]


def test_conflicts_in_a_row_come_to_an_end():
    """The last one is raised, and nothing is tried after it."""
    transaction = Crowded(TRIES)
    with pytest.raises(ConflictError):
        patiently(transaction)
    assert transaction.tries == TRIES
