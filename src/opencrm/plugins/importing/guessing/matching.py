"""Which column is which field: by what it is called, and by what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import TypeAlias

import attrs

from opencrm import Currency, Day, Email, Instant, Link, Number, Reference, Text, Whole, YesNo
from opencrm.embed import FieldType, Spec, fold
from opencrm.plugins.importing.guessing.naming import Names
from opencrm.plugins.importing.guessing.profiling import Column
from opencrm.plugins.importing.guessing.values import Found, emails_in, phones_in
from opencrm.plugins.importing.guessing.words import plain, words

Place: TypeAlias = tuple[str, str]
"""A group and a field: `("deal", "title")`, `("any", "key")`, `("points", "phone")`."""

LEAST = 0.5
"""The confidence below which a guess is not made."""

_SEVERAL = "points"
_NAMES = ("name", "title", "key")
"""What a record is called by: a blank column is none of them."""

_IN: Mapping[str, Callable[[Mapping[str, int]], Found | None]] = {"phone": phones_in, "email": emails_in}
"""What finds the values of columns that are called so."""

_KINDS: tuple[tuple[type | tuple[type, ...], tuple[str, ...]], ...] = (
    ((Number, Whole), ("number", "money")),
    ((Day, Instant), ("date", "datetime")),
    (YesNo, ("yes_no",)),
    (Link, ("link",)),
    (Email, ("email",)),
)
"""The kinds of values that types of fields take."""


@attrs.frozen
class Match:
    """A guess.

    Attributes:
        column: The column.
        place: What it is.
        confidence: From 0 to 1.
        why: A few words for the person who reads it.
        odd: Values that the field cannot take.
    """

    column: Column
    place: Place
    confidence: float
    why: str
    odd: tuple[str, ...] = ()


def matched(columns: Sequence[Column], places: Mapping[Place, FieldType[object] | None], own: str) -> dict[int, Match]:
    """Return the best guess for each column, by its position; a field is given to one column, contact points to many.

    Args:
        columns: The file's columns.
        places: What there is, with the type of its values where it matters.
        own: The entity that each row is: a column called `Name` is its name, and of no record beside it.
    """
    names = Names.of([plain(column.header) for column in columns], own)
    wishes = sorted(
        (match for column in columns for match in _matches(column, places, names)),
        key=lambda match: (-match.confidence, match.column.at),
    )
    found: dict[int, Match] = {}
    taken: set[Place] = set()
    for match in wishes:
        if match.column.at in found or match.place in taken or match.confidence < LEAST:
            continue
        found[match.column.at] = match
        if match.place[0] != _SEVERAL:
            taken.add(match.place)
    return found


def places_of(specs: Iterable[tuple[str, Spec]]) -> dict[Place, FieldType[object] | None]:
    """Return the fields of entities that a file may set, by group and name."""
    return {
        (group, name): field.type
        for group, spec in specs
        for name, field in spec.fields.items()
        if field.settable and name not in ("id", "created_at", "pipeline", "unit_id")
    }


def called(place: Place, own: str) -> frozenset[str]:
    """Return what a field's column may be called; `name` alone is the row's own, and of no record beside it."""
    group, name = place
    known = words()
    listed = known.points.get(name) if group == _SEVERAL else known.fields.get(group, {}).get(name)
    every = known.fields["any"].get(name, frozenset())
    beside = group in known.fields and group not in (own, "any")
    return (listed or frozenset()) | every | (frozenset() if beside else {plain(name.removesuffix("_id"))})


def _matches(column: Column, places: Mapping[Place, FieldType[object] | None], names: Names) -> Iterator[Match]:
    header = plain(column.header)
    for place, kind in places.items():
        group, name = place
        told = names.told(place, column)
        likeness = told[0] if told else max((_alike(header, word) for word in called(place, names.own)), default=0.0)
        if header and likeness >= LEAST:
            fit, odd = _fit(column, name, kind), _odd(column, name, kind)
            why = told[1] if told else "the header says so" if likeness > 0.9 else "the header is like it"
            yield Match(column, place, likeness * (0.25 + 0.75 * fit), why + _aside(column, fit, odd), odd)
        elif group == _SEVERAL and name == column.found.kind:
            yield Match(column, place, 0.85 * column.found.rate, "the values look like it", column.found.odd)


def _aside(column: Column, fit: float, odd: Sequence[str]) -> str:
    """Return what speaks against a field, but for values that do not fit."""
    kind = column.found.kind
    if kind == "nothing":
        return "; blank here"
    return f", but the values look like {kind.replace('_', ' ')}" if fit < 0.7 and not odd else ""


def _alike(header: str, word: str) -> float:
    """Return how much a header is like a word: the same, one within the other, or but for a letter or two."""
    if header == word:
        return 1.0
    own, other = header.split(), word.split()
    if not own or not other:
        return 0.0
    if set(other) <= set(own) and len(word) > 2:
        aside = 0.2 if own[-1] != other[-1] and (header.isascii() or own[0] != other[0]) else 0.0
        return 0.55 + 0.35 * len(word) / len(header) - aside
    if len(header) > 4 and len(word) > 4 and own[0][0] == other[0][0]:
        ratio = SequenceMatcher(None, header, word).ratio()
        return ratio * 0.85 if ratio >= 0.85 else 0.0
    return 0.0


def _fit(column: Column, name: str, kind: FieldType[object] | None) -> float:
    """Return the share of a column's values that a field may take."""
    found = column.found
    if found.kind == "nothing":
        return 0.0 if name in _NAMES and column.rows else 0.9
    if name == "key":
        return 1.0 if column.unique else 0.0
    if name in _IN:
        known = _IN[name](column.counts)
        return known.rate if known else 0.0
    return _fit_of_type(column, found, kind)


def _fit_of_type(column: Column, found: Found, kind: FieldType[object] | None) -> float:
    if isinstance(kind, Currency):
        return _rate(column, currency_of)
    if isinstance(kind, Text | Reference):
        return _fit_of_text(column, found, kind)
    if isinstance(kind, Whole) and not found.whole and not _digits(found):
        return 0.0
    wanted = next((kinds for types, kinds in _KINDS if isinstance(kind, types)), None)
    fits = wanted is None or found.kind in wanted or (isinstance(kind, Number) and _digits(found))
    return (1.0 if wanted is None else found.rate) if fits else 0.0


def _fit_of_text(column: Column, found: Found, kind: Text | Reference) -> float:
    if found.kind in ("date", "datetime", "email", "yes_no"):
        return 0.2
    if isinstance(kind, Text):
        return _rate(column, lambda value: len(value) <= kind.max) * (0.6 if found.kind in ("number", "money") else 1.0)
    return 1.0


def _odd(column: Column, name: str, kind: FieldType[object] | None) -> tuple[str, ...]:
    """Return the values that a field would refuse."""
    if name in _IN:
        known = _IN[name](column.counts)
        return known.odd if known else ()
    if isinstance(kind, Currency):
        return tuple(value for value in column.counts if currency_of(value) is None)
    if isinstance(kind, Text):
        return tuple(value for value in column.counts if len(value) > kind.max)
    wanted = next((kinds for types, kinds in _KINDS if isinstance(kind, types)), None)
    return column.found.odd if wanted is not None and column.found.kind in wanted else ()


def _digits(found: Found) -> bool:
    """Say whether what was taken for yes and no may be numbers."""
    return found.kind == "yes_no" and not found.answers and found.rate < 1


def _rate(column: Column, fits: Callable[[str], object]) -> float:
    return sum(number for value, number in column.counts.items() if fits(value)) / max(column.filled, 1)


def currency_of(value: str) -> str | None:
    """Return the code of ISO 4217 that a word or a sign means, or None."""
    known = words().currencies.get(fold(value))
    if known is not None:
        return known
    try:
        return Currency().parse(value)
    except ValueError:
        return None
