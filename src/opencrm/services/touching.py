"""What happened to records after a line of the journal, as far as it stands: what was taken back does not count."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from opencrm.core.change import JournalEntry, Values
from opencrm.core.values import Id
from opencrm.services import journal

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

_AT_ONCE = 500
GOES_ON = frozenset({"stage_since"})
"""What an undo does not turn back; it tells of nothing that the stage does not tell of."""

_OR_NOT = frozenset({"deleted_at"})
"""Of these it only counts whether they hold anything."""

Key: TypeAlias = tuple[str, Id]
"""An entity's name and a record's id."""


@attrs.frozen
class Touched:
    """The fields of a record that something touched after a line.

    Attributes:
        standing: Those that somebody else's act touched, and nobody took back.
        later: All of them, whoever touched them.
    """

    standing: Set[str] = frozenset()
    later: Set[str] = frozenset()


UNTOUCHED = Touched()


def touched_since(work: Work, lines: Iterable[JournalEntry], own: Collection[Id]) -> Mapping[Key, Touched]:
    """Return what was touched after lines, each about another record; acts of `own` are nobody else's."""
    after = {(line.entity, line.record_id): line.entry_id for line in lines}
    several: dict[str, list[Id]] = {}
    for entity, id in after:
        several.setdefault(entity, []).append(id)
    found: dict[Key, list[Values]] = {}
    for entity, ids in several.items():
        for start in range(0, len(ids), _AT_ONCE):
            part = ids[start : start + _AT_ONCE]
            for row in journal.later(work.tx, entity, part, min(after[entity, id] for id in part)):
                if row["id"] > after[entity, row["record_id"]]:
                    found.setdefault((entity, row["record_id"]), []).append(row)
    return {key: _touched(rows, after[key], own) for key, rows in found.items()}


def _touched(rows: Sequence[Values], since: Id, own: Collection[Id]) -> Touched:
    """Tell what lines of one record, oldest first, touched after one that is older than all of them."""
    back = _taken_back(rows)
    undone: dict[Id, set[str]] = {}
    standing: set[str] = set()
    for row in reversed(rows):
        gone = undone.get(row["id"], set())
        if row["undoes"] is not None:
            undone.setdefault(row["undoes"], set()).update(back[row["id"]] - gone)
        if row["act"] not in own and (row["undoes"] or "") <= since:
            standing.update(row["after"].keys() - gone)
    return Touched(standing - GOES_ON, {name for row in rows for name in row["after"]})


def _taken_back(rows: Iterable[Values]) -> Mapping[Id, set[str]]:
    """Name for each line the fields that stood after it as they did before the line that it takes back.

    Of an undo that changed nothing any more, as where a sum had followed already, that is not to be seen by its own
    fields.
    """
    now: dict[str, Any] = {}
    before: dict[Id, dict[str, Any]] = {}
    found: dict[Id, set[str]] = {}
    for row in rows:
        old = row["before"] or {}
        now.update(row["after"])
        was = before.get(row["undoes"] or "", {})
        found[row["id"]] = back = {name for name in was if _same(name, was[name], now[name])}
        before[row["id"]] = {name: now[name] for name in back} | {name: old.get(name) for name in row["after"]}
    return found


def _same(name: str, one: Any, other: Any) -> bool:
    if name in _OR_NOT:
        return (one is None) == (other is None)
    return name in GOES_ON or bool(one == other)
