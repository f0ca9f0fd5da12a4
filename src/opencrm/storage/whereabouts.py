"""What tells a database from a copy of it, though both hold the same."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Engine, text

from opencrm.storage.databases import Database
from opencrm.storage.translation import translated

_NAMED = text(
    "SELECT current_database(), coalesce(:schema, current_schema()), "
    "has_function_privilege('pg_control_system()', 'execute')"
)
_CLUSTER = text("SELECT system_identifier FROM pg_control_system()")


def whereabouts(database: Database) -> str:
    """Return where a database stands: another for each copy, and the same for one that was restored in its place.

    An SQLite file is told by its path, its disk and its folder; a schema of PostgreSQL by the cluster, the server's
    address and the names. It may become another one when a database moves.

    Raises:
        Unavailable: The database cannot be reached.
    """
    return _of_file(database.engine) if database.sqlite else _of_server(database)


def _of_file(engine: Engine) -> str:
    path = Path(engine.url.database or "").absolute()
    disk = os.statvfs(path.parent).f_fsid if hasattr(os, "statvfs") else path.stat().st_dev
    return f"sqlite {path} {disk} {path.parent.stat().st_ino}"


def _of_server(database: Database) -> str:
    url = database.engine.url
    with translated(), database.engine.connect() as connection:
        name, schema, allowed = connection.execute(_NAMED, {"schema": database.schema}).one()
        cluster = connection.execute(_CLUSTER).scalar_one() if allowed else None
    return f"postgresql {url.host} {url.port} {cluster} {name} {schema}"
