"""The states of tasks, and how one leads to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from opencrm.core.change import Change, Objection
from opencrm.core.process.reactions import TASK

BEFORE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "open": (),
        "started": ("open", "paused"),
        "paused": ("started",),
        "done": ("open", "started", "paused"),
        "cancelled": ("open", "started", "paused"),
    }
)
"""In which states a task must stand to come to another one."""


def state_rule(change: Change) -> Iterator[Objection]:
    """Refuse to bring a task to a state that does not follow upon the one in which it is.

    One that somebody made by hand can be opened again; one that a stage or a rule gave only by undoing how it ended,
    with all that followed from that.
    """
    if change.entity != TASK or change.before is None or "state" not in change.fields:
        return
    was, to = change.before["state"], change.after["state"]
    if was not in BEFORE[to] and not (to == "open" and change.after["kind"] is None):
        yield Objection(change.id, "task_state", f"this task is {was}: it cannot become {to}", field="state")
