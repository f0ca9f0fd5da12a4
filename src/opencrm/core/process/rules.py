"""Rules: when something happens and a condition holds, do this."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from opencrm.core.conditions import Condition
from opencrm.core.process.actions import ACTIONS, Action
from opencrm.core.process.events import EVENTS, Event
from opencrm.core.process.given import all_of, listed, place, stable_key

MOST_ACTIONS = 50
"""How many actions a rule has at most."""
MOST_GENERATIONS = 20
"""How many runs and timers may set each other off, one after the other, while nobody does anything."""
_ACTIONS = all_of(ACTIONS, "action", 'notify(owner, "...")')


def _do(given: Iterable[Any]) -> tuple[Any, ...]:
    found: tuple[Any, ...] = listed(given)
    return found


def _some(_rule: object, _attribute: object, given: tuple[Any, ...]) -> None:
    if not 0 < len(given) <= MOST_ACTIONS:
        raise ValueError(f"do: a rule has 1 to {MOST_ACTIONS} actions")


def _event(rule: Any, _attribute: object, given: Any) -> None:
    if not isinstance(given, EVENTS):
        meant = 'created(Deal), done(CALL) or entered("sales.offer")'
        raise ValueError(f"{place(rule)}: on: {given!r} is no event such as {meant}")


@attrs.frozen
class Rule:
    """What is to be done when something happens.

    Args:
        key: Stable name, unique in a workspace; what it does names it in the history.
        on: When: `created(Deal)`, `done(CALL)`, `entered("windows.agreed")` ...
        when: What the record must meet, in the state after the event.
        do: What, in order: `update(...)`, `give(TASK)`, `notify(owner, "...")` ...
        anew: A field, such as `"contact_id"`: a run that waits for the same value of it is given up for the new one.
        active: Whether it runs at all.

    Raises:
        ValueError: It is not made of events and actions.
    """

    key: str = attrs.field(validator=stable_key)
    on: Event = attrs.field(kw_only=True, validator=_event)
    do: tuple[Action, ...] = attrs.field(kw_only=True, converter=_do, validator=[_ACTIONS, _some])
    when: Condition | None = attrs.field(kw_only=True, default=None)
    anew: str | None = attrs.field(kw_only=True, default=None)
    active: bool = attrs.field(kw_only=True, default=True)
