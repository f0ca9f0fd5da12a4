"""Transactions: the one way to a database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from itertools import chain
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, Engine, RootTransaction, String, Table, bindparam, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.elements import ClauseElement

from opencrm.core.change import Values
from opencrm.storage.engines import numbered_cursor
from opencrm.storage.statements import Parameters, Prepared, Statements
from opencrm.storage.translation import driver_errors, from_driver, translated
from opencrm.storage.waiting.alarms import Bell
from opencrm.storage.waiting.fair import FairLock
from opencrm.storage.waiting.turns import Turns

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

    def insert_all(self, several: Iterable[tuple[Table, Sequence[Mapping[str, Any]]]]) -> None:
        """Insert rows into tables, each named once; on PostgreSQL those of a row or two go in one statement."""
        given = [(table, records) for table, records in several if records]
        few = {table: records for table, records in given if len(records) <= TOGETHER}
        together = len(few) > 1 and not self.sqlite
        for table, records in given:
            if not together or table not in few:
                self.insert(table, records)
        if together:
            rows = [self.statements.writer(table).row(record) for table, records in few.items() for record in records]
            shape = tuple((table, len(records)) for table, records in few.items())
            self._ask(self.statements.together(shape), tuple(chain.from_iterable(rows)), _how_many)

    def caused(self, error: BaseException) -> bool:
        """Say whether an error was raised because the database's driver raised one."""
        return isinstance(error.__cause__, (SQLAlchemyError, self._errors))

    def begin(self, *, writes: bool) -> None:
        """Begin on SQLite, whose driver begins nothing by itself."""
        if self.sqlite:
            self._ask("BEGIN IMMEDIATE" if writes else "BEGIN", (), _nothing)

    def notify(self, channel: str) -> None:
        """Have PostgreSQL tell workers of the commit."""
        self.query("notify", lambda: select(func.pg_notify(bindparam("channel"), "")), {"channel": channel})

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
            with translated():
                nested.rollback()
            raise
        with translated():
            nested.commit()

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


def _every_row(cursor: Any) -> list[Any]:
    found: list[Any] = cursor.fetchall()
    return found


def _nothing(_: Any) -> None:
    """Take nothing from a cursor."""


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
        self.alarm = Bell()
        self._turn = FairLock() if self.sqlite else None
        self._turns = Turns(engine) if self.sqlite else None
        self._engine = engine.execution_options(opencrm="begins") if self.sqlite else engine

    @property
    def channel(self) -> str:
        """Where PostgreSQL tells workers that something was committed."""
        return f"opencrm_{self.schema or 'workspace'}"[:60]

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
        connection = _connected(self._engine)
        with connection:
            if options:
                connection = connection.execution_options(**options)
            with translated():
                transaction = connection.begin()
            found = Transaction(connection, statements)
            try:
                found.begin(writes=False)
                yield found
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
        mine: AbstractContextManager[Any] = self._turn or nullcontext()
        ours: AbstractContextManager[Any] = self._turns or nullcontext()
        with mine, ours, _connected(self._engine) as connection:
            with translated():
                outer = connection.begin()
            transaction = Transaction(connection, statements)
            try:
                transaction.begin(writes=True)
                yield transaction
                if transaction.wakes and not self.sqlite:
                    transaction.notify(self.channel)
            except BaseException:
                _take_back(outer)
                raise
            _commit(connection, outer)
        if transaction.wakes:
            self.alarm.ring()

    @contextmanager
    def join(self, connection: Connection) -> Iterator[Transaction]:
        """Work inside a transaction of the host's, which alone commits it; an error takes back only this part.

        PostgreSQL tells workers once the host commits; on SQLite they find out at their next look.
        """
        transaction = Transaction(connection, self.statements, hosts=True)
        with transaction.savepoint():
            yield transaction
            if transaction.wakes and not self.sqlite:
                transaction.notify(self.channel)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self.engine.dispose()
        if self._turns is not None:
            self._turns.close()
