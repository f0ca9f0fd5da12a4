"""Rows that are inserted, or changed where one of the same key stands: each database says it in its own words."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Table, bindparam
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect


def upsert(
    table: Table,
    names: Collection[str],
    key: Collection[str],
    anew: Mapping[str, Any] | None = None,
    *,
    sqlite: bool,
) -> Any:
    """Return an INSERT whose parameters are called as the columns, and that never meets a row of the same key.

    Args:
        table: The table.
        names: The columns that are given.
        key: Those that tell rows apart; they carry a unique constraint.
        anew: What a row that stands there is changed to; by default what is given. Where that is nothing but the key
            the row stays as it is.
        sqlite: Whether it is for SQLite, not PostgreSQL.
    """
    given = {name: bindparam(name, type_=table.c[name].type) for name in names}
    dialect: Any = sqlite_dialect if sqlite else postgresql
    statement = dialect.insert(table).values(given)
    changed = {name: statement.excluded[name] for name in names if name not in key} if anew is None else anew
    if not changed:
        return statement.on_conflict_do_nothing()
    return statement.on_conflict_do_update(index_elements=list(key), set_=changed)
