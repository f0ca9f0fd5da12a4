"""Who may use a pipeline: whoever holds one of its roles, beside what they are granted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import attrs

from opencrm.core.access.organisation import Seat
from opencrm.core.conditions import FALSE, Condition, Equal, Not


@attrs.frozen(kw_only=True)
class Circle:
    """The roles that may use a pipeline.

    Args:
        entity: The entity that goes through it.
        pipeline: Its key.
        roles: The keys of the roles.
    """

    entity: str
    pipeline: str
    roles: tuple[str, ...]

    @property
    def reason(self) -> str:
        """What a person is told who is outside of it."""
        return f"the pipeline {self.pipeline!r} is for the roles {', '.join(self.roles)}"

    def outside(self, entity: str, action: str) -> Condition | None:
        """Return what a record must meet so that somebody without these roles may do something; None for no limit."""
        if entity != self.entity:
            return None
        if action == "create":
            return Not(Equal("pipeline", self.pipeline))
        return FALSE if action.startswith(f"move:{self.pipeline}.") else None


def around(circles: Iterable[Circle], seats: Sequence[Seat]) -> Iterator[Circle]:
    """Give the circles that somebody with these memberships is outside of; an owner is outside of none."""
    held = {seat.role.key for seat in seats}
    if not any(seat.role.owner for seat in seats):
        yield from (it for it in circles if held.isdisjoint(it.roles))
