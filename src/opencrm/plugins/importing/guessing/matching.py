"""Which column is which field: by what it is called, and by what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import TypeAlias

import attrs

from opencrm import Currency, Day, Email, Instant, Link, Number, Reference, Text, Whole, YesNo
from opencrm.embed import FieldType, Spec, fold
from opencrm.plugins.importing.guessing.profiling import Column
from opencrm.plugins.importing.guessing.values import Found, phones_in
from opencrm.plugins.importing.guessing.words import plain, words

Place: TypeAlias = tuple[str, str]
"""A group and a field: `("deal", "title")`, `("any", "key")`, `("points", "phone")`."""

LEAST = 0.5
"""The confidence below which a guess is not made."""

_SEVERAL = "points"
_NAMES = ("name", "title", "key")
"""What a record is called by: a blank column is none of them."""


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
    """

    column: Column
    place: Place
    confidence: float
    why: str


def matched(columns: Sequence[Column], places: Mapping[Place, FieldType[object] | None]) -> dict[int, Match]:
    """Return the best guess for each column, by its position; a field is given to one column, contact points to many.

    Args:
        columns: The file's columns.
        places: What there is, with the type of its values where it matters.
    """
    wishes = sorted(
        (match for column in columns for match in _matches(column, places)),
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


def called(group: str, name: str, label: str = "") -> frozenset[str]:
    """Return what a field's column may be called."""
    known = words()
    own = known.points.get(name) if group == _SEVERAL else known.fields.get(group, {}).get(name)
    every = known.fields["any"].get(name, frozenset())
    return (own or frozenset()) | every | {plain(each) for each in (name.removesuffix("_id"), label) if each}


def _matches(column: Column, places: Mapping[Place, FieldType[object] | None]) -> Iterator[Match]:
    header = plain(column.header)
    for (group, name), kind in places.items():
        likeness = max((_alike(header, word) for word in called(group, name)), default=0.0) if header else 0.0
        if likeness >= LEAST:
            fit = _fit(column, name, kind)
            told = "the header says so" if likeness > 0.9 else "the header is like it"
            blank = column.found.kind == "nothing"
            why = f"{told}; blank here" if blank else f"{told}; {fit:.0%} of the values fit" if fit < 1 else told
            yield Match(column, (group, name), likeness * (0.25 + 0.75 * fit), why)
        elif group == _SEVERAL and name == column.found.kind:
            yield Match(column, (group, name), 0.85 * column.found.rate, "the values look like it")


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
        return 0.0 if name in _NAMES else 0.9
    if name == "key":
        return 1.0 if column.unique else 0.0
    if name == "phone":
        phones = phones_in(column.counts)
        return phones.rate if phones else 0.0
    if name == "email":
        return found.rate if found.kind == "email" else 0.0
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
