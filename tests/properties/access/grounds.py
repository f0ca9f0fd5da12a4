"""Where companies are founded: one workspace, put back to its beginning for each, so that nothing is compiled twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

from opencrm import CRM

WEEK = timedelta(weeks=1)


class Ground:
    """A workspace that every company finds as it was when the ground was made, on a later Monday at the same hour.

    Args:
        crm: The workspace; what stands in it now is what every company begins with.
    """

    def __init__(self, crm: CRM) -> None:
        self._crm = crm
        self._monday = crm.clock.now()
        self._kept = _File(crm) if crm.database.sqlite else _Schema(crm)

    @contextmanager
    def open(self) -> Iterator[CRM]:
        """Give the workspace as it was in the beginning."""
        self._kept.put_back()
        self._crm.workspace.forget()
        gone = (self._crm.clock.now() - self._monday) % WEEK
        self._crm.advance((WEEK - gone) % WEEK)
        yield self._crm

    def close(self) -> None:
        """Forget the beginning."""
        self._kept.close()


class _File:
    """A SQLite workspace, kept in memory."""

    def __init__(self, crm: CRM) -> None:
        self._engine = crm.database.engine
        self._memory = sqlite3.connect(":memory:")
        with closing(self._engine.raw_connection()) as connection:
            _driver(connection).backup(self._memory)

    def put_back(self) -> None:
        with closing(self._engine.raw_connection()) as connection:
            self._memory.backup(_driver(connection))

    def close(self) -> None:
        self._memory.close()


class _Schema:
    """A PostgreSQL workspace, kept in a schema beside its own."""

    def __init__(self, crm: CRM) -> None:
        self._engine, self._schema = crm.database.engine, crm.database.schema
        self._copy = f"{self._schema}_beginning"
        with self._engine.begin() as connection:
            self._tables = _tables(connection, self._schema)
            copies = [f'CREATE TABLE {self._copy}."{it}" AS TABLE {self._schema}."{it}"' for it in self._tables]
            connection.exec_driver_sql("; ".join([f"CREATE SCHEMA {self._copy}", *copies]))

    def put_back(self) -> None:
        emptied = [f'DELETE FROM {self._schema}."{it}"' for it in self._tables]
        filled = [f'INSERT INTO {self._schema}."{it}" SELECT * FROM {self._copy}."{it}"' for it in self._tables]
        with self._engine.begin() as connection:
            connection.exec_driver_sql("; ".join(["SET CONSTRAINTS ALL DEFERRED", *emptied, *filled]))

    def close(self) -> None:
        with self._engine.begin() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {self._copy} CASCADE")


def _driver(connection: Any) -> sqlite3.Connection:
    found: sqlite3.Connection = connection.dbapi_connection
    return found


def _tables(connection: Any, schema: str | None) -> Sequence[str]:
    statement = "SELECT table_name FROM information_schema.tables WHERE table_schema = %(schema)s ORDER BY 1"
    return [row[0] for row in connection.exec_driver_sql(statement, {"schema": schema})]
