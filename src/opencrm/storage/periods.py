"""Days and months of instants and dates: as far as SQL goes on both databases, and the rest in Python.

PostgreSQL knows time zones. SQLite does not: there an instant is cut to its day or month in UTC, and those few hours
that may belong to the day before or after in the zone are kept apart, for Python to tell.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, String, Text, bindparam, case, cast, func, literal_column, or_
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import UserDefinedType

from opencrm.core.columns import InstantColumn

Cut: TypeAlias = Literal["day", "month"]
_LENGTH = {"day": 10, "month": 7}
_HOUR, _MINUTE = 13, 16
_YEARS = (1970, 2100)


def cut(column: ColumnElement[Any], to: Cut, zone: str) -> ColumnElement[Any]:
    """Return the expression of an instant's or a date's day or month, to be read by `day_of`.

    Args:
        column: An instant or a date.
        to: How fine.
        zone: IANA name of the zone in which an instant's day begins.
    """
    return _Cut(column, to, zone)


def month(column: ColumnElement[Any], zone: str) -> ColumnElement[Any]:
    """Return the expression of an instant's month, as text on both databases, to be read by `day_of`."""
    return _Month(column, "month", zone)


def day_of(text: str, zone: str) -> date:
    """Return a day within the day or month that `cut` gave, in the zone."""
    if len(text) <= _LENGTH["day"]:
        return date.fromisoformat(text if len(text) == _LENGTH["day"] else f"{text}-01")
    at = datetime.fromisoformat(text if len(text) == _MINUTE else f"{text}:00").replace(tzinfo=UTC)
    return at.astimezone(ZoneInfo(zone)).date()


class _Cut(FunctionElement[Any]):
    name = "cut"
    inherit_cache = False

    def __init__(self, column: ColumnElement[Any], to: Cut, zone: str) -> None:
        super().__init__(column)
        self.column = column
        self.to = to
        self.zone = zone
        self.type = _DayText()

    def of_text(self) -> ColumnElement[Any]:
        """Return the expression over ISO 8601 text."""
        text, cut_off = self.column, _LENGTH[self.to]
        plain = _part(text, 1, cut_off)
        if not isinstance(text.type, InstantColumn):
            return plain
        late, early, fine = _doubtful(self.zone)
        hour, day = _part(text, 12, 2), _part(text, 9, 2)
        tests = []
        if late is not None:
            tests.append((hour >= f"{late:02}") & (day >= "28") if self.to == "month" else hour >= f"{late:02}")
        if early is not None:
            tests.append((hour < f"{early:02}") & (day == "01") if self.to == "month" else hour < f"{early:02}")
        return case((or_(*tests), _part(text, 1, fine)), else_=plain) if tests else plain


class _Month(_Cut):
    name = "month"
    inherit_cache = False


class _DayText(UserDefinedType[Any]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "TEXT"

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return lambda value: value.isoformat() if isinstance(value, date) else value


@compiles(_Cut)
def _cut(element: _Cut, compiler: Any, **given: Any) -> str:
    return str(compiler.process(element.of_text(), **given))


@compiles(_Cut, "postgresql")
def _cut_postgresql(element: _Cut, compiler: Any, **given: Any) -> str:
    if getattr(element.column.type, "as_text", False):
        return str(compiler.process(element.of_text(), **given))
    column: Any = element.column
    if isinstance(column.type, InstantColumn):
        column = func.timezone(cast(bindparam(None, element.zone, String()), Text()), column)
    return str(compiler.process(cast(func.date_trunc(literal_column(f"'{element.to}'"), column), Date()), **given))


@compiles(_Month, "postgresql")
def _month_postgresql(element: _Month, compiler: Any, **given: Any) -> str:
    month = _cut_postgresql(element, compiler, **given)
    return month if getattr(element.column.type, "as_text", False) else f"to_char({month}, 'YYYY-MM')"


def _part(text: ColumnElement[Any], start: int, length: int) -> ColumnElement[Any]:
    return func.substr(text, start, length, type_=String())


@lru_cache(maxsize=100)
def _doubtful(zone: str) -> tuple[int | None, int | None, int]:
    """Return the hour of UTC from which on a day may be the next one in the zone, the hour until which it may be the
    one before, and the length of text that tells the two apart."""
    offsets = _offsets(zone)
    east, west = max(offsets), min(offsets)
    late = None if east <= 0 else 24 - -(-east // 60)
    early = None if west >= 0 else -(west // 60)
    return late, early, _HOUR if all(each % 60 == 0 for each in offsets) else _MINUTE


def _offsets(zone: str) -> set[int]:
    """Return the zone's offsets from UTC in minutes, those of summer included."""
    info, at = ZoneInfo(zone), datetime(_YEARS[0], 1, 1, tzinfo=UTC)
    found = set()
    while at.year < _YEARS[1]:
        found.add(int((at.astimezone(info).utcoffset() or timedelta()).total_seconds()) // 60)
        at += timedelta(days=7)
    return found
