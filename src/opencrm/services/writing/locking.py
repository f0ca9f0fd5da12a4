"""The one lock of a workspace for all that decides who may do what: ranks, circles and last owners are write skew."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from opencrm.errors import ConflictError
from opencrm.services.writing.block import Block
from opencrm.storage import tables


def lock(work: Block) -> None:
    """Take the lock, until the transaction ends.

    Raises:
        ConflictError: Somebody else changed the organisation since this work block began.
    """
    [row] = work.tx.query("organisation lock", lambda: _statement(work), {})
    if row["config_version"] != work.config_version:
        raise ConflictError("somebody else changed the organisation meanwhile; try again")


def _statement(work: Block) -> Any:
    found = select(tables.workspace.c.config_version)
    return found if work.tx.sqlite else found.with_for_update()
