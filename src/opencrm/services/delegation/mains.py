"""A person's main place: at every instant one of their memberships, so that a new one takes it from the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from opencrm.core.change import Change, Kind, Values
from opencrm.core.entities import Membership
from opencrm.core.values import Id
from opencrm.services.delegation.company import Company, lasting
from opencrm.services.delegation.loading import places_of
from opencrm.services.writing.block import Block


def demoted(company: Company, change: Change) -> tuple[Values, ...]:
    """Return the memberships that a change of a membership takes the main place from: those of the same time."""
    after = change.after
    if not claims(change):
        return ()
    others = (place for place in company.places(after["user_id"]) if place["id"] != change.id and place["is_primary"])
    return tuple(place for place in others if overlap(place, after))


def given_up(work: Block, changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return the changes that follow once these are stored: of memberships that are main places no longer."""
    claiming = [it for it in changes if it.entity == "membership" and claims(it)]
    if not claiming:
        return ()
    states = work.whole(Membership.spec, [it["id"] for it in places_of(work, (c.after["user_id"] for c in claiming))])
    found: dict[Id, Change] = {}
    for at, change in enumerate(claiming):
        later = {it.id for it in claiming[at:]}
        for state in states.values():
            same = state["user_id"] == change.after["user_id"] and state["is_primary"] and state["id"] not in later
            if same and overlap(state, change.after):
                after = {**state, "is_primary": False, "updated_at": work.now}
                found[state["id"]] = Change("membership", state["id"], Kind.CHANGED, state, after)
    return tuple(found[id] for id in sorted(found))


def claims(change: Change) -> bool:
    """Say whether a change of a membership makes it somebody's main place, or moves it to another time or person."""
    before, after = change.before, change.after
    if after["deleted_at"] is not None or not after["is_primary"]:
        return False
    same = before is not None and before["deleted_at"] is None and before["is_primary"]
    names = ("user_id", "valid_from", "valid_to")
    return not (same and before is not None and all(before[name] == after[name] for name in names))


def overlap(one: Values, other: Values) -> bool:
    """Say whether two memberships hold at the same instant."""
    return _before_end(one["valid_from"], other["valid_to"]) and _before_end(other["valid_from"], one["valid_to"])


def _before_end(start: datetime | None, end: datetime | None) -> bool:
    return start is None or end is None or start < end


class Mains:
    """Tells whether a new membership of which nothing is said is a person's main place: their first one is.

    Args:
        work: The work block.
        several: The values of all records that are made together.
    """

    def __init__(self, work: Block, several: Iterable[Values]) -> None:
        self._work = work
        self._users = {it["user_id"] for it in several if "role_id" in it and it.get("user_id") is not None}

    def settle(self, values: dict[str, Any], given: Collection[str]) -> None:
        """Say of a new membership whether it is the main place, unless that was given."""
        if "is_primary" not in given:
            values["is_primary"] = values["user_id"] not in self._placed
        self._placed.add(values["user_id"])

    @cached_property
    def _placed(self) -> set[Id]:
        """The people who have a place already that has not ended."""
        return {it["user_id"] for it in places_of(self._work, self._users) if lasting(it, self._work.now)}
