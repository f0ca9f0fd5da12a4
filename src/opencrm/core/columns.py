"""How typed values stand in a database: the same on SQLite and PostgreSQL, in order and in equality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

import orjson
from sqlalchemy import ColumnElement, String
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import TypeEngine, UserDefinedType

SCALE = 4
"""Decimal places that an amount keeps; no currency of ISO 4217 has more."""

Convert: TypeAlias = Callable[[Any], Any] | None
ConvertAll: TypeAlias = Callable[[Sequence[Any]], Sequence[Any]] | None


class _Column(UserDefinedType[Any]):
    """A column type without parameters, named by each database in its own way."""

    sqlite = "TEXT"
    postgresql = "TEXT"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.cache_ok = True  # SQLAlchemy looks for it in each class by itself.

    def get_col_spec(self, **_: Any) -> str:
        return self.sqlite

    def reader(self, dialect: Dialect) -> Convert:
        """Return what makes a typed value of a driver's, which is not None."""
        return None

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert:
        read = self.reader(dialect)
        return None if read is None else lambda value: None if value is None else read(value)


@compiles(_Column, "postgresql")
def _postgresql_name(column: _Column, _compiler: Any, **_: Any) -> str:
    return column.postgresql


class IdColumn(_Column):
    """An id, as text in Python and in SQLite, as a UUID in PostgreSQL."""

    postgresql = "UUID"

    def reader(self, dialect: Dialect) -> Convert:
        return None if dialect.name == "sqlite" else str


class InstantColumn(_Column):
    """An aware instant in UTC; in SQLite as ISO 8601 text of one width, which sorts by time.

    Attributes:
        as_text: Whether it stands as text on every database.
    """

    postgresql = "TIMESTAMP WITH TIME ZONE"
    as_text = False

    def bind_processor(self, dialect: Dialect) -> Convert:
        return instant_text if self.as_text or dialect.name == "sqlite" else None

    def reader(self, dialect: Dialect) -> Convert:
        return datetime.fromisoformat if self.as_text or dialect.name == "sqlite" else _instant_utc


class DateColumn(_Column):
    """A calendar date; in SQLite as text.

    Attributes:
        as_text: Whether it stands as text on every database.
    """

    postgresql = "DATE"
    as_text = False

    def bind_processor(self, dialect: Dialect) -> Convert:
        return date_text if self.as_text or dialect.name == "sqlite" else None

    def reader(self, dialect: Dialect) -> Convert:
        return date.fromisoformat if self.as_text or dialect.name == "sqlite" else None


class AmountColumn(_Column):
    """An exact decimal of four places, as an integer of ten-thousandths: sums and order are exact everywhere."""

    sqlite = "BIGINT"
    postgresql = "BIGINT"

    def bind_processor(self, dialect: Dialect) -> Convert:
        return scaled

    def reader(self, dialect: Dialect) -> Convert:
        return _amount_read


class BooleanColumn(_Column):
    """Yes or no."""

    sqlite = "BOOLEAN"
    postgresql = "BOOLEAN"

    def bind_processor(self, dialect: Dialect) -> Convert:
        return _int_or_none if dialect.name == "sqlite" else None

    def reader(self, dialect: Dialect) -> Convert:
        return bool if dialect.name == "sqlite" else None


class JsonColumn(_Column):
    """A JSON object or array."""

    postgresql = "JSONB"

    def bind_processor(self, dialect: Dialect) -> Convert:
        return _json_text

    def reader(self, dialect: Dialect) -> Convert:
        return _json_read


class ListColumn(JsonColumn):
    """A JSON array, as a tuple in Python."""

    def reader(self, dialect: Dialect) -> Convert:
        return _tuple_read


def by_code_point(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a text column as it sorts on SQLite: by its characters' numbers, whatever the database's habits are."""
    return _ByCodePoint(column)


class _ByCodePoint(FunctionElement[Any]):
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(_ByCodePoint)
def _by_code_point(element: _ByCodePoint, compiler: Any, **given: Any) -> str:
    return str(compiler.process(element.clauses, **given))


@compiles(_ByCodePoint, "postgresql")
def _by_code_point_postgresql(element: _ByCodePoint, compiler: Any, **given: Any) -> str:
    return f'({compiler.process(element.clauses, **given)} COLLATE "C")'


def all_read(kind: TypeEngine[Any], dialect: Dialect) -> ConvertAll:
    """Return what makes typed values of a driver's for a whole column; None where the driver's are typed already."""
    read = one_read(kind, dialect)
    if read is None:
        return None
    if read is str:
        return _texts
    return lambda values: [None if value is None else read(value) for value in values]


def one_read(kind: TypeEngine[Any], dialect: Dialect) -> Convert:
    """Return what makes a typed value of a driver's that is not None; None where the driver's is typed already."""
    return kind.reader(dialect) if isinstance(kind, _Column) else kind.result_processor(dialect, None)


def all_bound(kind: TypeEngine[Any], dialect: Dialect) -> ConvertAll:
    """Return what makes a driver's values of typed ones for a whole column; None where it takes the typed ones."""
    convert = kind.bind_processor(dialect)
    if convert is None:
        return None

    def bound(values: Sequence[Any]) -> Sequence[Any]:
        if len(set(map(id, values))) == 1:  # One instant for all rows, or nothing in any of them.
            return [convert(values[0])] * len(values)
        return [convert(value) for value in values]

    return bound


def _texts(values: Sequence[Any]) -> Sequence[Any]:
    if set(map(type, values)) <= {str, type(None)}:
        return values
    return [None if value is None else str(value) for value in values]


def key_column(length: int) -> TypeEngine[str]:
    """Return a text type that compares by code point on both databases."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def instant_text(value: datetime | None) -> str | None:
    """Return an instant as ISO 8601 text of one width, in UTC."""
    if value is None:
        return None
    return (value if value.tzinfo is UTC else value.astimezone(UTC)).isoformat(timespec="microseconds")


def _instant_utc(value: datetime) -> datetime:
    return value if value.tzinfo is UTC else value.astimezone(UTC)


def date_text(value: date | None) -> str | None:
    """Return a day as ISO 8601 text."""
    return None if value is None else value.isoformat()


def scaled(value: Decimal | None) -> int | None:
    """Return an exact number in ten-thousandths."""
    return None if value is None else int(value.scaleb(SCALE))


def _amount_read(value: Any) -> Decimal:
    return tidy(int(value))


def tidy(scaled: int) -> Decimal:
    """Return an amount of ten-thousandths with two decimal places, or with four if it needs them."""
    hundredths, rest = divmod(scaled, 100)
    return Decimal(scaled).scaleb(-SCALE) if rest else Decimal(hundredths).scaleb(-2)


def _int_or_none(value: Any) -> int | None:
    return None if value is None else int(value)


def _json_text(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _json_read(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value


def _tuple_read(value: Any) -> tuple[Any, ...]:
    return tuple(_json_read(value))
