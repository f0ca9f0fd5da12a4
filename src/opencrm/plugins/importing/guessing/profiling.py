"""A file's columns, looked at one by one: how full, how different, of which kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

import attrs

from opencrm.embed import fold
from opencrm.plugins.importing.files.reading import Row
from opencrm.plugins.importing.guessing.dates import settled
from opencrm.plugins.importing.guessing.values import Found, found_in
from opencrm.plugins.importing.guessing.words import plain, words

MOST_ROWS = 20_000
"""Rows that are looked at; what follows is taken to be like them."""

_LONGEST = 600


@attrs.frozen(kw_only=True)
class Column:
    """What is known of a column.

    Attributes:
        at: Its position, from 0.
        header: Its header.
        rows: How many rows were looked at.
        counts: How often each value stands there, without blanks and what stands for them.
        blanks: What stands for nothing, with how often; the empty text among them.
        found: What its values are.
    """

    at: int
    header: str
    rows: int
    counts: Mapping[str, int]
    blanks: Mapping[str, int]
    found: Found

    @property
    def filled(self) -> int:
        """How many rows have a value."""
        return sum(self.counts.values())

    @property
    def unique(self) -> bool:
        """Whether every row has a value, and no two the same."""
        return self.rows > 0 and len(self.counts) == self.rows

    @property
    def placeholders(self) -> tuple[str, ...]:
        """What stands for nothing and is not empty."""
        return tuple(each for each in self.blanks if each)


def profiles(header: Sequence[str], rows: Iterable[Row]) -> list[Column]:
    """Return what the columns hold, going by the first rows; rows of a wrong shape do not count."""
    counters: list[Counter[str]] = [Counter() for _ in header]
    number = 0
    for row in islice(rows, MOST_ROWS):
        if row.fault is not None or len(row.cells) != len(header):
            continue
        number += 1
        for counter, cell in zip(counters, row.cells, strict=True):
            counter[cell.strip()[:_LONGEST]] += 1
    columns = [_column(at, header[at], number, counter) for at, counter in enumerate(counters)]
    return [_settled(column, columns) for column in columns]


def _column(at: int, header: str, rows: int, counter: Counter[str]) -> Column:
    blanks = {value: number for value, number in counter.items() if not value or fold(value) in words().blanks}
    counts = {value: number for value, number in counter.items() if value not in blanks}
    found = found_in(counts)
    if found.kind in ("choice", "choices") and plain(header).split()[-1:] == ["id"]:
        found = Found(kind="text")  # Somebody else's keys: new ones come with every file.
    return Column(at=at, header=header, rows=rows, counts=counts, blanks=blanks, found=found)


def _settled(column: Column, columns: Sequence[Column]) -> Column:
    """Decide a doubt about day and month, or about thousands and decimals, by the other columns of the file."""
    others = [each.found for each in columns if each is not column]
    found = column.found
    if found.dates is not None and found.dates.doubt:
        dates = settled(found.dates, [each.dates for each in others if each.dates is not None])
        return attrs.evolve(column, found=attrs.evolve(found, dates=dates))
    points = {each.point for each in others if each.point}
    if found.unsettled and len(points) == 1:
        point = points.pop()
        told = attrs.evolve(found, unsettled="", point=point, whole=point != found.unsettled)
        return attrs.evolve(column, found=attrs.evolve(told, decimal="," if point == "," else found.decimal))
    return column
