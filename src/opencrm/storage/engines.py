"""Engines, set up so that what is acknowledged is kept and no update is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from opencrm.errors import ConfigurationError

_BUSY_MILLISECONDS = 30_000


def make_engine(url: str) -> Engine:
    """Return an engine for `sqlite:///file` or `postgresql://...`.

    Raises:
        ConfigurationError: The URL is of neither kind, or the driver is not installed.
    """
    parsed = _parse(url)
    engine = _create(parsed)
    if parsed.get_backend_name() == "sqlite":
        prepare_sqlite(engine)
    else:
        event.listen(engine, "connect", _prepare_postgresql)
    return engine


def prepare_sqlite(engine: Engine) -> None:
    """Take the transactions of a SQLite engine out of the driver's hands."""
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction of the host's that opencrm may join: on SQLite, one that locks at once.

    Args:
        engine: On SQLite, one that went through `prepare_sqlite`.

    Yields:
        The connection; committed at the end of the block, taken back if it raises.
    """
    with engine.execution_options(opencrm="write").begin() as connection:
        yield connection


@contextmanager
def without_waiting(connection: Connection) -> Iterator[None]:
    """Have a connection of SQLite wait for no lock while the block runs."""
    connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigurationError(f"{url!r} is no database URL such as sqlite:///opencrm.db") from None
    name = parsed.get_backend_name()
    if name == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise ConfigurationError("an SQLite workspace is a file, such as sqlite:///opencrm.db")
    if name in ("postgresql", "postgres") and "+" not in parsed.drivername:
        return parsed.set(drivername="postgresql+psycopg")
    if name not in ("sqlite", "postgresql"):
        raise ConfigurationError(f"opencrm works on SQLite and PostgreSQL, not on {name!r}")
    return parsed


def _create(url: URL) -> Engine:
    try:
        if url.get_backend_name() == "sqlite":
            return create_engine(url, connect_args={"check_same_thread": False}, pool_size=8, max_overflow=32)
        return create_engine(
            url,
            pool_size=8,
            max_overflow=32,
            pool_pre_ping=False,
            connect_args={"options": "-c timezone=UTC"},
        )
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise ConfigurationError(f"PostgreSQL needs the extra: pip install 'opencrm[postgres]' ({error})") from None


def numbered_cursor(connection: Any) -> Any:
    """Return a cursor of a psycopg connection that takes PostgreSQL's own placeholders."""
    from psycopg import RawCursor

    return RawCursor(connection)


def _on_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {_BUSY_MILLISECONDS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "cache_size = -16000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    asked = connection.get_execution_options().get("opencrm")
    if asked != "begins":  # A transaction of opencrm's own begins by itself.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if asked == "write" else "BEGIN")


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    """Read ids as text, by the driver's own loader."""
    from psycopg.types.string import TextLoader

    connection.adapters.register_loader("uuid", TextLoader)
