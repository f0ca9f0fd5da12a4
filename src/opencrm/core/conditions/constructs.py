"""What the two databases spell differently: parts of texts, options in a JSON array, changes in the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, Boolean, ColumnElement, Select, exists, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FromClause, FunctionElement

from opencrm.core.columns import IdColumn, InstantColumn, key_column
from opencrm.core.stamps import JOURNAL, sets

OPTION = key_column(64)
"""The type of an option's key."""

SINCE = InstantColumn()
"""The type of the instant from which on changes count."""


def contains(column: ColumnElement[Any], text: BindParameter[Any]) -> ColumnElement[bool]:
    """Return that a text stands within a column's: without patterns, so that no character means another."""
    return _Position(column, text) > literal_column("0")


def lowered(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a text with A to Z in lower case, compared by code point."""
    return _Lowered(column)


def has_any(column: ColumnElement[Any], options: Sequence[BindParameter[Any]]) -> ColumnElement[bool]:
    """Return that a column's JSON array holds one of some texts."""
    return _HasAny(column, *options) if options else literal_column("(1 = 0)", Boolean())


def changed_since(
    entity: str, names: Sequence[str], since: BindParameter[Any], table: FromClause
) -> ColumnElement[bool]:
    """Return that the journal tells of a change, after its creation, of a field that has, or had, these names."""
    line = JOURNAL.alias()
    return (
        exists()
        .where(
            line.c.entity == literal_column(f"'{entity}'"),
            line.c.record_id == table.c.id,
            line.c.at >= since,
            line.c.kind != literal_column("'created'"),
            sets(line.c.after, names),
        )
        .correlate(table)
    )


def among(column: ColumnElement[Any], found: Select[Any]) -> ColumnElement[bool]:
    """Return that a column's id is among few that are looked up first: PostgreSQL then takes its index."""
    return _Among(column, found.scalar_subquery())


def as_id(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a column that holds ids in such a way that it compares with a table's."""
    return column if isinstance(column.type, IdColumn) else _AsId(column)


def apart(part: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return an expression in brackets, which nothing takes off again."""
    return _Apart(part)


class _Position(FunctionElement[Any]):
    inherit_cache = True


class _Lowered(FunctionElement[Any]):
    inherit_cache = True
    type = key_column(20_000)


class _Test(FunctionElement[Any]):
    """True or false by itself: without SQLAlchemy's `= 1`, which would hide from an index what stands inside."""

    inherit_cache = True
    type = Boolean()

    def self_group(self, against: Any = None) -> Any:
        return self


class _HasAny(_Test):
    inherit_cache = True


class _Apart(_Test):
    inherit_cache = True


class _Among(_Test):
    inherit_cache = True


class _AsId(FunctionElement[Any]):
    inherit_cache = True
    type = IdColumn()


@compiles(_Position)
def _position(element: _Position, compiler: Any, **given: Any) -> str:
    return f"instr({compiler.process(element.clauses, **given)})"


@compiles(_Position, "postgresql")
def _position_postgresql(element: _Position, compiler: Any, **given: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **given)})"


@compiles(_Lowered)
def _lowered(element: _Lowered, compiler: Any, **given: Any) -> str:
    return f"lower({compiler.process(element.clauses, **given)})"


@compiles(_Lowered, "postgresql")
def _lowered_postgresql(element: _Lowered, compiler: Any, **given: Any) -> str:
    return f'lower({compiler.process(element.clauses, **given)} COLLATE "C")'


@compiles(_HasAny)
def _has_any(element: _HasAny, compiler: Any, **given: Any) -> str:
    column, *options = (compiler.process(each, **given) for each in element.clauses)
    return f"EXISTS (SELECT 1 FROM json_each({column}) AS held WHERE held.value IN ({', '.join(options)}))"


@compiles(_HasAny, "postgresql")
def _has_any_postgresql(element: _HasAny, compiler: Any, **given: Any) -> str:
    column, *options = (compiler.process(each, **given) for each in element.clauses)
    return f"({column} ?| ARRAY[{', '.join(options)}]::TEXT[])"


@compiles(_Apart)
def _apart(element: _Apart, compiler: Any, **given: Any) -> str:
    return f"({compiler.process(element.clauses, **given)})"


@compiles(_Among)
def _among(element: _Among, compiler: Any, **given: Any) -> str:
    column, found = (compiler.process(each, **given) for each in element.clauses)
    return f"{column} IN {found}"


@compiles(_Among, "postgresql")
def _among_postgresql(element: _Among, compiler: Any, **given: Any) -> str:
    column, found = (compiler.process(each, **given) for each in element.clauses)
    return f"({column} = ANY(ARRAY{found}))"


@compiles(_AsId)
def _as_id(element: _AsId, compiler: Any, **given: Any) -> str:
    return str(compiler.process(element.clauses, **given))


@compiles(_AsId, "postgresql")
def _as_id_postgresql(element: _AsId, compiler: Any, **given: Any) -> str:
    return f"({compiler.process(element.clauses, **given)})::UUID"
