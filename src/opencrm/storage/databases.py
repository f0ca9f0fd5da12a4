"""Databases: the one way to transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy.exc import SQLAlchemyError

from opencrm.errors import ConflictError
from opencrm.storage.engines import without_waiting
from opencrm.storage.statements import Statements
from opencrm.storage.transactions import Transaction, channel
from opencrm.storage.translation import translated
from opencrm.storage.waiting.alarms import Bell
from opencrm.storage.waiting.fair import FairLock
from opencrm.storage.waiting.turns import Turns


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
        return channel(self.schema)

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
                transaction.tell_workers()
            except BaseException:
                _take_back(outer)
                raise
            _commit(connection, outer)
        if transaction.wakes:
            self.alarm.ring()

    @contextmanager
    def write_if_free(self) -> Iterator[Transaction | None]:
        """Open a transaction that may write, where SQLite's file is free at this moment; give None where it is not.

        On PostgreSQL, where nothing locks the whole, it is always one.
        """
        if self._turn is None or self._turns is None:
            with self.write() as transaction:
                yield transaction
            return
        statements = self.statements
        with self._turn.at_once() as mine, self._turns.at_once() if mine else nullcontext(False) as ours:
            if not ours:
                yield None
                return
            with _connected(self._engine) as connection:
                transaction, outer = Transaction(connection, statements), connection.begin()
                try:
                    yield transaction if _begun_at_once(transaction) else None
                except BaseException:
                    _take_back(outer)
                    raise
                _commit(connection, outer)

    @contextmanager
    def join(self, connection: Connection) -> Iterator[Transaction]:
        """Work inside a transaction of the host's, which alone commits it; an error takes back only this part.

        PostgreSQL tells workers once the host commits; on SQLite they find out at their next look.
        """
        transaction = Transaction(connection, self.statements, hosts=True)
        with transaction.savepoint():
            yield transaction
            transaction.tell_workers()

    def close(self) -> None:
        """Close the connections that are kept open."""
        self.engine.dispose()
        if self._turns is not None:
            self._turns.close()


def _connected(engine: Engine) -> Connection:
    with translated():
        return engine.connect()


def _begun_at_once(transaction: Transaction) -> bool:
    """Begin on SQLite unless somebody writes its file, of whatever program; say whether it was begun."""
    with without_waiting(transaction.connection):
        try:
            transaction.begin(writes=True)
        except ConflictError:
            return False
    return True


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
