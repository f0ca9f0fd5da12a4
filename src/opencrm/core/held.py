"""How a custom field's value stands within the JSON column of its record, and how SQL takes it out again.

A value is packed so that databases compare and sort it as they would a column of its own: exact numbers as integers,
days and instants as texts of one width, text beside its folded key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from sqlalchemy import BigInteger, ColumnElement, Integer
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import TypeEngine

from opencrm.core import columns

Pack = Callable[[Any], Any]


@attrs.frozen
class Held:
    """Where in its record's JSON column a value stands.

    Args:
        slot: Its key there.
        type: What an expression that takes it out gives.
        pack: Makes of a typed value what JSON holds.
    """

    slot: str
    type: TypeEngine[Any]
    pack: Pack

    def read_from(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the expression that takes the value out of a JSON column."""
        return _Taken(column, self.slot, self.type)


def held(slot: str, column: TypeEngine[Any]) -> Held:
    """Return how a value that would need such a column of its own stands in a slot."""
    if isinstance(column, columns.JsonColumn):
        return Held(slot, column, _same)
    for kind, (make, pack) in _KINDS.items():
        if isinstance(column, kind):
            return Held(slot, make(), pack)
    return Held(slot, columns.key_column(_LONGEST), _same)


def patched(column: ColumnElement[Any], patch: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a JSON column with the slots of a patch: null takes a slot away, and other slots stay as they are."""
    return _Patched(column, patch)


def built(slots: Mapping[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    """Return a JSON object with the value of an expression in each slot, as `patched` takes it."""
    return _Built(slots)


def packed(value: ColumnElement[Any], kind: TypeEngine[Any]) -> ColumnElement[Any]:
    """Return what JSON holds for an expression of a column's type: days and instants as texts."""
    form = next((form for each, form in _FORMS.items() if isinstance(kind, each)), None)
    return value if form is None or getattr(kind, "as_text", False) else _Told(value, form)


def days(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the number of an expression's day, of which one can be taken from another."""
    return _Days(value)


class _Days(FunctionElement[Any]):
    name = "days"
    inherit_cache = True

    def __init__(self, value: ColumnElement[Any]) -> None:
        super().__init__(value)
        self.type = BigInteger()


class _Told(FunctionElement[Any]):
    name = "told"
    inherit_cache = False

    def __init__(self, value: ColumnElement[Any], form: str) -> None:
        super().__init__(value)
        self.form = form
        self.type = columns.key_column(_LONGEST)


class _Built(FunctionElement[Any]):
    name = "built"
    inherit_cache = False

    def __init__(self, slots: Mapping[str, ColumnElement[Any]]) -> None:
        super().__init__(*slots.values())
        self.slots = tuple(slots)
        self.type = columns.JsonColumn()


class _Taken(FunctionElement[Any]):
    name = "taken"
    inherit_cache = False

    def __init__(self, column: ColumnElement[Any], slot: str, kind: TypeEngine[Any]) -> None:
        super().__init__(column)
        self.slot = slot
        self.type = kind


class _Patched(FunctionElement[Any]):
    name = "patched"
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], patch: ColumnElement[Any]) -> None:
        super().__init__(column, patch)
        self.type = column.type


@compiles(_Taken)
def _taken(element: _Taken, compiler: Any, **given: Any) -> str:
    """Spell the path out: an index is used only by an expression that reads like its own."""
    return f"json_extract({compiler.process(element.clauses, **given)}, '$.\"{element.slot}\"')"


@compiles(_Taken, "postgresql")
def _taken_postgresql(element: _Taken, compiler: Any, **given: Any) -> str:
    column = compiler.process(element.clauses, **given)
    if isinstance(element.type, columns.JsonColumn):
        return f"({column} -> '{element.slot}')"
    text = f"({column} ->> '{element.slot}')"
    if isinstance(element.type, columns.AmountColumn | BigInteger):
        return f"({text}::BIGINT)"
    return f"({text}::BOOLEAN)" if isinstance(element.type, columns.BooleanColumn) else f'({text} COLLATE "C")'


@compiles(_Days)
def _days(element: _Days, compiler: Any, **given: Any) -> str:
    return f"CAST(julianday({compiler.process(element.clauses, **given)}) + 0.5 AS INTEGER)"


@compiles(_Days, "postgresql")
def _days_postgresql(element: _Days, compiler: Any, **given: Any) -> str:
    return f"CAST(CAST({compiler.process(element.clauses, **given)} AS DATE) - DATE '1970-01-01' AS BIGINT)"


@compiles(_Told)
def _told(element: _Told, compiler: Any, **given: Any) -> str:
    return str(compiler.process(element.clauses, **given))


@compiles(_Told, "postgresql")
def _told_postgresql(element: _Told, compiler: Any, **given: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **given)}{element.form})"


@compiles(_Built)
def _built(element: _Built, compiler: Any, **given: Any) -> str:
    return f"json_object({_pairs(element, compiler, given)})"


@compiles(_Built, "postgresql")
def _built_postgresql(element: _Built, compiler: Any, **given: Any) -> str:
    return f"jsonb_build_object({_pairs(element, compiler, given)})"


def _pairs(element: _Built, compiler: Any, given: dict[str, Any]) -> str:
    texts = [compiler.process(each, **given) for each in element.clauses]
    return ", ".join(f"'{slot}', {text}" for slot, text in zip(element.slots, texts, strict=True))


@compiles(_Patched)
def _patched(element: _Patched, compiler: Any, **given: Any) -> str:
    column, patch = (compiler.process(each, **given) for each in element.clauses)
    return f"json_patch(coalesce({column}, '{{}}'), {patch})"


@compiles(_Patched, "postgresql")
def _patched_postgresql(element: _Patched, compiler: Any, **given: Any) -> str:
    column, patch = (compiler.process(each, **given) for each in element.clauses)
    return f"jsonb_strip_nulls(coalesce({column}, '{{}}') || {patch})"


class _InstantText(columns.InstantColumn):
    postgresql = "TEXT"
    as_text = True


class _DayText(columns.DateColumn):
    postgresql = "TEXT"
    as_text = True


def _same(value: Any) -> Any:
    return value


_LONGEST = 20_000
_FORMS: dict[type[TypeEngine[Any]], str] = {
    columns.InstantColumn: """ AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'""",
    columns.DateColumn: ", 'YYYY-MM-DD'",
}
"""How PostgreSQL writes a day and an instant as text."""

_KINDS: dict[type[TypeEngine[Any]], tuple[Callable[[], TypeEngine[Any]], Pack]] = {
    columns.InstantColumn: (_InstantText, columns.instant_text),
    columns.DateColumn: (_DayText, columns.date_text),
    columns.AmountColumn: (columns.AmountColumn, columns.scaled),
    columns.BooleanColumn: (columns.BooleanColumn, _same),
    Integer: (BigInteger, _same),
}
