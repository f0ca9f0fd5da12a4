"""Statements compiled once: SQLAlchemy writes the SQL, the driver gets text and plain values.

Building and compiling a statement costs several times what running it does, so each shape is kept with the
converters of its parameters and of its columns.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Select, Table, insert
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.elements import ClauseElement

from opencrm.core.columns import Convert, all_bound, all_read, one_read

T = TypeVar("T")
Parameters: TypeAlias = "tuple[Any, ...] | dict[str, Any]"
_PLACE = re.compile(r"%(?:\((?P<name>[^)]+)\)s|s|%)")


class Prepared:
    """A statement as text, with the converters of what goes in and what comes out."""

    def __init__(self, statement: Any, dialect: Dialect, schema: str | None) -> None:
        options = {"schema_translate_map": {None: schema}, "render_schema_translate": True} if schema else {}
        compiled = statement.compile(dialect=dialect, **options)
        self.sql = str(compiled)
        self._named = compiled.positiontup is None
        params = compiled.params
        names = params if compiled.positiontup is None else compiled.positiontup
        self._order = tuple(names)
        self._plan = [(name, params[name], _bind(compiled.binds[name].type, dialect)) for name in names]
        columns = statement.selected_columns if isinstance(statement, Select) else _columns_of(statement)
        self.names: tuple[str, ...] = tuple(str(column.key) for column in columns)
        kinds = [column.type.dialect_impl(dialect) for column in columns]
        self._results = [all_read(kind, dialect) for kind in kinds]
        reads = [(at, one_read(kind, dialect)) for at, kind in enumerate(kinds)]
        self._reads = [(at, read) for at, read in reads if read is not None]

    def parameters(self, values: Mapping[str, Any]) -> Parameters:
        """Return the driver's parameters for the named values."""
        given = [
            convert(values.get(name, default)) if convert else values.get(name, default)
            for name, default, convert in self._plan
        ]
        return dict(zip(self._order, given, strict=True)) if self._named else tuple(given)

    def read(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """Return the driver's rows with typed values; converted by column, which costs half of going by row."""
        if not self._reads or not rows:
            return rows
        if len(rows) == 1:
            return [self._read_one(rows[0])]
        return list(zip(*self.columns(rows), strict=True))

    def _read_one(self, row: Sequence[Any]) -> Sequence[Any]:
        values = list(row)
        for at, read in self._reads:
            if values[at] is not None:
                values[at] = read(values[at])
        return tuple(values)

    def columns(self, rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
        """Return the driver's rows as columns of typed values."""
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(self._results)
        return [convert(each) if convert else each for convert, each in zip(self._results, columns, strict=True)]


class Writer:
    """An INSERT of all columns of a table, as text; rows become tuples in the order of the columns."""

    def __init__(self, table: Table, dialect: Dialect, schema: str | None) -> None:
        prepared = Prepared(insert(table), _positional(dialect), schema)
        self.sql = prepared.sql
        self.table = dialect.identifier_preparer.quote(table.name)
        self.target = f"{dialect.identifier_preparer.quote(schema)}.{self.table}" if schema else self.table
        self.columns = [it.name for it in table.columns]
        """The columns' names, in order."""
        self._columns = [(it.name, all_bound(it.type.dialect_impl(dialect), dialect)) for it in table.columns]
        binds = [_bind(it.type, dialect) for it in table.columns]
        self._binds = [(at, convert) for at, convert in enumerate(binds) if convert is not None]

    def of_rows(self, number: int) -> str:
        """Return the INSERT of so many rows."""
        begin, values, one = self.sql.partition(" VALUES ")
        return begin + values + ", ".join([one] * number)

    def row(self, record: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return one record as the driver takes it."""
        values = list(map(record.get, self.columns))
        for at, convert in self._binds:
            values[at] = convert(values[at])
        return tuple(values)

    def rows(self, records: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
        """Return records as the driver takes them; what a record does not name is NULL."""
        kept = list(records)
        if len(kept) == 1:
            return [self.row(kept[0])]
        columns: list[Sequence[Any]] = []
        for name, convert in self._columns:
            values = _column(kept, name)
            columns.append(convert(values) if convert else values)
        return list(zip(*columns, strict=True))


class Numbered:
    """A statement with PostgreSQL's own placeholders: psycopg reads its own anew at each call, where they are many."""

    def __init__(self, sql: str) -> None:
        places: dict[str, int] = {}

        def number(found: re.Match[str]) -> str:
            if found[0] == "%%":
                return "%"
            name = found["name"] or f"at {len(places)}"
            return f"${places.setdefault(name, len(places) + 1)}"

        self.sql = _PLACE.sub(number, sql)
        self._names = tuple(places)

    def parameters(self, given: Parameters) -> tuple[Any, ...]:
        """Return parameters in the order of the placeholders."""
        return tuple([given[name] for name in self._names]) if isinstance(given, dict) else given


class Statements:
    """The kept statements of one database and schema; safe across threads."""

    def __init__(self, dialect: Dialect, schema: str | None, most: int = 2000) -> None:
        self.dialect = dialect
        self.schema = schema
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Prepared] = OrderedDict()
        self._writers: dict[Table, Writer] = {}
        self._together: dict[tuple[tuple[tuple[Table, int], ...], str | None], str] = {}
        self._numbered: OrderedDict[str, Numbered] = OrderedDict()

    def prepare(self, shape: Hashable, build: Callable[[], Executable | ClauseElement]) -> Prepared:
        """Return the statement of this shape, built at its first use."""
        found = self._kept.get(shape)
        if found is None:
            found = Prepared(build(), self.dialect, self.schema)
            with self._lock:
                self._kept[shape] = found
                if len(self._kept) > self._most:
                    self._kept.popitem(last=False)
        return found

    def writer(self, table: Table) -> Writer:
        """Return the table's INSERT."""
        found = self._writers.get(table)
        if found is None:
            found = self._writers[table] = Writer(table, self.dialect, self.schema)
        return found

    def numbered(self, sql: str) -> Numbered:
        """Return a statement with PostgreSQL's own placeholders."""
        found = self._numbered.get(sql)
        if found is None:
            found = Numbered(sql)
            with self._lock:
                self._numbered[sql] = found
                if len(self._numbered) > self._most:
                    self._numbered.popitem(last=False)
        return found

    def together(self, shape: tuple[tuple[Table, int], ...], query: str | None = None) -> str:
        """Return the INSERTs of so many rows into each of several tables as one statement, for PostgreSQL.

        Args:
            shape: The tables, and how many rows of each.
            query: A query without parameters that is its last part.
        """
        found = self._together.get((shape, query))
        if found is None:
            inserts = [self.writer(table).of_rows(number) for table, number in shape]
            *first, last = [*inserts, query] if query else inserts
            parts = ", ".join(f"part{at} AS ({sql})" for at, sql in enumerate(first))
            found = self._together[shape, query] = f"WITH {parts} {last}"
        return found


def padded(values: Sequence[T]) -> list[T]:
    """Return values with the last one repeated up to a power of two, so that an IN has few shapes to compile.

    More than 4,096 stay as they are: SQLite takes 32,766 parameters.
    """
    size = len(values) if len(values) > 4096 else 1 << max(len(values) - 1, 0).bit_length()
    return [*values, *(values[-1] for _ in range(size - len(values)))]


def _column(records: Sequence[Mapping[str, Any]], name: str) -> Sequence[Any]:
    """Return what records hold under a name; without a call for each, where all of them hold it."""
    try:
        return list(map(itemgetter(name), records))
    except KeyError:
        return [record.get(name) for record in records]


def _positional(dialect: Dialect) -> Dialect:
    """Return a dialect of the same kind whose parameters go by position."""
    return dialect if dialect.positional else type(dialect)(paramstyle="format")  # type: ignore[call-arg]  # of every dialect


def _columns_of(statement: Any) -> Sequence[Any]:
    if hasattr(statement, "selected_columns"):
        return tuple(statement.selected_columns)
    return tuple(getattr(statement, "_returning", ()))


def _bind(kind: Any, dialect: Dialect) -> Convert:
    found: Convert = kind.dialect_impl(dialect).bind_processor(dialect)
    return found
