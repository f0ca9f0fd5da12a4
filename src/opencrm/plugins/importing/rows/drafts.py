"""A row on its way: what it asks for, before the database is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from opencrm import History
from opencrm.embed import Loaded
from opencrm.plugins.importing.problems import Fault

NOBODY = "00000000-0000-7000-8000-000000000000"
"""Stands in a reference until the record that it means is known."""


@attrs.frozen
class Link:
    """How texts of one field name records.

    Attributes:
        entity: Name of the entity that is meant.
        by: Fields tried in turn, or `("key",)`.
        system: The outside system of the key; empty where fields are meant.
        required: Whether a record without it is refused.
    """

    entity: str
    by: tuple[str, ...]
    system: str
    required: bool


@attrs.frozen
class Wanted:
    """A reference of one row that is still to be found.

    Attributes:
        place: Where the id goes: a field, or a part, its position and its field.
        column: The header to show an error at.
        link: How the text names the record; None for an earlier target of the row.
        text: The text, or the earlier target's position.
    """

    place: tuple[Any, ...]
    column: str
    link: Link | None
    text: Any


@attrs.define
class Draft:
    """One record of one row.

    Attributes:
        raw: Its values as the file has them, references replaced by `NOBODY`.
        key: Its key in the outside system, or the row's number; None where it is matched by its fields.
        wanted: Its references.
        history: Its past.
        origins: Which part of the map each of its parts comes from: `{"points[0]": 1}`.
        loaded: Its typed values, after loading.
    """

    raw: dict[str, Any]
    key: str | None
    wanted: list[Wanted]
    history: History | None
    origins: dict[str, int] = attrs.field(factory=dict)
    loaded: Loaded | None = None

    def put(self, place: tuple[Any, ...], id: str | None) -> None:
        """Write an id into a reference of the typed values."""
        assert self.loaded is not None
        if len(place) == 1:
            self.loaded[place[0]] = id
        else:
            part, at, field = place
            self.loaded[part][at][field] = id


@attrs.define
class RowDraft:
    """Everything that one row asks for: a draft for each target, None for one that it goes without."""

    line: int
    cells: Sequence[str]
    drafts: list[Draft | None]


@attrs.frozen
class Rejected:
    """A row that stays out."""

    line: int
    cells: Sequence[str]
    fault: Fault


def merged(faults: Mapping[str, Fault]) -> Fault:
    """Return one fault for a row that has several; the first gives column, code and value."""
    first, *others = faults.values()
    also = "".join(f"; {other.column or 'row'}: {other.reason}" for other in others)
    return attrs.evolve(first, reason=first.reason + also)
