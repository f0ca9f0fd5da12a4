"""The transaction in which tables change: complete or not at all, and one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.schema import CreateSchema

from opencrm.errors import ConfigurationError
from opencrm.storage.translation import translated

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('opencrm ' || coalesce(:schema, current_schema()), 0))")


@contextmanager
def migration(engine: Engine, schema: str | None) -> Iterator[Connection]:
    """Open a transaction for changes of tables; unqualified names mean those in `schema`.

    Another one waits until this one has ended. On SQLite foreign keys are not enforced inside, so that tables
    can be replaced, and are checked before the commit.

    Raises:
        Unavailable: The database cannot be reached.
        ConfigurationError: The driver manages transactions itself, or rows refer to nothing at the end.
    """
    opened = _sqlite(engine) if engine.dialect.name == "sqlite" else _postgresql(engine, schema)
    with opened as connection:
        yield connection


@contextmanager
def reading(engine: Engine, schema: str | None) -> Iterator[Connection]:
    """Open a connection to look at tables; unqualified names mean those in `schema`.

    Raises:
        Unavailable: The database cannot be reached.
    """
    with _connected(engine) as connection:
        yield connection.execution_options(schema_translate_map={None: schema}) if schema else connection


def _connected(engine: Engine) -> Connection:
    with translated():
        return engine.connect()


@contextmanager
def _sqlite(engine: Engine) -> Iterator[Connection]:
    with _connected(engine) as plain:
        driver: Any = plain.connection.dbapi_connection
        connection = plain.execution_options(opencrm="write")
        with _foreign_keys_off(driver), connection.begin():
            if driver.isolation_level is not None or not driver.in_transaction:
                raise ConfigurationError("the engine must leave transactions to opencrm, not to SQLite's driver")
            yield connection
            _check_foreign_keys(connection)


@contextmanager
def _foreign_keys_off(driver: Any) -> Iterator[None]:
    """Stop enforcing foreign keys; must enclose the transaction, inside which it would do nothing."""
    [enforced] = driver.execute("PRAGMA foreign_keys").fetchone()
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA foreign_keys = {enforced}")


def _check_foreign_keys(connection: Connection) -> None:
    rows = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if rows:
        pairs = sorted({f"{row[0]} refers to missing rows of {row[2]}" for row in rows})
        raise ConfigurationError(f"{len(rows)} rows would refer to nothing: {'; '.join(pairs)}")


@contextmanager
def _postgresql(engine: Engine, schema: str | None) -> Iterator[Connection]:
    with _connected(engine) as plain:
        connection = plain.execution_options(isolation_level="READ COMMITTED", schema_translate_map={})
        with connection.begin():
            connection.execute(_LOCK, {"schema": schema})
            if schema is not None:
                connection.execute(CreateSchema(schema, if_not_exists=True))
                quoted = connection.dialect.identifier_preparer.quote(schema)
                connection.exec_driver_sql(f"SET LOCAL search_path TO {quoted}")
            # A table with checks that wait for the commit could not be altered after its rows were.
            connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
            yield connection
