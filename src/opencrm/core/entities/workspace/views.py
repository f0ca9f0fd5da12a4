"""Lists to come back to: saved views, and segments."""

from __future__ import annotations

from typing import Any

import attrs
import orjson
from sqlalchemy.orm import Mapped

from opencrm.core.conditions import condition, plain
from opencrm.core.conditions.limits import DEEPEST
from opencrm.core.conditions.nodes import is_condition
from opencrm.core.entities.base import Core, Owned
from opencrm.core.entities.workspace.organisation import Unit
from opencrm.core.entity import Options
from opencrm.core.fields import Key, Reference, Structured, Text, field, parse_id

SEGMENT = "segment"
"""In a saved condition, `{"segment": ID}` stands for the condition of that segment."""

MOST_COLUMNS = 100
_HELP = "An entity's name, such as deal."


def check_condition(raw: Any) -> Any:
    """Return a saved condition, typed, plain or as the JSON text of a file's cell, in its plain form.

    Raises:
        ValueError: It is not of the grammar.
    """
    found = plain(raw) if is_condition(raw) else _plain(_parsed(raw, "must be a condition, as JSON"), 1)
    condition(_without_segments(found))
    return found


def check_columns(raw: Any) -> Any:
    """Return the names of fields, given as a list or as the JSON text of a file's cell.

    Raises:
        ValueError: They are none.
    """
    refusal = f"must be a list of 1 to {MOST_COLUMNS} names of fields"
    given = _parsed(raw, refusal)
    names = list(given) if isinstance(given, list | tuple) else []
    if not names or len(names) > MOST_COLUMNS or not all(isinstance(name, str) for name in names):
        raise ValueError(refusal)
    if len(set(names)) < len(names):
        raise ValueError("names a field twice")
    return names


def _parsed(raw: Any, refusal: str) -> Any:
    try:
        return orjson.loads(raw) if isinstance(raw, str) else raw
    except orjson.JSONDecodeError:
        raise ValueError(refusal) from None


def _plain(raw: Any, depth: int) -> Any:
    if depth > DEEPEST:
        raise ValueError(f"a condition is nested at most {DEEPEST} deep")
    match raw:
        case {"all": list(items), **rest} if not rest:
            return {"all": [_plain(each, depth + 1) for each in items]}
        case {"any": list(items), **rest} if not rest:
            return {"any": [_plain(each, depth + 1) for each in items]}
        case {"not": inner, **rest} if not rest:
            return {"not": _plain(inner, depth + 1)}
        case {"segment": id, **rest} if not rest:
            return {SEGMENT: parse_id(id)}
    return plain(condition(raw))


def _without_segments(raw: Any) -> Any:
    """Return the condition with something as large in place of each segment, to be judged by the grammar."""
    match raw:
        case {"all": items}:
            return {"all": [_without_segments(each) for each in items]}
        case {"any": items}:
            return {"any": [_without_segments(each) for each in items]}
        case {"not": inner}:
            return {"not": _without_segments(inner)}
        case {"segment": _}:
            return {"all": []}
    return raw


@attrs.frozen
class Order(Key):
    """What a view sorts by; it names a field that not everybody may read, so that nobody asks or sorts by it."""

    ordered = False

    @property
    def filterable(self) -> bool:
        return False


class SavedView(Owned, Core):
    """A list to come back to: which records, which of their fields, in which order."""

    options = Options(
        personal=True,
        published_in="published_to_id",
        lookup=("name",),
        speaks_of_fields=("where", "columns", "sort"),
    )

    name: Mapped[str] = field(Text(200, folded=True), required=True, indexed=True)
    entity: Mapped[str] = field(Key(100), required=True, help=_HELP)
    where: Mapped[Any] = field(
        Structured(check_condition), label="Filter", help="A condition; all records without one."
    )
    columns: Mapped[Any] = field(Structured(check_columns), help="Names of fields, in order; all without one.")
    sort: Mapped[str | None] = field(Order(101), help="A field's name, with - before it for descending order.")
    published_to_id: Mapped[str | None] = field(Reference(Unit), help="A unit whose people may use it, too.")


class Segment(Owned, Core):
    """A group of records that meet a condition, whoever they are at the moment."""

    options = Options(personal=True, published_in="published_to_id", lookup=("name",), speaks_of_fields=("where",))

    name: Mapped[str] = field(Text(200, folded=True), required=True, indexed=True)
    entity: Mapped[str] = field(Key(100), required=True, help=_HELP)
    where: Mapped[Any] = field(Structured(check_condition), label="Condition", required=True)
    description: Mapped[str | None] = field(Text(2000, lines=True))
    published_to_id: Mapped[str | None] = field(Reference(Unit), help="A unit whose people may use it, too.")
