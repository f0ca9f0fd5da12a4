"""When a record was last changed, for somebody who may not read all of it: when what they may read was."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, MetaData, Table, func, literal_column, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FromClause, FunctionElement

from opencrm.core.columns import IdColumn, InstantColumn, JsonColumn, key_column

STAMP = "updated_at"
"""The field that tells when a record was last changed."""

JOURNAL = Table(
    "crm_journal",
    MetaData(),
    Column("entity", key_column(100)),
    Column("record_id", IdColumn()),
    Column("kind", key_column(16)),
    Column("at", InstantColumn()),
    Column("after", JsonColumn()),
)
"""What conditions and records look at of the journal, whose table is a matter of the storage."""


def last_change(entity: str, names: Iterable[str], table: FromClause) -> ColumnElement[Any]:
    """Return when, as the journal has it, one of these fields of a record was last set.

    Args:
        entity: The record's entity.
        names: The fields, under every name that they had.
        table: The table that the record stands in, or an alias of it.
    """
    line = JOURNAL.alias()
    told = or_(line.c.kind == literal_column("'created'"), sets(line.c.after, {*names} - {STAMP}))
    mine = (line.c.entity == literal_column(f"'{entity}'"), line.c.record_id == table.c.id, told)
    return select(func.max(line.c.at, type_=InstantColumn())).where(*mine).correlate(table).scalar_subquery()


def sets(after: ColumnElement[Any], names: Iterable[str]) -> ColumnElement[bool]:
    """Return that a line of the journal, by what it has `after`, sets one of some fields, if only to nothing."""
    return _AnyKey(after, sorted(names))


class _AnyKey(FunctionElement[Any]):
    """Whether a JSON object has one of some keys, JSON's null beside them or not."""

    inherit_cache = False
    type = Boolean()

    def __init__(self, column: ColumnElement[Any], names: list[str]) -> None:
        super().__init__(column)
        self.names = ", ".join(f"'{name}'" for name in names)

    def self_group(self, against: Any = None) -> Any:
        return self


@compiles(_AnyKey)
def _any_key(element: _AnyKey, compiler: Any, **given: Any) -> str:
    column = compiler.process(element.clauses, **given)
    return f"EXISTS (SELECT 1 FROM json_each({column}) AS told WHERE told.key IN ({element.names}))"


@compiles(_AnyKey, "postgresql")
def _any_key_postgresql(element: _AnyKey, compiler: Any, **given: Any) -> str:
    return f"({compiler.process(element.clauses, **given)} ?| ARRAY[{element.names}]::TEXT[])"
