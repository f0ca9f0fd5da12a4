"""What a saved view or a segment shows of its definition: of a field that its reader may not read, nothing.

Neither the field's name nor what it is compared with: a condition and an order that look at one are left out as a
whole, of the columns that one. What a workspace's owner reads is as it was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs

from opencrm.core.access.rights import Rights
from opencrm.core.change import JournalEntry, Kind, Values
from opencrm.core.entities.workspace.views import SavedView, Segment
from opencrm.core.entity import Spec
from opencrm.core.fields import Reference

DEFINED = frozenset({SavedView.spec.name, Segment.spec.name})
"""The entities whose records speak of another entity's fields."""

ABOUT = "entity"
"""Names the entity that a definition speaks of."""


def columns(spec: Spec, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns to read for these fields: those, and what tells how much of them is shown."""
    return (*names, ABOUT) if spec.name in DEFINED and ABOUT not in names else names


def shown(rights: Rights, spec: Spec, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """Return rows of these columns as their reader may see them."""
    if rights.owner or spec.name not in DEFINED:
        return rows
    return [tuple(values(rights, spec, dict(zip(names, row, strict=True))).values()) for row in rows]


def values(rights: Rights, spec: Spec, state: Values) -> Values:
    """Return a record's values as their reader may see them; without the entity's name they are so already."""
    if rights.owner or spec.name not in DEFINED or ABOUT not in state:
        return state
    return _shown(rights, state, state[ABOUT])


def lines(rights: Rights, found: tuple[JournalEntry, ...], states: Iterable[Values]) -> tuple[JournalEntry, ...]:
    """Return lines of the journal as their reader may see them.

    Args:
        rights: The reader's.
        found: The lines, of each record oldest first.
        states: The records, whose definitions speak of some entity; where lines tell of another one, they are judged
            by that.
    """
    if rights.owner or not any(line.entity in DEFINED for line in found):
        return found
    about = {state["id"]: state[ABOUT] for state in states if ABOUT in state}
    return tuple(_lines(rights, found, about))


def telling(found: Iterable[JournalEntry]) -> tuple[JournalEntry, ...]:
    """Return the lines of a history, as they are shown, without changes of which nothing is."""
    return tuple(it for it in found if it.entity not in DEFINED or it.kind is not Kind.CHANGED or it.after != it.before)


def looks_at_hidden(rights: Rights, spec: Spec, raw: Any) -> bool:
    """Say whether a saved condition looks at a field that is gone, or that its reader may not read.

    The conditions of segments within it are those segments' own.
    """
    match raw:
        case {"all": items} | {"any": items}:
            return any(looks_at_hidden(rights, spec, each) for each in items)
        case {"not": inner}:
            return looks_at_hidden(rights, spec, inner)
        case {"link": str(head), "where": inner}:
            target = _target(rights, spec, head)
            return target is None or looks_at_hidden(rights, target, inner)
        case {"field": str(name)}:
            head, dot, tail = name.partition(".")
            target = _target(rights, spec, head) if dot else spec
            return target is None or hides(rights, target, tail if dot else name)
    return False


def hides(rights: Rights, spec: Spec, name: str) -> bool:
    """Say whether a field is gone, or may not be read."""
    now = name if name in spec.fields else spec.former.get(name, name)
    return now not in rights.readable(spec)


def _target(rights: Rights, spec: Spec, head: str) -> Spec | None:
    """Return the entity that a path leads to; None where its reader does not know of it."""
    for name in (head, f"{head}_id"):
        if not hides(rights, spec, name):
            field = spec.fields.get(name) or spec.fields[spec.former[name]]
            if isinstance(field.type, Reference):
                return rights.entities.get(field.type.to)
    return None


def _lines(rights: Rights, found: Iterable[JournalEntry], about: dict[str, str]) -> Iterator[JournalEntry]:
    for line in found:
        if line.entity not in DEFINED:
            yield line
            continue
        now = line.after.get(ABOUT) or about.get(line.record_id, "")
        was = (line.before or {}).get(ABOUT) or now
        about[line.record_id] = now
        before = None if line.before is None else _shown(rights, line.before, was)
        yield attrs.evolve(line, before=before, after=_shown(rights, line.after, now))


def _shown(rights: Rights, state: Values, entity: str) -> Values:
    spec = rights.entities.get(entity)
    found = dict(state)
    if found.get("where") is not None and (spec is None or looks_at_hidden(rights, spec, found["where"])):
        found["where"] = None
    if found.get("columns") is not None:
        found["columns"] = [name for name in found["columns"] if spec is not None and not hides(rights, spec, name)]
    if found.get("sort") is not None and (spec is None or hides(rights, spec, found["sort"].removeprefix("-"))):
        found["sort"] = None
    return found
