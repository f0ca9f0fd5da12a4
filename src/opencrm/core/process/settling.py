"""What a task's state entails: when it was done, how long it took, when somebody is to be reminded next."""

from __future__ import annotations

from datetime import datetime, timedelta

from opencrm.core.change import Change, Kind, Values
from opencrm.core.process.reactions import FINISHED
from opencrm.core.process.tasks import TaskSpec
from opencrm.core.process.timing.calendars import Calendar

_WATCHED = frozenset({"state", "due_at"})
_ELSEWHERE = (Kind.DELETED, Kind.RESTORED, Kind.ASSIGNED)
_LEAST = timedelta(microseconds=1)
"""The least time by which two instants differ."""


def settled(change: Change, spec: TaskSpec, calendar: Calendar, now: datetime) -> Change:
    """Return a change of a task with everything that it entails.

    Args:
        change: The change.
        spec: The task's declaration.
        calendar: Its calendar, in the zone of the workspace.
        now: The instant of the change.
    """
    if change.kind in _ELSEWHERE or (change.kind is Kind.CHANGED and _WATCHED.isdisjoint(change.fields)):
        return change
    before, after = change.before, dict(change.after)
    if change.kind is Kind.CREATED or "state" in change.fields:
        after |= _worked(before, after, now)
    after |= _watched(before, after, spec, calendar, now)
    return change.becoming(after)


def _worked(before: Values | None, after: Values, now: datetime) -> Values:
    """Return when it was done and how long it took: the time in which it was started and not paused."""
    state, since = after["state"], after["active_since"]
    spent = after["spent"]
    if since is not None and state != "started":
        spent = (spent or 0) + max(0, int((now - since).total_seconds()))
    done_at = (after["done_at"] or _done_at(before, now)) if state == "done" else None
    return {
        "active_since": (since or now) if state == "started" else None,
        "spent": spent,
        "done_at": done_at,
    }


def _done_at(before: Values | None, now: datetime) -> datetime:
    """Return when a task is done; at the very instant of a deadline that somebody was told of, just after it."""
    if before is None or before["due_at"] != now or before["state"] in FINISHED:
        return now
    has_passed = before["wakes_at"] is None or before["wakes_at"] > now
    return now + _LEAST if has_passed else now


def _watched(before: Values | None, after: Values, spec: TaskSpec, calendar: Calendar, now: datetime) -> Values:
    """Return when somebody is told next: of the ladder's steps, those that lie ahead."""
    due = after["due_at"]
    if due is None or after["state"] in FINISHED:
        return {"wakes_at": None, "rung": after["rung"]}
    if before is not None and before["wakes_at"] is not None and before["due_at"] == due:
        return {}
    ladder = spec.ladder(due, calendar)
    passed = sum(step.at <= now for step in ladder)
    return {"wakes_at": ladder[passed].at if passed < len(ladder) else None, "rung": passed}
