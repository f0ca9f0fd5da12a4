"""What tables are declared to be, as JSON-able values that are equal if and only if the declarations are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias, TypedDict

from sqlalchemy import (
    CheckConstraint,
    Column,
    Constraint,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex

ConstraintKind: TypeAlias = Literal["primary key", "foreign key", "unique", "check", "other"]

_KINDS: tuple[tuple[type[Constraint], ConstraintKind], ...] = (
    (PrimaryKeyConstraint, "primary key"),
    (ForeignKeyConstraint, "foreign key"),
    (UniqueConstraint, "unique"),
    (CheckConstraint, "check"),
    (Constraint, "other"),
)


class ColumnShape(TypedDict):
    """A column: its type, and its default in the database if it has one, in SQL."""

    type: str
    nullable: bool
    default: str | None


class IndexShape(TypedDict):
    """An index; the definition says everything about it."""

    columns: list[str]
    unique: bool
    definition: str


class ConstraintShape(TypedDict):
    """A constraint; the definition says everything about it."""

    kind: ConstraintKind
    columns: list[str]
    definition: str


class TableShape(TypedDict):
    """A table; indexes by name, constraints by name or, without one, by definition."""

    columns: dict[str, ColumnShape]
    indexes: dict[str, IndexShape]
    constraints: dict[str, ConstraintShape]


Snapshot: TypeAlias = dict[str, TableShape]

Render: TypeAlias = Callable[[Dialect], str]


def snapshot(tables: Iterable[Table]) -> Snapshot:
    """Return the shapes of tables by name."""
    dialects = _dialects()
    return {table.name: _table(table, dialects) for table in sorted(tables, key=lambda table: table.name)}


def _dialects() -> tuple[Dialect, ...]:
    makers: Any = (sqlite.dialect, postgresql.dialect)
    return tuple(make() for make in makers)


def _table(table: Table, dialects: tuple[Dialect, ...]) -> TableShape:
    return {
        "columns": {column.name: _column(column, dialects) for column in table.columns},
        "indexes": {str(index.name): _index(index, dialects) for index in _sorted(table.indexes)},
        "constraints": {
            _key(each, dialects): _constraint(each, dialects) for each in _sorted(table.constraints) if _stands(each)
        },
    }


def _column(column: Column[Any], dialects: tuple[Dialect, ...]) -> ColumnShape:
    return {
        "type": _both(lambda dialect: dialect.type_compiler_instance.process(column.type), dialects),
        "nullable": bool(column.nullable),
        "default": _both(lambda dialect: _default(column, dialect), dialects) or None,
    }


def _default(column: Column[Any], dialect: Dialect) -> str:
    compiler = _compiler(dialect)
    if column.computed is not None:
        return str(compiler.process(column.computed))
    return str(compiler.get_column_default_string(column) or "")


def _index(index: Index, dialects: tuple[Dialect, ...]) -> IndexShape:
    return {
        "columns": [getattr(each, "name", None) or str(each) for each in index.expressions],
        "unique": bool(index.unique),
        "definition": _both(lambda dialect: str(CreateIndex(index).compile(dialect=dialect)), dialects),
    }


def _constraint(constraint: Constraint, dialects: tuple[Dialect, ...]) -> ConstraintShape:
    return {
        "kind": next(kind for cls, kind in _KINDS if isinstance(constraint, cls)),
        "columns": [column.name for column in getattr(constraint, "columns", ())],
        "definition": _both(_definition(constraint), dialects),
    }


def _key(constraint: Constraint, dialects: tuple[Dialect, ...]) -> str:
    return str(constraint.name) if constraint.name else _definition(constraint)(dialects[0])


def _definition(constraint: Constraint) -> Render:
    if isinstance(constraint, PrimaryKeyConstraint):
        return lambda _: f"PRIMARY KEY ({', '.join(column.name for column in constraint.columns)})"

    def render(dialect: Dialect) -> str:
        return str(_compiler(dialect).process(constraint) or "")

    return render


def _compiler(dialect: Dialect) -> Any:
    make: Any = dialect.ddl_compiler
    return make(dialect, None)


def _stands(constraint: Constraint) -> bool:
    """Whether there is anything to it: a table without a primary key carries an empty one."""
    return not isinstance(constraint, PrimaryKeyConstraint) or len(constraint.columns) > 0


def _sorted(items: Iterable[Any]) -> list[Any]:
    return sorted(items, key=lambda item: str(item.name or ""))


def _both(render: Render, dialects: tuple[Dialect, ...]) -> str:
    """Return what both databases call it or, where they differ, what each does."""
    texts = {dialect.name: render(dialect) for dialect in dialects}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"{name}: {text}" for name, text in texts.items())
