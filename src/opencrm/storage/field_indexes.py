"""Indexes of custom fields: built while the workspace is in use, and taken away when their field is retired."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import ColumnElement, Connection, Index, MetaData, Table, text
from sqlalchemy.schema import CreateIndex, DropIndex

from opencrm.core.columns import JsonColumn
from opencrm.core.entity import Spec, leads
from opencrm.core.fields import Field
from opencrm.storage.databases import Database
from opencrm.storage.translation import translated

_PREFIX = "cf_"
_LONGEST = 63
_KEY = "hashtextextended('opencrm fields ' || coalesce(:schema, current_schema()), 0)"
_LOCK = text(f"SELECT pg_try_advisory_lock({_KEY})")
_UNLOCK = text(f"SELECT pg_advisory_unlock({_KEY})")


def build(database: Database, specs: Iterable[Spec]) -> list[str]:
    """Build the indexes that the custom fields of these entities want, and drop those of retired ones.

    PostgreSQL builds without holding writers up; SQLite builds one index a transaction. Only one process builds at a
    time; what was cut off half-way is built anew. Indexes of other tables are a host's, whatever they are called.

    Returns:
        A line for each index that was built or dropped.
    """
    several = list(specs)
    tables = {spec.table.name for spec in several}
    wanted = {str(index.name): index for spec in several for index in _wanted(spec, database)}
    if _standing(database, tables) == wanted.keys():
        return []
    return (_one_by_one if database.sqlite else _concurrently)(database, tables, wanted)


def _one_by_one(database: Database, tables: Collection[str], wanted: dict[str, Index]) -> list[str]:
    standing, lines = _standing(database, tables), []
    for name in sorted(wanted.keys() - standing):
        with database.write() as tx, translated():
            tx.connection.execute(CreateIndex(wanted[name], if_not_exists=True))
        lines.append(f"index {name} built")
    for name in sorted(standing - wanted.keys()):
        with database.write() as tx, translated():
            tx.connection.execute(DropIndex(Index(name), if_exists=True))
        lines.append(f"index {name} dropped")
    return lines


def _concurrently(database: Database, tables: Collection[str], wanted: dict[str, Index]) -> list[str]:
    lines = []
    with translated(), database.engine.connect() as plain:
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        if not connection.execute(_LOCK, {"schema": database.schema}).scalar():
            return []  # Another process builds; to wait for it would make it wait for this connection's snapshot.
        try:
            standing = _valid(connection, database.schema, tables)
            good = {name for name, valid in standing.items() if valid and name in wanted}
            for name in sorted(standing.keys() - good):
                connection.exec_driver_sql(
                    f"DROP INDEX CONCURRENTLY IF EXISTS {_qualified(connection, database, name)}"
                )
                lines.append(f"index {name} dropped")
            for name in sorted(wanted.keys() - good):
                connection.execute(CreateIndex(wanted[name], if_not_exists=True))
                lines.append(f"index {name} built")
        finally:
            connection.execute(_UNLOCK, {"schema": database.schema})
    return lines


def _wanted(spec: Spec, database: Database) -> Iterator[Index]:
    """Give the indexes of an entity's custom fields, on a copy of its table: its declaration stays as it is."""
    custom = [it for it in spec.fields.values() if it.custom and it.type.indexable]
    if custom:
        copy = spec.table.to_metadata(MetaData(), schema=database.schema)  # type: ignore[arg-type]  # None: of no schema
        for field in custom:
            if not _is_list(field):
                yield from _of_field(spec, field, copy)
            elif not database.sqlite:  # SQLite has no index of what an array holds.
                yield _of_list(spec, field, copy)
        if "stage" in spec.held and spec.staged:
            yield _of_stages(spec, copy)


def _of_field(spec: Spec, field: Field, table: Table) -> Iterator[Index]:
    key = spec.held[field.key].read_from(table.c.custom)
    if not field.indexed:
        yield _index(table, field, "", [key, table.c.id], table.c.deleted_at.is_(None) & key.is_not(None))
        return
    for lead, where in leads(spec, table):
        mark = "".join(name[0] for name in lead)
        yield _index(table, field, f"_s{mark}", [*(table.c[name] for name in lead), key, table.c.id], where)


def _of_stages(spec: Spec, table: Table) -> Index:
    """Return the index of a board, as an entity has it whose class declares the stages."""
    place = [spec.held[name].read_from(table.c.custom) for name in ("pipeline", "stage")]
    name, living = _name(f"{_PREFIX}{table.name}_stages"), table.c.deleted_at.is_(None) & place[1].is_not(None)
    parts = [*place, table.c.created_at, table.c.id]
    return Index(name, *parts, sqlite_where=living, postgresql_where=living, postgresql_concurrently=True)


def _of_list(spec: Spec, field: Field, table: Table) -> Index:
    held = spec.held[field.name].read_from(table.c.custom)
    name = _name(f"{_PREFIX}{table.name}_{field.slot}")
    where = table.c.deleted_at.is_(None) & held.is_not(None)
    return Index(name, held, postgresql_using="gin", postgresql_where=where, postgresql_concurrently=True)


def _index(
    table: Table, field: Field, mark: str, parts: list[ColumnElement[object]], where: ColumnElement[bool]
) -> Index:
    name = _name(f"{_PREFIX}{table.name}_{field.slot}{mark}")
    return Index(name, *parts, sqlite_where=where, postgresql_where=where, postgresql_concurrently=True)


def _name(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[:46]}_{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _is_list(field: Field) -> bool:
    return isinstance(field.type.column(), JsonColumn)


def _standing(database: Database, tables: Collection[str]) -> set[str]:
    with database.read() as tx:
        if tx.sqlite:
            query = text("SELECT name, tbl_name FROM sqlite_master WHERE type = 'index'")
            return {name for name, table in tx.connection.execute(query) if _is_ours(name, table, tables)}
        return {name for name, valid in _valid(tx.connection, database.schema, tables).items() if valid}


def _valid(connection: Connection, schema: str | None, tables: Collection[str]) -> dict[str, bool]:
    """Return the indexes of custom fields on PostgreSQL, and whether each was built to its end."""
    query = text(
        "SELECT c.relname, t.relname, i.indisvalid FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid "
        "JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = coalesce(:schema, current_schema())"
    )
    found = connection.execute(query, {"schema": schema})
    return {name: valid for name, table, valid in found if _is_ours(name, table, tables)}


def _is_ours(name: str, table: str, tables: Collection[str]) -> bool:
    return name.startswith(_PREFIX) and table in tables


def _qualified(connection: Connection, database: Database, name: str) -> str:
    quote = connection.dialect.identifier_preparer.quote
    return f"{quote(database.schema)}.{quote(name)}" if database.schema else quote(name)
