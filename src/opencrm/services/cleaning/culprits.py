"""Does what may be refused in part: the culprits stay out, the others are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

import attrs

from opencrm.core.change import Change, JournalEntry
from opencrm.core.values import Id
from opencrm.errors import ConfigurationError, ConflictError, InvalidMove, Objected, OpenCRMError
from opencrm.services.writing.judging import refusals
from opencrm.services.writing.work import Work

T = TypeVar("T")
AT_ONCE = 500

Refuse: TypeAlias = Callable[[Id, OpenCRMError], None]
"""Is told each record that stays out, and why."""


@attrs.frozen
class Refusal:
    """A record that stays as it is, and why."""

    entity: str
    record: Id
    code: str
    text: str


def by_halves(
    parts: Sequence[Sequence[T]],
    attempt: Callable[[Sequence[T]], None],
    culprits: Callable[[Sequence[T], OpenCRMError], Sequence[T]],
) -> None:
    """Attempt something part after part; where one is refused, its halves, until only the culprits are left.

    Args:
        parts: What it is to be done with, so many at once; none of them is empty.
        attempt: Does it with all of a part, or raises and leaves no trace.
        culprits: Is told what a part was refused for, and returns whom of it that blames: one that is alone is it,
            among several nobody may be known.

    Raises:
        ConfigurationError: A plugin or the database fails.
        ConflictError: Somebody else writes the same records; nothing of the transaction can be kept.
    """
    waiting = [*reversed(parts)]
    while waiting:
        part = waiting.pop()
        try:
            attempt(part)
        except (ConfigurationError, ConflictError):
            raise
        except OpenCRMError as error:
            blamed = set(map(id, culprits(part, error)))
            rest = [each for each in part if id(each) not in blamed]
            halves = [rest] if blamed else [rest[len(rest) // 2 :], rest[: len(rest) // 2]]
            waiting += [half for half in halves if half]


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

    def attempt(part: Sequence[Change]) -> None:
        with work.savepoint():
            lines = work.apply(part)
        done.extend(lines)

    def culprits(part: Sequence[Change], error: OpenCRMError) -> list[Change]:
        named = {part[0].id: error} if len(part) == 1 else _named(error, part)
        for id, reason in named.items():
            refuse(id, reason)
        return [change for change in part if change.id in named]

    by_halves([changes[start : start + AT_ONCE] for start in range(0, len(changes), AT_ONCE)], attempt, culprits)
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
