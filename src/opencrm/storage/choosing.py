"""Rows that a statement chooses for itself, a number of them at most."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, any_, func


def chosen(column: ColumnElement[Any], query: Select[Any], *, sqlite: bool) -> ColumnElement[bool]:
    """Say in SQL that a column holds one of the values of a query that has a limit, or locks what it finds.

    PostgreSQL may join with the query of an IN: it then runs it again and again, each time past what is locked by now,
    or reads the whole table. As an array it is run once.

    Args:
        column: The column, one that has an index.
        query: A query of one column.
        sqlite: Whether the statement is for SQLite, which runs it once.
    """
    return column.in_(query) if sqlite else column == any_(func.array(query.scalar_subquery()))
