"""Restrictions: what only takes away, from everybody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from opencrm.core.access.grants import ANY, matches
from opencrm.core.conditions.nodes import Condition, is_condition


def _actions(given: Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _is_condition(_guard: object, _attribute: object, value: Any) -> None:
    if not is_condition(value):
        raise ValueError("condition: must be a condition")


@attrs.frozen(kw_only=True)
class Guard:
    """A restriction that a plugin brings: a legal hold, a lock on records. It binds owners too.

    Args:
        entity: The entity's name, or `"*"`.
        actions: What it restricts, as grants name actions; `"*"` for all, reading included.
        condition: What a record must meet so that it may be done; may look at every field, at `me` and `my_units`.
        reason: What a person is told, such as `"a legal hold"`.
    """

    entity: str
    actions: tuple[str, ...] = attrs.field(converter=_actions)
    condition: Condition = attrs.field(validator=_is_condition)
    reason: str = attrs.field(validator=attrs.validators.min_len(1))

    def restricts(self, entity: str, action: str) -> bool:
        """Say whether it is about this act."""
        return self.entity in (entity, ANY) and any(matches(pattern, action) for pattern in self.actions)
