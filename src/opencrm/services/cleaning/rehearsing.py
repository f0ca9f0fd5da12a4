"""Rehearsals: everything is done as it will be, and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opencrm.services.cleaning.pacing import Door
from opencrm.services.writing.block import Block
from opencrm.services.writing.work import Work


class _Over(Exception):
    """Ends a rehearsal."""


@contextmanager
def trial(door: Door) -> Iterator[Work]:
    """Open a work block of which nothing is kept; what was learnt stays.

    Nothing foretells better what the rules, the plugins and the database will say. The transaction itself is taken
    back, not a savepoint inside of it: within one, SQLite goes through all that it has put by for it at the end of
    every statement, which takes a time that grows with the square of the work.
    """
    try:
        with door() as work:
            yield work
            raise _Over
    except _Over:
        return


@contextmanager
def rehearsal(work: Block) -> Iterator[None]:
    """Take back whatever is done inside, as if it had not been; what was learnt stays.

    For a little work inside of a block that goes on; more of it is better tried with `trial`.
    """
    try:
        with work.savepoint():
            yield
            raise _Over
    except _Over:
        return
