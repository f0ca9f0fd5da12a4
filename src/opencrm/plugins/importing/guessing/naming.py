"""Headers that a list of words cannot decide: whole names, surnames beside first names, and clients of either sort."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

import attrs

from opencrm.embed import fold
from opencrm.plugins.importing.guessing.profiling import Column
from opencrm.plugins.importing.guessing.words import plain, words

Told = tuple[float, str]
"""How sure it is, and why."""

_NAMES = frozenset(("name", "nom"))
_FIRMS = 0.2
_PEOPLE = 0.6
_PERSON = re.compile(r"[^\W\d]\S*( [^\W\d]\S*){1,3}")


@attrs.frozen
class Names:
    """What the headers of a file tell about names.

    Attributes:
        own: The entity that each row is.
        surnames: Whether `Name` is a surname, since first names stand in a column of their own.
    """

    own: str
    surnames: bool

    @classmethod
    def of(cls, headers: Iterable[str], own: str) -> Names:
        """Return what a file's headers, as plain words, tell."""
        known, all_ = words().fields["contact"], set(headers)
        first, last = known["first_name"] & all_, known["last_name"] & all_
        return cls(own, surnames=bool(first) and not last)

    def told(self, place: tuple[str, str], column: Column) -> Told | None:
        """Return how sure it is that a column is a field of names; None where these rules do not say."""
        header = plain(column.header)
        group, name = place
        if group == "contact" and _both(header):
            return {"name": (1.0, "the header says both names"), "first_name": (0.0, ""), "last_name": (0.0, "")}.get(
                name
            )
        if self.surnames and header in _NAMES and self.own != "company":
            return (1.0, "beside first names") if place == ("contact", "last_name") else (0.0, "")
        if header in words().clients and name == "name" and group in ("contact", "company"):
            return self._client(group, column)
        return None

    def _client(self, group: str, column: Column) -> Told:
        """Return whether a client is a person or a company: as the rows are, or as the values look."""
        if self.own in ("contact", "company"):
            return (1.0, "the header says so") if self.own == group else (0.0, "")
        firm = are_firms(column.counts)
        why = f"NOT SURE: a client; the values look like {'companies' if firm else 'people'}"
        return (0.95 if firm == (group == "company") else 0.6), why


def _both(header: str) -> bool:
    """Say whether a header is of first names and surnames together, such as `Apellidos y Nombre`."""
    own = set(header.split())
    known = words().fields["contact"]
    for first in known["first_name"]:
        rest = own - set(first.split())
        if len(rest) < len(own) and set(first.split()) <= own and rest:
            lasts = [*known["last_name"], *_NAMES]
            if any(set(last.split()) <= rest for last in lasts):
                return True
    return False


def are_firms(counts: Mapping[str, int]) -> bool:
    """Say whether names are of companies: some have a legal form, or too few are of two words or three."""
    rows = max(sum(counts.values()), 1)
    firms = sum(number for value, number in counts.items() if _legal().search(fold(value)))
    people = sum(number for value, number in counts.items() if _PERSON.fullmatch(value))
    return firms >= _FIRMS * rows or people < _PEOPLE * rows


@cache
def _legal() -> re.Pattern[str]:
    """Return what finds the legal form of a company in its name."""
    listed = "|".join(re.escape(word) for word in sorted(words().firms, key=len, reverse=True))
    return re.compile(rf"(?<!\w)({listed})(?!\w)")
