"""Nobody: what was for somebody whom no selector finds is told to whoever answers for the record instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opencrm.core.change import Values
from opencrm.core.entity import Spec
from opencrm.core.process.values import LONGEST_TEXT
from opencrm.core.values import Id
from opencrm.services.process.notifying import Told, tell
from opencrm.services.process.tasking import selecting
from opencrm.services.writing.judging import organisation

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

WAITS = "Nobody has this task: {title}"
UNOWNED = "Nobody was found who could have this"
UNTOLD = "Nobody was found to be told: "


def answerable(work: Work, state: Values) -> list[Id]:
    """Return who answers for a record: the head of its unit, else its owner, else the owners of the workspace."""
    one = selecting.head_of_unit(work, state.get("unit_id")) or state.get("owner_id")
    return organisation.owners(work) if one is None else [one]


def tell_instead(work: Work, spec: Spec, states: Sequence[Values], text: str, *, kind: str | None = None) -> None:
    """Tell those who answer for records of what found nobody else.

    Args:
        work: As whoever looked for somebody.
        spec: The records' entity.
        states: The records.
        text: What they read.
        kind: The kind of the notification, where it is not that of the record.
    """
    tell(work, [Told(one, text, spec.name, state["id"], kind) for state in states for one in answerable(work, state)])


def untold(text: str) -> str:
    """Return what is told instead of a text that was for somebody else."""
    return text if len(UNTOLD) + len(text) > LONGEST_TEXT else UNTOLD + text
