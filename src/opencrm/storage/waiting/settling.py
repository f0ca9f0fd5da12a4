"""Waiting for the transactions that began before something was changed."""

from __future__ import annotations

import time

from sqlalchemy import Connection, Table, text

from opencrm.storage.databases import Database
from opencrm.storage.translation import translated

_PAUSE = 0.05
_HOLDERS = text(
    "SELECT l.virtualtransaction FROM pg_locks l JOIN pg_class c ON c.oid = l.relation "
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relname = :table AND n.nspname = coalesce(:schema, current_schema()) AND l.pid <> pg_backend_pid() "
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def settle(database: Database, table: Table, *, seconds: float) -> bool:
    """Wait for the end of all transactions that looked at a table and are under way; say whether they ended.

    SQLite lets one transaction write at a time: whoever writes next finds what was changed.
    """
    if database.sqlite:
        return True
    with translated(), database.engine.connect() as plain:
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        waited = _holders(connection, table, database.schema)
        for _ in range(round(seconds / _PAUSE)):
            if not waited:
                break
            time.sleep(_PAUSE)
            waited &= _holders(connection, table, database.schema)
    return not waited


def _holders(connection: Connection, table: Table, schema: str | None) -> set[str]:
    return set(connection.execute(_HOLDERS, {"table": table.name, "schema": schema}).scalars())
