"""A person's main place: at every instant one of their memberships, so that a new one takes it from the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from opencrm.core.access.memberships import lasting, overlap, valid
from opencrm.core.change import Change, Kind, Values
from opencrm.core.entities import Membership
from opencrm.core.values import Id
from opencrm.services.delegation.company import Company
from opencrm.services.delegation.loading import places_of
from opencrm.services.writing.block import Block

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work


def demoted(company: Company, change: Change, now: datetime) -> tuple[Values, ...]:
    """Return the memberships that a change of a membership takes the main place from: those of the same time."""
    after = change.after
    if not claims(change):
        return ()
    others = (place for place in company.places(after["user_id"]) if place["id"] != change.id and place["is_primary"])
    return tuple(place for place in others if _together(place, after, now))


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
            if same and _together(state, change.after, work.now):
                after = {**state, "is_primary": False, "updated_at": work.now}
                found[state["id"]] = Change("membership", state["id"], Kind.CHANGED, state, after)
    return tuple(found[id] for id in sorted(found))


def _together(one: Values, other: Values, now: datetime) -> bool:
    """Say whether two memberships hold at the same instant, now or later: what is over keeps its mark."""
    return lasting(one, now) and lasting(other, now) and overlap(one, other)


def claims(change: Change) -> bool:
    """Say whether a change of a membership makes it somebody's main place, or moves it to another time or person."""
    before, after = change.before, change.after
    if after["deleted_at"] is not None or not after["is_primary"]:
        return False
    same = before is not None and before["deleted_at"] is None and before["is_primary"]
    names = ("user_id", "valid_from", "valid_to")
    return not (same and before is not None and all(before[name] == after[name] for name in names))


def hand_on(work: Work, changes: Sequence[Change]) -> None:
    """Mark the memberships that are main places now that these changes are stored, whoever may change them.

    Where the main place of somebody ended, went or is marked no longer, and no other that holds now is marked, the
    one of those that was made first is it: it counts as the main place anyhow. One that would take it from a place
    that is marked for later is not marked. A mark that opencrm itself takes, as an undo does, is somebody's already.
    """
    taken = work.rights.principal.kind == "system"
    losing = [it for it in changes if it.entity == "membership" and _gives_away(it, work.now)]
    losing = [it for it in losing if it.after["is_primary"] or it.after["deleted_at"] is not None or not taken]
    users = {(it.before or it.after)["user_id"] for it in losing}
    unmarked = {it.id for it in losing}
    several: dict[Id, list[Values]] = {}
    for place in places_of(work, users):
        several.setdefault(place["user_id"], []).append(place)
    heirs = [heir for places in several.values() if (heir := _heir(places, unmarked, work.now)) is not None]
    if heirs:
        with work.entailing("hand on the main place") as inner:
            _mark(inner, sorted(heirs))


def _mark(inner: Work, heirs: Sequence[Id]) -> None:
    told = {"is_primary": True, "updated_at": inner.now}
    states = inner.states(Membership.spec, heirs)
    inner.apply([Change("membership", id, Kind.CHANGED, it, {**it, **told}) for id, it in states.items()])


def _gives_away(change: Change, now: datetime) -> bool:
    """Say whether a change takes the mark from a membership that held, or the time from one that is marked."""
    before, after = change.before, change.after
    if before is None or before["deleted_at"] is not None or not (before["is_primary"] and valid(before, now)):
        return False
    same = after["deleted_at"] is None and after["is_primary"] and after["user_id"] == before["user_id"]
    return not (same and valid(after, now))


def _heir(places: Sequence[Values], unmarked: Collection[Id], now: datetime) -> Id | None:
    """Return the membership of a person that is to be marked as their main place, if there is one."""
    marked = [place for place in places if place["is_primary"] and lasting(place, now)]
    for place in places:
        if place["id"] not in unmarked and valid(place, now) and not any(overlap(place, it) for it in marked):
            return str(place["id"])
    return None


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
