"""Memberships in time: when one holds, and which of somebody's is their main place."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from opencrm.core.change import Values

SEATED = ("id", "unit_id", "role_id", "is_head", "is_primary", "valid_from", "valid_to")
"""The fields of a membership that tell where somebody sits, as what and when."""

SAME_PLACE = ("user_id", "unit_id", "role_id")
"""The fields that no two memberships share that hold at the same time."""


def valid(place: Values, now: datetime) -> bool:
    """Say whether a membership or deputyship holds at an instant: from `valid_from` on, no longer at `valid_to`."""
    return lasting(place, now) and (place["valid_from"] is None or place["valid_from"] <= now)


def lasting(place: Values, now: datetime) -> bool:
    """Say whether a membership or deputyship holds at an instant, or will."""
    return place["valid_to"] is None or now < place["valid_to"]


def overlap(one: Values, other: Values) -> bool:
    """Say whether two memberships hold at the same instant."""
    return _before_end(one["valid_from"], other["valid_to"]) and _before_end(other["valid_from"], one["valid_to"])


def main_first(places: Iterable[Values]) -> list[Values]:
    """Return valid memberships of one person, the main place first: the marked one, else the one made first."""
    return sorted(places, key=lambda place: (not place["is_primary"], place["id"]))


def _before_end(start: datetime | None, end: datetime | None) -> bool:
    return start is None or end is None or start < end
