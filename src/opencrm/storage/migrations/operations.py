"""Doing additive operations to a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Column, Connection, ForeignKeyConstraint, Index, Table, text
from sqlalchemy.schema import (
    AddConstraint,
    CreateColumn,
    CreateIndex,
    CreateTable,
    DropIndex,
    sort_tables_and_constraints,
)

from opencrm.storage.migrations.difference import Operation

AFTER_CREATE = "opencrm.after_create"
"""Under this name a table's `info` may hold what makes the rest of it, in SQL that is one database's alone."""

_ASIDE = "{}__old"


def create_tables(connection: Connection, tables: Iterable[Table]) -> None:
    """Create tables with their indexes, in an order that suits their references to each other.

    `MetaData.create_all` is not used: on PostgreSQL it marks the constraints of a cycle as not to be created
    with their table, and the mark stays on the declaration, for every other workspace of the process.
    """
    alters = connection.dialect.supports_alter
    for table, keys in _sorted(tables):
        if table is None:
            _add_keys(connection, keys if alters else ())
        else:
            inline = list(keys) if alters else None
            connection.execute(CreateTable(table, include_foreign_key_constraints=inline))
            for index in _by_name(table.indexes):
                connection.execute(CreateIndex(index))
            table.info.get(AFTER_CREATE, _nothing)(connection)


def apply(connection: Connection, tables: Sequence[Table], operations: Sequence[Operation]) -> None:
    """Do operations, given in the order of `Difference.operations`, to tables declared in `tables`."""
    declared = {table.name: table for table in tables}
    by_kind = {kind: list(group) for kind, group in groupby(operations, key=attrgetter("kind"))}
    create_tables(connection, [declared[each.table] for each in by_kind.get("create table", [])])
    for name, group in groupby(by_kind.get("add column", []), key=attrgetter("table")):
        _add_columns(connection, declared[name], [each.name for each in group])
    for each in by_kind.get("drop index", []):
        connection.execute(DropIndex(Index(each.name)))
    for each in by_kind.get("create index", []):
        found = next(index for index in declared[each.table].indexes if str(index.name) == each.name)
        connection.execute(CreateIndex(found))


def _sorted(tables: Iterable[Table]) -> list[tuple[Table | None, Iterable[ForeignKeyConstraint]]]:
    sort: Any = sort_tables_and_constraints
    return list(sort(list(tables)))


def _add_columns(connection: Connection, table: Table, names: list[str]) -> None:
    keys = [key for key in table.foreign_key_constraints if not set(names).isdisjoint(key.column_keys)]
    if keys and not connection.dialect.supports_alter:
        _rebuild(connection, table, names)
        return
    for name in names:
        _add_column(connection, table, table.columns[name])
    _add_keys(connection, keys)


def _add_column(connection: Connection, table: Table, column: Column[Any]) -> None:
    target = connection.dialect.identifier_preparer.format_table(table)
    specification = CreateColumn(column).compile(dialect=connection.dialect)
    connection.exec_driver_sql(f"ALTER TABLE {target} ADD COLUMN {specification}")


def _add_keys(connection: Connection, keys: Iterable[ForeignKeyConstraint]) -> None:
    for key in _by_name(keys):
        connection.execute(AddConstraint(key, isolate_from_table=False))


def _rebuild(connection: Connection, table: Table, added: list[str]) -> None:
    """Copy a table of SQLite, which cannot add a foreign key, into a new one of the declared shape.

    What else hangs on the table, its indexes and triggers, is put back as it was.
    """
    old = _ASIDE.format(table.name)
    hanging = _hanging(connection, table)
    quote = connection.dialect.identifier_preparer.quote
    kept = [column for column in table.columns if column.name not in added and column.computed is None]
    names = ", ".join(quote(column.name) for column in kept)
    # References of other tables stay as they are: they mean the new table.
    connection.exec_driver_sql("PRAGMA legacy_alter_table = ON")
    connection.exec_driver_sql(f"ALTER TABLE {quote(table.name)} RENAME TO {quote(old)}")
    connection.exec_driver_sql("PRAGMA legacy_alter_table = OFF")
    connection.execute(CreateTable(table))
    connection.exec_driver_sql(f"INSERT INTO {quote(table.name)} ({names}) SELECT {names} FROM {quote(old)}")
    connection.exec_driver_sql(f"DROP TABLE {quote(old)}")
    for statement in hanging:
        connection.exec_driver_sql(statement)


def _hanging(connection: Connection, table: Table) -> list[str]:
    kinds = "type IN ('index', 'trigger') AND sql IS NOT NULL"
    query = f"SELECT sql FROM sqlite_master WHERE tbl_name = :table AND {kinds}"
    return list(connection.execute(text(query), {"table": table.name}).scalars())


def _nothing(_connection: Connection) -> None:
    pass


def _by_name(items: Iterable[Any]) -> list[Any]:
    return sorted(items, key=lambda item: str(item.name))
