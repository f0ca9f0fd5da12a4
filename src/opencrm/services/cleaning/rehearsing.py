"""Rehearsals: everything is done as it will be, and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opencrm.services.writing.block import Block


class _Over(Exception):
    """Ends a rehearsal."""


@contextmanager
def rehearsal(work: Block) -> Iterator[None]:
    """Take back whatever is done inside, as if it had not been; what was learnt stays.

    Nothing foretells better what the rules, the plugins and the database will say.
    """
    try:
        with work.savepoint():
            yield
            raise _Over
    except _Over:
        return
