"""Transactions: the one way to a database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, RootTransaction, Table
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.elements import ClauseElement

from opencrm.core.change import Values
from opencrm.storage.engines import numbered_cursor
from opencrm.storage.fair import FairLock
from opencrm.storage.statements import Parameters, Prepared, Statements
from opencrm.storage.translation import driver_errors, from_driver, translated

T = TypeVar("T")
_LOG = logging.getLogger("sqlalchemy.engine")
COPY_FROM = 50
"""From so many rows on, PostgreSQL is given them by COPY."""


class Transaction:
    """One open transaction; never commits by itself.

    The driver is asked without SQLAlchemy between, which would describe each result anew, unless somebody listens to
    the engine's statements or has them logged.

    Attributes:
        edition: Tells the custom fields of one configuration from those of another: statements are kept by it.
    """

    def __init__(self, connection: Connection, statements: Statements) -> None:
        self.connection = connection
        self.statements = statements
        self.sqlite = connection.dialect.name == "sqlite"
        self.edition = ""
        self._heard = connection.dispatch
        self._logged = bool(connection.engine.echo) or _LOG.isEnabledFor(logging.INFO)
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

    def insert_all(self, several: Iterable[tuple[Table, Sequence[Mapping[str, Any]]]]) -> None:
        """Insert rows into tables, each named once; on PostgreSQL those of one row go in one statement together."""
        given = [(table, records) for table, records in several if records]
        single = {table: records[0] for table, records in given if len(records) == 1}
        together = len(single) > 1 and not self.sqlite
        for table, records in given:
            if not together or table not in single:
                self.insert(table, records)
        if together:
            values = [value for table, record in single.items() for value in self.statements.writer(table).row(record)]
            self._ask(self.statements.together(tuple(single)), tuple(values), _how_many)

    def lock(self, table: Table) -> None:
        """Keep everybody else from writing a table, once those who do so now have ended; on SQLite nobody else can."""
        if not self.sqlite:
            target = self.statements.writer(table).target
            with translated():
                self.connection.exec_driver_sql(f"LOCK TABLE {target} IN SHARE ROW EXCLUSIVE MODE")

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
            with translated():
                nested.rollback()
            raise
        with translated():
            nested.commit()

    def _ask(self, sql: str, given: Parameters | list[Any], take: Callable[[Any], T]) -> T:
        """Run a statement, once or for each of a list of parameters, and take what is wanted from its cursor."""
        if self._logged or self._heard.before_cursor_execute or self._heard.after_cursor_execute:
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


def _every_row(cursor: Any) -> list[Any]:
    found: list[Any] = cursor.fetchall()
    return found


def _how_many(cursor: Any) -> int:
    return int(cursor.rowcount)


def _connected(engine: Engine) -> Connection:
    with translated():
        return engine.connect()


def _take_back(transaction: RootTransaction) -> None:
    """Take a transaction back; one whose connection was lost is taken back already."""
    with suppress(SQLAlchemyError):
        transaction.rollback()


def _commit(connection: Connection, transaction: RootTransaction) -> None:
    """Commit; where that fails, drop the connection: SQLite leaves the transaction open, with its lock."""
    try:
        with translated():
            transaction.commit()
    except BaseException:
        connection.invalidate()
        raise


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


class Database:
    """A workspace's database: an engine and, on PostgreSQL, a schema of it."""

    def __init__(self, engine: Engine, schema: str | None = None) -> None:
        self.engine = engine
        self.schema = schema
        self.sqlite = engine.dialect.name == "sqlite"
        self._statements: Statements | None = None
        self._turn = FairLock() if self.sqlite else None
        self._writing = engine.execution_options(opencrm="write") if self.sqlite else engine

    @property
    def statements(self) -> Statements:
        """The statements kept for this database."""
        if self._statements is None:
            with translated(), self.engine.connect():
                pass
            self._statements = Statements(self.engine.dialect, self.schema)
        return self._statements

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a transaction that sees one state and takes no lock."""
        options: dict[str, Any] = (
            {} if self.sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )
        statements = self.statements
        connection = _connected(self.engine)
        with connection:
            if options:
                connection = connection.execution_options(**options)
            with translated():
                transaction = connection.begin()
            try:
                yield Transaction(connection, statements)
            except BaseException:
                _take_back(transaction)
                raise
            with translated():
                # On PostgreSQL, where nothing can be written here, a rollback would make the driver forget its
                # prepared statements.
                transaction.rollback() if self.sqlite else transaction.commit()

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Open a transaction that may write: committed at the end, taken back on any error."""
        statements = self.statements
        turn: AbstractContextManager[Any] = self._turn or nullcontext()
        with turn, _connected(self._writing) as connection:
            with translated():
                outer = connection.begin()
            try:
                yield Transaction(connection, statements)
            except BaseException:
                _take_back(outer)
                raise
            _commit(connection, outer)

    @contextmanager
    def join(self, connection: Connection) -> Iterator[Transaction]:
        """Work inside a transaction of the host's, which alone commits it; an error takes back only this part."""
        transaction = Transaction(connection, self.statements)
        with transaction.savepoint():
            yield transaction

    def close(self) -> None:
        """Close the connections that are kept open."""
        self.engine.dispose()
