"""What the history of runs says of an action beside its word: which service, which template, whom, where."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from opencrm.core.process.actions import (
    GENERATE,
    Action,
    AssignRecord,
    Call,
    CreateRecord,
    FillIn,
    GiveTask,
    MoveRecord,
    Notify,
    Wait,
)
from opencrm.core.process.reports import SERVICE as REPORT
from opencrm.core.process.text import plain

_SAYING = MappingProxyType({GENERATE: ("template",), REPORT: ("name", "to")})
"""Values of services that say what is made, and for whom; those of others may be secret."""


def detail(action: Action) -> str | None:
    """Return what an action is about, as it is declared; nothing that some reader of the record may not know.

    Which fields are updated, and to what, is in the record's own history, for those who may read them.
    """
    match action:
        case Call(service, values):
            return " ".join([service, *(str(values[name]) for name in _SAYING.get(service, ()) if name in values)])
        case Notify(to) | AssignRecord(to):
            return f"to {whom(to)}"
        case GiveTask(task):
            return f"{task.key} to {whom(task.owner)}"
        case MoveRecord(to):
            return to
        case CreateRecord(entity):
            return entity
        case FillIn(form):
            return form.key
        case Wait(length):
            return length
    return None


def whom(selector: Any) -> str:
    """Return a selector in words: `owner`, `pick role seller`."""
    found = selector if isinstance(selector, str | dict) else plain(selector)
    return found if isinstance(found, str) else " ".join(f"{name} {_part(it)}" for name, it in found.items())


def _part(it: Any) -> str:
    return it if isinstance(it, str) else _part(next(iter(it.values()))) if isinstance(it, dict) else str(it)
