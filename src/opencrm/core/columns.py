"""How typed values stand in a database: the same on SQLite and PostgreSQL, in order and in equality."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

import orjson
from sqlalchemy import String
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeEngine, UserDefinedType

SCALE = 4
"""Decimal places that an amount keeps; no currency of ISO 4217 has more."""

Convert: TypeAlias = Callable[[Any], Any] | None


class _Column(UserDefinedType[Any]):
    """A column type without parameters, named by each database in its own way."""

    cache_ok = True
    sqlite = "TEXT"
    postgresql = "TEXT"

    def get_col_spec(self, **_: Any) -> str:
        return self.sqlite


@compiles(_Column, "postgresql")
def _postgresql_name(column: _Column, _compiler: Any, **_: Any) -> str:
    return column.postgresql


class IdColumn(_Column):
    """An id, as text in Python and in SQLite, as a UUID in PostgreSQL."""

    postgresql = "UUID"

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert:
        return None if dialect.name == "sqlite" else _id_text


class InstantColumn(_Column):
    """An aware instant in UTC; in SQLite as ISO 8601 text of one width, which sorts by time."""

    postgresql = "TIMESTAMP WITH TIME ZONE"

    def bind_processor(self, dialect: Dialect) -> Convert:
        return _instant_text if dialect.name == "sqlite" else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert:
        return _instant_read if dialect.name == "sqlite" else _instant_utc


class DateColumn(_Column):
    """A calendar date."""

    postgresql = "DATE"

    def bind_processor(self, dialect: Dialect) -> Convert:
        return _date_text if dialect.name == "sqlite" else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert:
        return _date_read if dialect.name == "sqlite" else None


class AmountColumn(_Column):
    """An exact decimal of four places, as an integer of ten-thousandths: sums and order are exact everywhere."""

    sqlite = "BIGINT"
    postgresql = "BIGINT"

    def bind_processor(self, dialect: Dialect) -> Convert:
        return _amount_bind

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert:
        return _amount_read


class BooleanColumn(_Column):
    """Yes or no."""

    sqlite = "BOOLEAN"
    postgresql = "BOOLEAN"

    def bind_processor(self, dialect: Dialect) -> Convert:
        return _int_or_none if dialect.name == "sqlite" else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert:
        return _bool_or_none if dialect.name == "sqlite" else None


class JsonColumn(_Column):
    """A JSON object or array."""

    postgresql = "JSONB"

    def bind_processor(self, dialect: Dialect) -> Convert:
        return _json_text

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert:
        return _json_read


def key_column(length: int) -> TypeEngine[str]:
    """Return a text type that compares by code point on both databases."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def _id_text(value: Any) -> Any:
    return value if value is None or type(value) is str else str(value)


def _instant_text(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")


def _instant_read(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _instant_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


def _date_text(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def _date_read(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)


def _amount_bind(value: Decimal | None) -> int | None:
    return None if value is None else int(value.scaleb(SCALE))


def _amount_read(value: Any) -> Decimal | None:
    return None if value is None else Decimal(int(value)).scaleb(-SCALE)


def _int_or_none(value: Any) -> int | None:
    return None if value is None else int(value)


def _bool_or_none(value: Any) -> bool | None:
    return None if value is None else bool(value)


def _json_text(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _json_read(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value
