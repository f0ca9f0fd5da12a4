"""Aggregates that give the same on both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, String, case, func, literal_column
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import UserDefinedType

from opencrm.core.columns import AmountColumn, tidy
from opencrm.core.counters import BITS

Make: TypeAlias = Callable[[int], Any]


def exact_sum(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the sum of a column of whole numbers or amounts, as the type of the column.

    On SQLite a sum of integers beyond 64 bits is an error, so their halves are added up.
    """
    return _Sum(column, tidy if isinstance(column.type, AmountColumn) else int)


def summed_halves(valued: ColumnElement[Any], high: ColumnElement[Any], low: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the sum of amounts that stand in two halves (see `core.counters`); nothing where none has a value."""
    return case((func.sum(valued) > literal_column("0"), _Halves(high, low)))


def first_text(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the first of some texts, by code point."""
    return _First(column)


class _First(FunctionElement[Any]):
    name = "first_text"
    inherit_cache = True
    type = String()


class _Sum(FunctionElement[Any]):
    name = "exact_sum"
    inherit_cache = False

    def __init__(self, column: ColumnElement[Any], make: Make) -> None:
        super().__init__(column)
        self.type = _Total(make)


class _Total(UserDefinedType[Any]):
    cache_ok = True

    def __init__(self, make: Make) -> None:
        self.make = make

    def get_col_spec(self, **_: Any) -> str:
        return "NUMERIC"

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return lambda value: None if value is None else self.make(_whole(value))


class _Halves(FunctionElement[Any]):
    name = "summed_halves"
    inherit_cache = True
    type = _Total(tidy)


def _whole(value: Any) -> int:
    if not isinstance(value, str):
        return int(value)
    high, halves, low = value.partition(" ")
    return (int(high) << BITS) + int(low) if halves else int(high)


@compiles(_Sum)
def _sum(element: _Sum, compiler: Any, **given: Any) -> str:
    column = compiler.process(element.clauses, **given)
    return f"sum(({column}) >> {BITS}) || ' ' || sum(({column}) & {(1 << BITS) - 1})"


@compiles(_Sum, "postgresql")
def _sum_postgresql(element: _Sum, compiler: Any, **given: Any) -> str:
    return f"sum({compiler.process(element.clauses, **given)})"


@compiles(_Halves)
def _halves(element: _Halves, compiler: Any, **given: Any) -> str:
    """Put the halves together where that fits into 64 bits; SQLite would make a rounded number of a larger one."""
    high, low = (f"sum({compiler.process(each, **given)})" for each in element.clauses)
    fits = f"abs({high}) < {1 << 62 - BITS}"
    return f"CASE WHEN {fits} THEN {high} * {1 << BITS} + {low} ELSE {high} || ' ' || {low} END"


@compiles(_Halves, "postgresql")
def _halves_postgresql(element: _Halves, compiler: Any, **given: Any) -> str:
    high, low = (compiler.process(each, **given) for each in element.clauses)
    return f"(sum({high}) * {1 << BITS} + sum({low}))::TEXT"


@compiles(_First)
def _first(element: _First, compiler: Any, **given: Any) -> str:
    return f"min({compiler.process(element.clauses, **given)})"


@compiles(_First, "postgresql")
def _first_postgresql(element: _First, compiler: Any, **given: Any) -> str:
    return f'min({compiler.process(element.clauses, **given)} COLLATE "C")'
