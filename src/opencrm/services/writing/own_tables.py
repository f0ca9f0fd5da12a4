"""A plugin's own tables, written in the transaction under way: no other table is within reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, bindparam, delete, select

from opencrm.core.change import Values
from opencrm.errors import PluginError
from opencrm.storage.transactions import Transaction
from opencrm.storage.upserts import upsert


class PluginTables:
    """See `core.ports.OwnTables`."""

    def __init__(self, tx: Transaction, plugin: str, allowed: Iterable[Table], *, writes: bool) -> None:
        self._tx = tx
        self._plugin = plugin
        self._allowed = tuple(allowed)
        self._writes = writes

    def upsert(self, entity: Any, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str]) -> None:
        """Insert rows, or update those whose `key` columns are equal."""
        table = self._own_to_write(entity)
        if rows:
            names = tuple(rows[0])
            self._tx.run(
                ("upsert", table.fullname, names, tuple(key)),
                lambda: upsert(table, names, key, sqlite=self._tx.sqlite),
                _last(rows, key),
            )

    def delete(self, entity: Any, where: Mapping[str, Iterable[Any]]) -> None:
        """Delete the rows whose columns hold one of the given values."""
        self._own_to_write(entity)
        table, given, shape = self._wanted(entity, where)
        if _possible(shape):
            self._tx.run(("delete", table.fullname, shape), lambda: delete(table).where(*_tests(table, shape)), [given])

    def select(self, entity: Any, where: Mapping[str, Iterable[Any]]) -> Sequence[Values]:
        """Return the rows whose columns hold one of the given values."""
        table, given, shape = self._wanted(entity, where)
        if not _possible(shape):
            return []
        return self._tx.query(
            ("select own", table.fullname, shape), lambda: select(table).where(*_tests(table, shape)), given
        )

    def _wanted(
        self, entity: Any, where: Mapping[str, Iterable[Any]]
    ) -> tuple[Table, dict[str, Any], tuple[tuple[str, int], ...]]:
        table = self._own(entity)
        several = {name: list(values) for name, values in where.items()}
        given = {f"{name}_{at}": value for name, values in several.items() for at, value in enumerate(values)}
        return table, given, tuple((name, len(values)) for name, values in several.items())

    def _own_to_write(self, entity: Any) -> Table:
        if not self._writes:
            text = f"plugin {self._plugin!r} may write its tables in a record_ hook only: a check objects, and no more"
            raise PluginError(text, plugin=self._plugin)
        return self._own(entity)

    def _own(self, entity: Any) -> Table:
        table: Table = entity if isinstance(entity, Table) else entity.__table__
        if table not in self._allowed:
            raise PluginError(f"plugin {self._plugin!r} may not touch the table {table.name}", plugin=self._plugin)
        return table


def _possible(shape: Iterable[tuple[str, int]]) -> bool:
    """Say whether a row can meet it: none holds one of no values."""
    return all(size for _, size in shape)


def _tests(table: Table, shape: Iterable[tuple[str, int]]) -> list[Any]:
    return [
        table.c[name].in_([bindparam(f"{name}_{at}", type_=table.c[name].type) for at in range(size)])
        for name, size in shape
    ]


def _last(rows: Sequence[Mapping[str, Any]], key: Sequence[str]) -> list[Mapping[str, Any]]:
    """Keep the last of the rows with one key: a statement may meet a row once."""
    return list({tuple(row[name] for name in key): row for row in rows}.values())
