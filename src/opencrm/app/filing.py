"""Where a workspace keeps its files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from opencrm.services.files.contents import Contents, FileStore, place_of
from opencrm.storage.databases import Database
from opencrm.storage.whereabouts import whereabouts

_SUFFIX = ".files"
_BESIDE = "beside"
"""The folder of the database that the files stand beside, wherever both are moved to."""


def contents_of(database: Database, told: FileStore, secret: Callable[[], bytes]) -> Contents:
    """Return the contents of a workspace's files.

    Args:
        database: Its database; beside an SQLite file is a place for files.
        told: What the host says.
        secret: Gives the workspace's secret: several that keep their files in one place have a folder each, and so
            have the copies of one, which hold the same secret.
    """
    file = database.engine.url.database if database.sqlite else None
    beside = None if file in (None, "", ":memory:") else f"{file}{_SUFFIX}"

    def named() -> tuple[str, str]:
        own = _short(whereabouts(database).encode()) if told.place else _BESIDE
        return _short(b"files of " + secret()), own

    return Contents(place_of(told.place or beside), named, told.largest, shared=bool(told.place))


def _short(of: bytes) -> str:
    return hashlib.sha256(of).hexdigest()[:16]
