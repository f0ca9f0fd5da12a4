"""Workspaces for tests, quickly: the firm is set up once in a run, and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path

from sqlalchemy import Connection, event

from opencrm.app.crm import CRM
from opencrm.core.clock import ManualClock
from opencrm.services.files.contents import FileStore
from opencrm.storage.engines import make_engine
from opencrm.storage.search import document
from opencrm.testing.firm import MONDAY, WindowSales, set_up_firm

_TEMPLATE = "template"


def _open_template(url: str, schema: str | None = None) -> None:
    """Set the firm up the day before, so that whatever a test makes is newer."""
    crm = CRM(url, schema=schema, plugins=[WindowSales()], clock=ManualClock(MONDAY - timedelta(days=1)))
    set_up_firm(crm)
    crm.close()


def _plugins(more: Iterable[object]) -> list[object]:
    return [WindowSales(), *more]


def hurry(crm: CRM) -> None:
    """Let commits to a SQLite file return before the disk has them: nobody needs it after a power cut."""
    engine = crm.database.engine
    if crm.database.sqlite:
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
        engine.dispose()


class SQLiteWorkspaces:
    """Workspaces that are files, copied from one.

    Args:
        template: Where that one will stand.
    """

    def __init__(self, template: Path) -> None:
        self._template = template
        self._numbers = count(1)

    @contextmanager
    def open(self, folder: Path, plugins: Sequence[object]) -> Iterator[CRM]:
        """Open a workspace in a file of its own."""
        if not self._template.exists():
            _open_template(f"sqlite:///{self._template}")
        file = folder / f"crm{next(self._numbers)}.db"
        shutil.copyfile(self._template, file)
        crm = CRM(f"sqlite:///{file}", plugins=_plugins(plugins), clock=ManualClock(MONDAY))
        hurry(crm)
        if plugins:
            crm.upgrade()
        yield crm
        crm.close()


class PostgreSQLWorkspaces:
    """Workspaces that are schemas of one database; one that is done with is emptied and used again.

    Args:
        url: A database of their own.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine = make_engine(url)
        self._numbers = count(1)
        self._free: list[str] = []
        self._tables: list[str] = []

    @contextmanager
    def open(self, folder: Path, plugins: Sequence[object]) -> Iterator[CRM]:
        """Open a workspace in a schema of its own."""
        schema = self._take()
        files = FileStore(place=str(folder / f"{schema}.files"))
        crm = CRM(engine=self._engine, schema=schema, plugins=_plugins(plugins), clock=ManualClock(MONDAY), files=files)
        if plugins:
            crm.upgrade()
        yield crm
        crm.close()
        self._give_back(schema, dirty=bool(plugins))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _take(self) -> str:
        if not self._tables:
            _open_template(self._url, _TEMPLATE)
            with self._engine.begin() as connection:
                self._tables = _tables(connection, _TEMPLATE)
        schema = self._free.pop() if self._free else self._new()
        with self._engine.begin() as connection:
            copies = [f'INSERT INTO {schema}."{it}" SELECT * FROM {_TEMPLATE}."{it}"' for it in self._tables]
            connection.exec_driver_sql("; ".join(copies))
        return schema

    def _new(self) -> str:
        schema = f"firm_{next(self._numbers)}"
        CRM(engine=self._engine, schema=schema, plugins=_plugins(())).upgrade()
        with self._engine.begin() as connection:
            self._empty(connection, schema)
            # The template's rows bring keys that this schema did not give.
            connection.exec_driver_sql(f"ALTER TABLE {schema}.{document.name} ALTER COLUMN id RESTART WITH 1000000")
        return schema

    def _give_back(self, schema: str, *, dirty: bool) -> None:
        with self._engine.begin() as connection:
            # A transaction that a test left open would make this wait forever.
            connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
            if dirty or _tables(connection, schema) != self._tables:
                connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
                return
            self._empty(connection, schema)
        self._free.append(schema)

    def _empty(self, connection: Connection, schema: str) -> None:
        empty = [f'DELETE FROM {schema}."{it}"' for it in self._tables]
        connection.exec_driver_sql("; ".join(["SET CONSTRAINTS ALL DEFERRED", *empty]))


def _tables(connection: Connection, schema: str) -> list[str]:
    statement = "SELECT table_name FROM information_schema.tables WHERE table_schema = %(schema)s ORDER BY 1"
    return [row[0] for row in connection.exec_driver_sql(statement, {"schema": schema})]
