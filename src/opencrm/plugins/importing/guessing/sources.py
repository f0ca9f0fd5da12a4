"""How a column's cells become the values of a field: what a map must say beside the column's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opencrm import Amount, Currency, Day, Instant, Number, Text, Whole, YesNo
from opencrm.embed import FieldType
from opencrm.plugins.importing.guessing.matching import currency_of
from opencrm.plugins.importing.guessing.profiling import Column
from opencrm.plugins.importing.guessing.values import phones_in

_NUMBERS = ("number", "money")


def source_of(column: Column, kind: FieldType[Any] | None) -> Any:
    """Return a column as the source of a field: its header, or a table that says how it is written."""
    told = dict(_told(column, kind))
    return {"column": column.header, **told} if told else column.header


def phone_of(column: Column) -> Any:
    """Return a column of phone numbers; of digits that lack but the plus of international ones, with it."""
    phones = phones_in(column.counts)
    plain = phones is None or not phones.plus or any(mark in column.header for mark in "{}")
    return column.header if plain else {"template": f"+{{{column.header}}}"}


def _told(column: Column, kind: FieldType[Any] | None) -> Mapping[str, Any]:
    found = column.found
    if isinstance(kind, Currency):
        codes = {value: currency_of(value) for value in column.counts}
        told = {value: code for value, code in codes.items() if code is not None and code != value.upper()}
        return {"translate": told} if told else {}
    if isinstance(kind, Day | Instant):
        return {"format": found.dates.format} if found.dates is not None and found.dates.format else {}
    if isinstance(kind, YesNo):
        return {"translate": dict(found.answers)} if found.answers else {}
    if isinstance(kind, Number | Amount | Whole) and found.kind in _NUMBERS:
        without = {"without": list(found.units)} if found.units else {}
        decimal = "," if isinstance(kind, Whole) and found.unsettled == "." else found.decimal
        return without | ({"decimal": decimal} if decimal else {})
    return {"translate": dict(found.same)} if isinstance(kind, Text) and found.same else {}


def custom_source(column: Column) -> Any:
    """Return a column as the source of a custom field of the kind that it seems to be."""
    found = column.found
    told: dict[str, Any] = {}
    if found.kind == "yes_no" and found.answers:
        told["translate"] = dict(found.answers)
    if found.kind in ("choice", "choices") and found.same:
        told["translate"] = dict(found.same)
    if found.kind in _NUMBERS:
        told |= _told(column, Number())
    if found.dates is not None and found.dates.format:
        told["format"] = found.dates.format
    return {"column": column.header, **told} if told else column.header
