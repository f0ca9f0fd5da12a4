"""Effects that are had once, and texts that any database keeps."""

from __future__ import annotations

from datetime import datetime

from opencrm.storage import tables
from opencrm.storage.transactions import Transaction
from opencrm.storage.upserts import upsert

LONGEST = 2000
"""So many characters of an error's text are kept."""


def first_time(tx: Transaction, plugin: str, key: str, now: datetime) -> bool:
    """Say whether a plugin comes here for the first time with this key, and remember it in the transaction."""
    names = [column.name for column in tables.once.c]
    given = [{"plugin": plugin, "key": key, "at": now}]
    return tx.run("once", lambda: upsert(tables.once, names, names, sqlite=tx.sqlite), given) == 1


def storable(text: str) -> str:
    """Return a text that any database and any log keeps, whatever a plugin wrote into its error."""
    return text.encode(errors="backslashreplace").decode().replace("\x00", "\\x00")


def storable_error(text: str | None) -> str | None:
    """Return what a table keeps of an error's text."""
    return None if text is None else storable(text)[:LONGEST]
