"""What tables really are, told in the terms of their declarations.

After a script has run, the recorded snapshot says nothing any more: only the database knows what it did.
Reflection does not give every detail back as it was declared (PostgreSQL rewrites an index's condition), so
whatever matches its declaration is told in the declaration's own words, and the rest as it was found.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Inspector, Table, inspect, text
from sqlalchemy.exc import SAWarning

from opencrm.storage.migrations.snapshot import ColumnShape, ConstraintShape, IndexShape, Snapshot, TableShape

_DEFAULTS = re.compile(r" ON (DELETE|UPDATE) NO ACTION| NOT DEFERRABLE| INITIALLY IMMEDIATE")
"""What a foreign key may say without meaning anything; databases leave it out."""


def observed(connection: Connection, tables: Sequence[Table], declared: Snapshot, known: Snapshot) -> Snapshot:
    """Return the shapes of the declared tables, and of those `known` from before, as far as they exist."""
    reader = _Reader(connection, {name for shape in known.values() for name in shape["indexes"]})
    existing = set(reader.inspector.get_table_names())
    standing = [table for table in tables if table.name in existing]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression", SAWarning)
        found = {table.name: reader.table(table, declared[table.name]) for table in standing}
    gone: TableShape = {"columns": {}, "indexes": {}, "constraints": {}}
    return {name: gone for name in known if name in existing} | found


class _Reader:
    def __init__(self, connection: Connection, known_indexes: set[str]) -> None:
        from alembic.runtime.migration import MigrationContext

        self.connection = connection
        self.known_indexes = known_indexes
        self.inspector: Inspector = inspect(connection)
        self.dialect = connection.dialect
        self.comparer = MigrationContext.configure(connection=connection).impl

    def table(self, table: Table, declared: TableShape) -> TableShape:
        columns = self.inspector.get_columns(table.name)
        return {
            "columns": {each["name"]: self._column(each, table, declared) for each in columns},
            "indexes": self._indexes(table, declared),
            "constraints": self._constraints(table, declared),
        }

    def _column(self, found: Any, table: Table, declared: TableShape) -> ColumnShape:
        real = Column(found["name"], found["type"])
        name = self.dialect.type_compiler_instance.process(found["type"])
        meant = declared["columns"].get(found["name"])
        default = None if found.get("autoincrement") is True else found["default"]
        if meant is None:
            return {"type": name, "nullable": found["nullable"], "default": default}
        same_type = not self.comparer.compare_type(real, table.columns[found["name"]])
        same_default = (default is None) == (meant["default"] is None)
        return {
            "type": meant["type"] if same_type else name,
            "nullable": found["nullable"],
            "default": meant["default"] if same_default else default,
        }

    def _indexes(self, table: Table, declared: TableShape) -> dict[str, IndexShape]:
        """Return the indexes that are or were declared; others, of a workspace's own fields, may stand."""
        names = {self._stored_name(index): str(index.name) for index in table.indexes}
        shapes = self._unreadable_indexes(table, declared)
        for each in self.inspector.get_indexes(table.name):
            name = names.get(str(each["name"]), str(each["name"]))
            if name in declared["indexes"] or name in self.known_indexes:
                shapes[name] = _index(each, declared["indexes"].get(name))
        return shapes

    def _unreadable_indexes(self, table: Table, declared: TableShape) -> dict[str, IndexShape]:
        """Return the declared indexes of expressions in SQLite, of which reflection tells only the name."""
        if self.dialect.name != "sqlite":
            return {}
        query = text("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = :table")
        existing = set(self.connection.execute(query, {"table": table.name}).scalars())
        return {name: shape for name, shape in declared["indexes"].items() if name in existing}

    def _stored_name(self, index: Any) -> str:
        return self.dialect.identifier_preparer.format_index(index).strip('"')

    def _constraints(self, table: Table, declared: TableShape) -> dict[str, ConstraintShape]:
        found = list(self._found_constraints(table.name))
        shapes: dict[str, ConstraintShape] = {}
        for name, meant in declared["constraints"].items():
            match = next((each for each in found if _matches(each, name, meant)), None)
            if match is not None:
                found.remove(match)
                shapes[name] = meant
        return shapes | {each["definition"]: each for each in found}

    def _found_constraints(self, table: str) -> Iterable[ConstraintShape]:
        key = self.inspector.get_pk_constraint(table)["constrained_columns"]
        if key:
            yield {"kind": "primary key", "columns": key, "definition": f"PRIMARY KEY ({', '.join(key)})"}
        for foreign in self.inspector.get_foreign_keys(table):
            yield {
                "kind": "foreign key",
                "columns": foreign["constrained_columns"],
                "definition": self._foreign_key(foreign),
            }
        for unique in self.inspector.get_unique_constraints(table):
            names = unique["column_names"]
            yield {"kind": "unique", "columns": names, "definition": f"UNIQUE ({', '.join(names)})"}
        for rule in self.inspector.get_check_constraints(table):
            yield {"kind": "check", "columns": [], "definition": str(rule["name"] or rule["sqltext"])}

    def _foreign_key(self, found: Any) -> str:
        """Return a foreign key in the words that a declaration is compiled to."""
        quote = self.dialect.identifier_preparer.quote
        columns = ", ".join(quote(name) for name in found["constrained_columns"])
        target = ", ".join(quote(name) for name in found["referred_columns"])
        options = found.get("options", {})
        words = [f"FOREIGN KEY({columns}) REFERENCES {quote(found['referred_table'])} ({target})"]
        words += [f"ON {act.upper()} {options['on' + act]}" for act in ("delete", "update") if options.get("on" + act)]
        words += ["DEFERRABLE"] if options.get("deferrable") else []
        words += ["INITIALLY DEFERRED"] if options.get("initially") == "DEFERRED" else []
        return " ".join(words)


def _index(found: Any, meant: IndexShape | None) -> IndexShape:
    columns = [name or "" for name in found["column_names"]]
    unique = bool(found["unique"])
    conditional = any(key.endswith("_where") for key in found.get("dialect_options", {}))
    if meant is not None and _same_columns(columns, meant["columns"]) and meant["unique"] == unique:
        same = conditional == (" WHERE " in meant["definition"])
        return meant if same else {**meant, "definition": "another condition"}
    return {"columns": columns, "unique": unique, "definition": str(found)}


def _same_columns(found: list[str], meant: list[str]) -> bool:
    """Whether the columns are equal; an expression's text cannot be compared."""
    pairs = zip(found, meant, strict=False)
    return len(found) == len(meant) and all(not real or real == said for real, said in pairs)


def _matches(found: ConstraintShape, name: str, meant: ConstraintShape) -> bool:
    if found["kind"] != meant["kind"]:
        return False
    if found["kind"] == "check":
        return found["definition"] == name or found["definition"] in meant["definition"]
    if found["kind"] == "foreign key":
        return f"{found['definition']};" in f"{_DEFAULTS.sub('', meant['definition'])};"
    return found["columns"] == meant["columns"]
