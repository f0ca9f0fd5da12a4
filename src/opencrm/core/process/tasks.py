"""Tasks as declarations: who has to do what by when, and what happens if they do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.clock import duration as lasting
from opencrm.core.process.asking.forms import Form, names
from opencrm.core.process.given import all_of, listed, stable_key
from opencrm.core.process.selectors import Pick, Selector, head_of, owner, owner_of, selector
from opencrm.core.process.timing.calendars import ALWAYS, Calendar
from opencrm.core.process.timing.durations import LONGEST
from opencrm.core.process.values import By, Duration, duration, length, moment, naming, places, some_length

if TYPE_CHECKING:
    from opencrm.core.process.actions import Action

_SOME_DAY = datetime(2026, 1, 5, tzinfo=UTC)

CHANNELS = ("inbox", "mail")
"""Where people are told something."""
OVERDUE = "Overdue: {title}"
REMINDER = "Due soon: {title}"


def _text(given: str) -> str:
    places(given)
    return given


def _at(text: str) -> str:
    with naming("at"):
        return moment(text)


def _repeat(text: str | None) -> str | None:
    with naming("repeat"):
        return some_length(text)


def _channels(given: Iterable[str]) -> tuple[str, ...]:
    with naming("how"):
        found = tuple(dict.fromkeys(names(given)))
        for each in found:
            if each not in CHANNELS:
                raise ValueError(f"{each!r} is none of {', '.join(CHANNELS)}")
        return found


@attrs.frozen
class Escalation:
    """Who is told, and when, if a task is not done.

    Args:
        at: `"due"`, `"+10m"` after it or `"-5m"` before it, in the task's calendar.
        to: Who is told; of a selector's words, `owner` is whoever has the task.
        text: What they read; places are fields of the task, as in `"Overdue: {title}"`.
        repeat: How long until they are told again, as often as `most` says.
        most: How often at most, with the first time.
        reassign: Whether the task becomes theirs.
        how: Where they are told, whatever they chose: `["mail"]`, `["inbox", "mail"]`; by default as they chose.

    Raises:
        ValueError: An instant, a duration or the text cannot be read.
    """

    at: str = attrs.field(default="due", converter=_at)
    to: Selector = attrs.field(default=head_of(owner), converter=selector, kw_only=True)
    text: str = attrs.field(default=OVERDUE, converter=_text, kw_only=True)
    repeat: str | None = attrs.field(default=None, converter=_repeat, kw_only=True)
    most: int = attrs.field(default=1, validator=[attrs.validators.ge(1), attrs.validators.le(100)], kw_only=True)
    reassign: bool = attrs.field(default=False, kw_only=True)
    how: tuple[str, ...] = attrs.field(default=(), converter=_channels, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.repeat is None and self.most > 1:
            raise ValueError("most: how often is for what has a `repeat`")
        if self.repeat is not None and lasting(self.repeat) * self.most > LONGEST:
            raise ValueError(f"most: {self.most} times {self.repeat} is longer than a hundred years")

    def instants(self, due: datetime, calendar: Calendar) -> Iterator[datetime]:
        """Give the instants at which somebody is told, as far as they lie in the years that calendars know."""
        with suppress(ValueError, OverflowError):
            at = _offset(self.at, due, calendar)
            for _ in range(self.most):
                yield at
                at = calendar.add(at, self.repeat) if self.repeat else at


def _offset(at: str, due: datetime, calendar: Calendar) -> datetime:
    if at == "due":
        return due
    return calendar.add(due, at[1:]) if at[0] == "+" else calendar.subtract(due, at[1:])


@attrs.frozen
class Rung:
    """One step of a task's ladder; without an escalation, that the task is due."""

    at: datetime
    escalation: Escalation | None = None


def _reminders(given: Iterable[str]) -> tuple[str, ...]:
    with naming("reminders"):
        if isinstance(given, str):
            raise ValueError(f"must be a list, also of one duration: [{given!r}]")
        return tuple(length(each) for each in given)


def check_reach(name: str, given: Duration | None, calendar: Calendar) -> None:
    """Refuse a duration that is not over within five years in the hours of a calendar.

    Args:
        name: What the duration is called.
        given: The duration, or those that a field decides upon.
        calendar: The hours.

    Raises:
        ValueError: It is not; begins with the name.
    """
    several = (*given.cases.values(), given.otherwise) if isinstance(given, By) else (given,)
    for each in several:
        wrong = None if each is None else _beyond(calendar, each)
        if wrong is not None:
            raise ValueError(f"{name}: {wrong}")


@lru_cache(maxsize=1000)
def _beyond(calendar: Calendar, given: str | timedelta) -> str | None:
    """Say why a duration takes too long; worked out once, since a definition is read again and again."""
    try:
        calendar.in_zone("UTC").add(_SOME_DAY, given)
    except ValueError as error:
        return str(error)
    return None


_LIST = all_of(object, "action", 'move("sold")')
"""Of actions, which stand above tasks: what each is, is judged there."""
_ESCALATIONS = all_of(Escalation, "escalation", "Escalation(to=head_of(owner))")


def _actions(given: Iterable[Any]) -> tuple[Any, ...]:
    found: tuple[Any, ...] = listed(given)
    return found


def _due(given: Duration | None) -> Duration | None:
    with naming("due"):
        return None if given is None else duration(given)


def _slot(text: str | None) -> str | None:
    with naming("slot"):
        return some_length(text)


_TELL_OWNER = Escalation(to=owner)


@attrs.frozen
class TaskSpec:
    """A kind of task that the system gives.

    Args:
        key: Stable name, unique in a workspace; the task's `kind`.
        title: What has to be done; places are fields of the record, as in `"Call {contact.name}"`.
        owner: Who has to do it.
        due: How long they have, in the calendar; or as a field decides, see `by`.
        slot: How long the appointment takes, where it is one: it is put where its owner is free.
        calendar: Working hours; by default every hour of every day.
        form: What is to be filled in before it is done.
        reminders: How long before it is due its owner is reminded, such as `["1h"]`.
        escalations: Who is told if it is not done; by default its owner, when it is due.
        done: What happens when it is done.
        cancelled: What happens when it is cancelled.
        stays: Whether it stays open when its record leaves the stage that gave it; it is not given again while it is.

    Raises:
        ValueError: A text, a duration or a name cannot be read.
    """

    key: str = attrs.field(validator=stable_key)
    title: str = attrs.field(
        converter=_text,
        kw_only=True,
        default=attrs.Factory(lambda self: self.key.replace("_", " ").capitalize(), takes_self=True),
    )
    owner: Selector = attrs.field(default=owner, converter=owner_of, kw_only=True)
    due: Duration | None = attrs.field(default=None, converter=_due, kw_only=True)
    slot: str | None = attrs.field(default=None, converter=_slot, kw_only=True)
    calendar: Calendar = attrs.field(default=ALWAYS, kw_only=True)
    form: Form | None = attrs.field(default=None, kw_only=True)
    reminders: tuple[str, ...] = attrs.field(default=(), converter=_reminders, kw_only=True)
    escalations: tuple[Escalation, ...] = attrs.field(
        default=(_TELL_OWNER,), converter=_actions, validator=_ESCALATIONS, kw_only=True
    )
    done: tuple[Action, ...] = attrs.field(default=(), converter=_actions, validator=_LIST, kw_only=True)
    cancelled: tuple[Action, ...] = attrs.field(default=(), converter=_actions, validator=_LIST, kw_only=True)
    stays: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.slot is None and isinstance(self.owner, Pick) and self.owner.strategy == "free_slot":
            raise ValueError(f"task {self.key!r}: owner: who is free first is for a task with a slot")
        with naming(f"task {self.key!r}"):
            check_reach("due", self.due, self.calendar)
            check_reach("slot", self.slot, self.calendar)

    def ladder(self, due: datetime, calendar: Calendar) -> tuple[Rung, ...]:
        """Return who is told when, in order.

        Args:
            due: When the task is due.
            calendar: Its calendar, in the zone of the workspace.
        """
        before = (Escalation(f"-{each}", to=_TELL_OWNER.to, text=REMINDER) for each in self.reminders)
        rungs = [Rung(at, it) for it in (*before, *self.escalations) for at in it.instants(due, calendar)]
        return tuple(sorted([Rung(due), *rungs], key=lambda rung: rung.at))


BY_HAND = TaskSpec("by_hand")
"""What a task is that somebody made by hand: its owner is told when it is due."""
