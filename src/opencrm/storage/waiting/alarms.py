"""Waking a worker when something was committed: at once where the database can tell, else by looking now and then."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from opencrm.core.clock import monotonic
from opencrm.storage.translation import driver_errors

if TYPE_CHECKING:
    from opencrm.storage.databases import Database

_LOG = logging.getLogger("opencrm.worker")
_LOOK = 0.25
"""How many seconds pass between two looks, where another process may have written a SQLite file."""
_ANEW = 0.5
"""How many seconds pass before a connection to PostgreSQL is tried again."""
_LISTEN = 1.0
"""How many seconds a wait on PostgreSQL's word lasts at most before it is asked whether to stop."""


class Bell:
    """Rung in a process when it commits something that a worker waits for; any number may wait for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rung = 0

    @property
    def rung(self) -> int:
        """How often it rang so far."""
        return self._rung

    def ring(self) -> None:
        """Wake whoever waits in this process."""
        with self._changed:
            self._rung += 1
            self._changed.notify_all()

    def wait(self, seconds: float, heard: int) -> int:
        """Wait until it rang more often than was heard, and no longer than so many seconds; return how often it did."""
        with self._changed:
            self._changed.wait_for(lambda: self._rung != heard, seconds)
            return self._rung


class Alarm:
    """Waits for word that something was committed, on a connection of its own.

    Args:
        database: Whose commits.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._seen: object = None
        self._heard = database.alarm.rung

    def __enter__(self) -> Alarm:
        self._open()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._close()

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Wait until something was committed or `stop` is set, and no longer than so many seconds."""
        end = monotonic() + seconds
        while not stop.is_set() and (left := end - monotonic()) > 0:
            if self._told(left):
                return

    def _told(self, left: float) -> bool:
        """Wait for a moment; say whether there was word."""
        if self._database.sqlite:
            return self._rang(min(left, _LOOK)) or self._written_elsewhere()
        return self._listened(min(left, _LISTEN))

    def _rang(self, seconds: float) -> bool:
        before, self._heard = self._heard, self._database.alarm.wait(seconds, self._heard)
        return before != self._heard

    def _written_elsewhere(self) -> bool:
        if self._connection is None:
            return False
        seen, self._seen = self._seen, self._version()
        return seen != self._seen

    def _version(self) -> object:
        assert self._connection is not None
        driver: Any = self._connection.connection.dbapi_connection
        return driver.execute("PRAGMA data_version").fetchone()[0]

    def _listened(self, seconds: float) -> bool:
        """Wait for PostgreSQL's word; what was said while there was no connection counts as word."""
        if self._connection is None:
            self._rang(min(seconds, _ANEW))
            self._open()
            return True
        driver: Any = self._connection.connection.dbapi_connection
        try:
            return next(iter(driver.notifies(timeout=seconds, stop_after=1)), None) is not None
        except driver_errors(self._database.engine) as error:
            _LOG.warning("PostgreSQL no longer tells of commits, a new connection is made: %s", error)
            self._close()
            return True

    def _open(self) -> None:
        """Connect; where that cannot be, it is tried again at the next look."""
        try:
            self._connection = self._database.engine.connect()
            driver: Any = self._connection.connection.dbapi_connection
            if self._database.sqlite:
                self._seen = self._version()
            else:
                driver.autocommit = True
                driver.execute(f'LISTEN "{self._database.channel}"')
        except (SQLAlchemyError, driver_errors(self._database.engine)) as error:
            _LOG.debug("no word of commits: %s", error)
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(SQLAlchemyError):
                self._connection.invalidate()
                self._connection.close()
            self._connection = None
