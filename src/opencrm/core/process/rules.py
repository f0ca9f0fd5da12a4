"""Rules: when something happens and a condition holds, do this."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from opencrm.core.conditions import Condition
from opencrm.core.process.actions import ACTIONS, Action
from opencrm.core.process.events import EVENTS, Event

MOST_ACTIONS = 50
"""How many actions a rule has at most."""


def _do(given: Iterable[Any]) -> tuple[Any, ...]:
    found = tuple(given)
    for each in found:
        if not isinstance(each, ACTIONS):
            raise ValueError(f"do: {each!r} is no action")
    if not 0 < len(found) <= MOST_ACTIONS:
        raise ValueError(f"do: a rule has 1 to {MOST_ACTIONS} actions")
    return found


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

    key: str = attrs.field(validator=attrs.validators.matches_re(r"[a-z][a-z0-9_]{0,63}"))
    on: Event = attrs.field(kw_only=True, validator=attrs.validators.instance_of(EVENTS))
    do: tuple[Action, ...] = attrs.field(kw_only=True, converter=_do)
    when: Condition | None = attrs.field(kw_only=True, default=None)
    anew: str | None = attrs.field(kw_only=True, default=None)
    active: bool = attrs.field(kw_only=True, default=True)
