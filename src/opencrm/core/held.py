"""How a custom field's value stands within the JSON column of its record, and how SQL takes it out again.

A value is packed so that databases compare and sort it as they would a column of its own: exact numbers as integers,
days and instants as texts of one width, text beside its folded key.
"""

from __future__ import annotations

from collections.abc import Callable
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
    for kind, (make, pack) in _KINDS.items():
        if isinstance(column, kind):
            return Held(slot, make(), pack)
    return Held(slot, columns.key_column(_LONGEST), _same)


def patched(column: ColumnElement[Any], patch: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a JSON column with the slots of a patch: null takes a slot away, and other slots stay as they are."""
    return _Patched(column, patch)


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
        return f"({text})::BIGINT"
    return f"({text})::BOOLEAN" if isinstance(element.type, columns.BooleanColumn) else f'({text} COLLATE "C")'


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

_KINDS: dict[type[TypeEngine[Any]], tuple[Callable[[], TypeEngine[Any]], Pack]] = {
    columns.InstantColumn: (_InstantText, columns.instant_text),
    columns.DateColumn: (_DayText, columns.date_text),
    columns.AmountColumn: (columns.AmountColumn, columns.scaled),
    columns.BooleanColumn: (columns.BooleanColumn, _same),
    columns.JsonColumn: (columns.JsonColumn, _same),
    Integer: (BigInteger, _same),
}
