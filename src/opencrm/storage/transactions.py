"""Transactions: the one way to a database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, Literal, TypeVar

from sqlalchemy import (
    Connection,
    Select,
    String,
    Table,
    bindparam,
    func,
    literal_column,
    select,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.elements import ClauseElement

from opencrm.core.change import Values
from opencrm.storage.engines import numbered_cursor
from opencrm.storage.statements import Parameters, Prepared, Statements
from opencrm.storage.translation import driver_errors, from_driver, translated

T = TypeVar("T")
_LOG = logging.getLogger("sqlalchemy.engine")
TOGETHER = 2
"""So many rows of a table at most go in one statement with those of others; each number of rows is a statement."""
COPY_FROM = 50
"""From so many rows on, PostgreSQL is given them by COPY."""


class Transaction:
    """One open transaction; never commits by itself.

    The driver is asked without SQLAlchemy between, which would describe each result anew, unless somebody listened to
    the engine's statements, or had them logged, when it began.

    Args:
        connection: The connection, with a transaction open.
        statements: The database's.
        hosts: Whether the connection is a host's, to which it may listen by itself.

    Attributes:
        wakes: Whether workers are told of its commit.
        edition: Tells the custom fields of one configuration from those of another: statements are kept by it.
        alive: Entity and id of records that were stored in it last, and that are not deleted: they need not be
            looked for.
    """

    def __init__(self, connection: Connection, statements: Statements, *, hosts: bool = False) -> None:
        self.connection = connection
        self.statements = statements
        self.sqlite = connection.dialect.name == "sqlite"
        self.edition = ""
        self.wakes = False
        self._told = False
        self.alive: set[tuple[str, str]] = set()
        heard = (connection if hosts else connection.engine).dispatch  # A connection's own takes long to be made.
        logged = connection.engine.echo or _LOG.isEnabledFor(logging.INFO)
        self._watched = bool(logged or heard.before_cursor_execute or heard.after_cursor_execute)
        self._errors = driver_errors(connection.engine)

    def select(
        self, shape: Hashable, build: Callable[[], Executable | ClauseElement], values: Mapping[str, Any]
    ) -> Sequence[Sequence[Any]]:
        """Run the query of this shape and return its rows, typed."""
        return self.rows(self._prepare(shape, build), values)

    def columns(
        self, shape: Hashable, build: Callable[[], Executable | ClauseElement], values: Mapping[str, Any]
    ) -> list[Sequence[Any]]:
        """Run the query of this shape and return its columns, typed: of many rows that are not wanted as such."""
        prepared = self._prepare(shape, build)
        return prepared.columns(self._ask(prepared.sql, prepared.parameters(values), _every_row))

    def rows(self, prepared: Prepared, values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Run a query and return its rows, typed."""
        return prepared.read(self._ask(prepared.sql, prepared.parameters(values), _every_row))

    def query(
        self, shape: Hashable, build: Callable[[], Executable | ClauseElement], values: Mapping[str, Any]
    ) -> list[Values]:
        """Run the query of this shape and return its rows as mappings."""
        prepared = self._prepare(shape, build)
        names = prepared.names
        return [dict(zip(names, row, strict=True)) for row in self.rows(prepared, values)]

    def run(
        self,
        shape: Hashable,
        build: Callable[[], Executable | ClauseElement],
        several: Sequence[Mapping[str, Any]],
    ) -> int:
        """Run a statement that writes, once for each of the sets of values; return how many rows it met."""
        prepared = self._prepare(shape, build)
        sets = [prepared.parameters(values) for values in several]
        return self._ask(prepared.sql, sets if len(sets) > 1 else sets[0], _how_many)

    def insert(self, table: Table, records: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows, in one statement."""
        if not records:
            return
        writer = self.statements.writer(table)
        rows = writer.rows(records)
        if not self.sqlite and len(rows) >= COPY_FROM:
            self._copy(f"COPY {writer.target} ({_quoted(writer.columns)}) FROM STDIN", rows)
            return
        self._ask(writer.sql, rows if len(rows) > 1 else rows[0], _how_many)

    def insert_all(
        self,
        several: Iterable[tuple[Table, Sequence[Mapping[str, Any]]]],
        then: tuple[Hashable, Callable[[], Select[Any]]] | None = None,
    ) -> Sequence[Sequence[Any]]:
        """Insert rows into tables, each named once; on PostgreSQL those of a row or two go in one statement.

        Args:
            several: The tables, and the rows of each.
            then: A query without parameters, as the last part of that statement or after it.

        Returns:
            The query's rows, typed; none where there is no query.
        """
        given = [(table, records) for table, records in several if records]
        few = {table: records for table, records in given if len(records) <= TOGETHER}
        together = len(few) > 1 and not self.sqlite
        for table, records in given:
            if not together or table not in few:
                self.insert(table, records)
        asked = None if then is None else self._prepare(*then)
        if not together:
            return [] if asked is None else self.rows(asked, {})
        wanted = 0 if asked is None else len(asked.names)
        if self.wakes and not self._told:
            asked, self._told = self._telling(then), True
        shape = tuple((table, len(records)) for table, records in few.items())
        rows = [self.statements.writer(table).row(record) for table, records in few.items() for record in records]
        sql = self.statements.together(shape, None if asked is None else asked.sql)
        values = tuple(chain.from_iterable(rows))
        if asked is None:
            self._ask(sql, values, _how_many)
            return []
        found = asked.read(self._ask(sql, values, _every_row))
        return [row[:wanted] for row in found] if wanted else []

    def caused(self, error: BaseException) -> bool:
        """Say whether an error was raised because the database's driver raised one."""
        return isinstance(error.__cause__, (SQLAlchemyError, self._errors))

    def begin(self, *, writes: bool) -> None:
        """Begin on SQLite, whose driver begins nothing by itself."""
        if self.sqlite:
            self._ask("BEGIN IMMEDIATE" if writes else "BEGIN", (), _nothing)

    def tell_workers(self) -> None:
        """Have PostgreSQL tell workers of the commit, where something wakes them and it was not told yet."""
        if self.wakes and not self.sqlite and not self._told:
            self.rows(self._telling(None), {})

    def lock(self, table: Table, mode: Literal["EXCLUSIVE", "SHARE ROW EXCLUSIVE"] = "SHARE ROW EXCLUSIVE") -> None:
        """Keep everybody else from writing a table, once those who do so now have ended; on SQLite nobody else can.

        Args:
            table: The table.
            mode: `EXCLUSIVE` keeps those from it, too, who lock its rows in order to write them.
        """
        if not self.sqlite:
            target = self.statements.writer(table).target
            with translated():
                self.connection.exec_driver_sql(f"LOCK TABLE {target} IN {mode} MODE")

    def hold(self, name: str) -> None:
        """Wait until nobody else in this workspace holds a name, and hold it to the end; SQLite has one writer."""
        if not self.sqlite:
            key = func.hashtextextended(bindparam("name", type_=String()), 0)
            given = {"name": f"{self.statements.schema or ''} {name}"}
            self.query("hold", lambda: select(func.pg_advisory_xact_lock(key).label("held")), given)

    @contextmanager
    def planning_anew(self) -> Iterator[None]:
        """Let PostgreSQL plan every statement inside for its own values.

        A plan that it keeps for any values compares each row of a table with each of some hundred keys. The checks of
        foreign keys at the commit are for kept plans: planned anew for each row, they take longer than the commit.
        """
        self._plan("force_custom_plan")
        yield
        self._plan("DEFAULT")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Open a nested transaction that an error inside takes back, and only it."""
        with translated():
            nested = self.connection.begin_nested()
        try:
            yield
        except BaseException:
            self.alive.clear()
            self._told = False
            with translated():
                nested.rollback()
            raise
        with translated():
            nested.commit()

    def _telling(self, query: tuple[Hashable, Callable[[], Select[Any]]] | None) -> Prepared:
        """Return a query that tells workers of the commit, too: on PostgreSQL, in a column behind its own."""
        told = channel(self.statements.schema).replace("'", "''")
        shape, build = query or (None, select)
        return self._prepare(
            ("telling", shape), lambda: build().add_columns(literal_column(f"pg_notify('{told}', '')"))
        )

    def _ask(self, sql: str, given: Parameters | list[Any], take: Callable[[Any], T]) -> T:
        """Run a statement, once or for each of a list of parameters, and take what is wanted from its cursor."""
        if self._watched:
            with translated():
                result = self.connection.exec_driver_sql(sql, given)
                found = take(result.cursor if result.returns_rows else result)
                result.close()
                return found
        cursor = self._cursor()
        try:
            if not self.sqlite:
                numbered = self.statements.numbered(sql)
                sql, order = numbered.sql, numbered.parameters
                given = list(map(order, given)) if isinstance(given, list) else order(given)
            (cursor.executemany if isinstance(given, list) else cursor.execute)(sql, given)
            return take(cursor)
        except self._errors as error:
            self._let_go(error, cursor)
            raise from_driver(error) from error
        finally:
            cursor.close()

    def _cursor(self) -> Any:
        driver: Any = self.connection.connection.dbapi_connection
        return driver.cursor() if self.sqlite else numbered_cursor(driver)

    def _let_go(self, error: Exception, cursor: Any) -> None:
        """Have SQLAlchemy meet a lost connection too: it then drops all that are as old."""
        connection = self.connection
        if connection.dialect.is_disconnect(error, connection.connection.dbapi_connection, cursor):  # type: ignore[arg-type]  # SQLAlchemy's own class of errors
            with translated():
                connection.exec_driver_sql("SELECT 1")

    def _prepare(self, shape: Hashable, build: Callable[[], Executable | ClauseElement]) -> Prepared:
        return self.statements.prepare((self.edition, shape), build)

    def _plan(self, mode: str) -> None:
        if not self.sqlite:
            with translated():
                self.connection.exec_driver_sql(f"SET LOCAL plan_cache_mode = {mode}")

    def _copy(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        cursor: Any = self.connection.connection.cursor()
        try:
            with cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
        except self._errors as error:
            self._let_go(error, cursor)
            raise from_driver(error) from error
        finally:
            cursor.close()


def channel(schema: str | None) -> str:
    """Return where PostgreSQL tells workers of a schema that something was committed."""
    return f"opencrm_{schema or 'workspace'}"[:60]


def _every_row(cursor: Any) -> list[Any]:
    found: list[Any] = cursor.fetchall()
    return found


def _nothing(_: Any) -> None:
    """Take nothing from a cursor."""


def _how_many(cursor: Any) -> int:
    return int(cursor.rowcount)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
