"""Where a workspace keeps its files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from opencrm.services.files.contents import Contents, FileStore, place_of
from opencrm.storage.databases import Database

_SUFFIX = ".files"


def contents_of(database: Database, told: FileStore, secret: Callable[[], bytes]) -> Contents:
    """Return the contents of a workspace's files.

    Args:
        database: Its database; beside an SQLite file is a place for files.
        told: What the host says.
        secret: Gives the workspace's secret: several that keep their files in one place have a folder each.
    """
    file = database.engine.url.database if database.sqlite else None
    beside = None if file in (None, "", ":memory:") else f"{file}{_SUFFIX}"
    return Contents(place_of(told.place or beside), lambda: _folder(secret()), told.largest)


def _folder(secret: bytes) -> str:
    return hashlib.sha256(b"files of " + secret).hexdigest()[:16]
