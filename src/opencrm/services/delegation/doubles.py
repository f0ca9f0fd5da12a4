"""One place once at a time: the same person has the same role in the same unit again only when it is over."""

from __future__ import annotations

from collections.abc import Sequence

from opencrm.core.access.memberships import SAME_PLACE, overlap
from opencrm.core.change import Change, Values
from opencrm.core.entities import Membership
from opencrm.core.values import Id
from opencrm.errors import Duplicate
from opencrm.services.delegation.loading import places_of
from opencrm.services.writing.block import Block

PERIOD = ("valid_from", "valid_to")


def check(work: Block, changes: Sequence[Change]) -> None:
    """Refuse memberships of one person, unit and role that hold at the same time, as all of the changes leave them.

    No index can: SQLite has none over times. The organisation's one lock, which is held here, does instead.

    Raises:
        Duplicate: There are two; names the fields, and no record.
    """
    own = [it for it in changes if it.entity == Membership.spec.name]
    settling = [it.after for it in own if _settles(it)]
    if not settling:
        return
    there: dict[Id, Values] = {place["id"]: place for place in places_of(work, {it["user_id"] for it in settling})}
    there |= {it.id: it.after for it in own}
    alike: dict[tuple[Id, ...], list[Values]] = {}
    for place in there.values():
        if place["deleted_at"] is None:
            alike.setdefault(_spot(place), []).append(place)
    if any(it["id"] != one["id"] and overlap(one, it) for one in settling for it in alike[_spot(one)]):
        raise Duplicate("this person has this role in this unit at that time already", fields=[*SAME_PLACE])


def _settles(change: Change) -> bool:
    """Say whether a change puts somebody somewhere, or somewhere for another time."""
    before, after = change.before, change.after
    if after["deleted_at"] is not None:
        return False
    if before is None or before["deleted_at"] is not None:
        return True
    return any(before[name] != after[name] for name in (*SAME_PLACE, *PERIOD))


def _spot(place: Values) -> tuple[Id, ...]:
    return tuple(place[name] for name in SAME_PLACE)
