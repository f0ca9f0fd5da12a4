"""Writes changes of which some may be refused: the culprits stay out, the others are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from opencrm.core.change import Change, JournalEntry
from opencrm.core.values import Id
from opencrm.errors import ConfigurationError, ConflictError, InvalidMove, Objected, OpenCRMError
from opencrm.services.writing.judging import refusals
from opencrm.services.writing.work import Work

AT_ONCE = 500

Refuse: TypeAlias = Callable[[Id, OpenCRMError], None]
"""Is told each record that stays out, and why."""


def judged(work: Work, changes: Sequence[Change], refuse: Refuse) -> list[Change]:
    """Return the changes that access lets through; tell of the others."""
    found = refusals(work, changes)
    for at, error in found.items():
        refuse(changes[at].id, error)
    return [change for at, change in enumerate(changes) if at not in found]


def write(work: Work, changes: Sequence[Change], refuse: Refuse) -> list[JournalEntry]:
    """Apply changes of one entity, some hundred at a time; where one is refused, all but the culprits.

    Raises:
        ConfigurationError: A plugin or the database fails.
        ConflictError: Somebody else writes the same records; nothing of the transaction can be kept.
    """
    done: list[JournalEntry] = []
    waiting = [changes[start : start + AT_ONCE] for start in range(0, len(changes), AT_ONCE)][::-1]
    while waiting:
        part = waiting.pop()
        try:
            with work.savepoint():
                done += work.apply(part)
        except (ConfigurationError, ConflictError):
            raise
        except OpenCRMError as error:
            named = {part[0].id: error} if len(part) == 1 else _named(error, part)
            for id, reason in named.items():
                refuse(id, reason)
            rest = [change for change in part if change.id not in named]
            halves = [rest] if named else [rest[len(rest) // 2 :], rest[: len(rest) // 2]]
            waiting += [half for half in halves if half]
    return done


def _named(error: OpenCRMError, part: Sequence[Change]) -> Mapping[Id, OpenCRMError]:
    """Return the records that an objection names, each with its own; none where another record is to blame."""
    if not isinstance(error, Objected | InvalidMove):
        return {}
    mine = {change.id for change in part}
    texts: dict[Id, list[dict[str, object]]] = {}
    for each in error.details.get("objections", ()):
        texts.setdefault(each["record"], []).append({**each, "row": None})
    if not mine.issuperset(texts):
        return {}
    return {
        id: type(error)("; ".join(dict.fromkeys(str(it["text"]) for it in several)), objections=several)
        for id, several in texts.items()
    }
