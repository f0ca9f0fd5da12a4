"""Subscriptions: which events go to which address."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy.orm import Mapped

from opencrm import Choices, Entity, JournalEntry, Key, Link, Options, Owned, Text, YesNo, field

EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "created": "Created",
        "changed": "Changed",
        "moved": "Moved to another stage",
        "assigned": "Given to somebody else",
        "deleted": "Deleted",
        "restored": "Restored",
    }
)
"""The kinds of events, as the journal names them."""


class Base(Entity, prefix="webhooks"):
    """The base of this plugin's tables."""


class Subscription(Owned, Base):
    """Events that are told to another system, at its address."""

    options = Options(plural="webhooks")

    name: Mapped[str] = field(Text(200, folded=True), required=True, indexed=True)
    url: Mapped[str] = field(Link(), label="Address", required=True, help="Where events are sent to, by POST.")
    entity: Mapped[str | None] = field(
        Key(100), label="Kind of records", help="Name of an entity, such as deal; empty for all."
    )
    events: Mapped[Any] = field(Choices(EVENTS), help="Which events; empty for all.")
    active: Mapped[bool] = field(YesNo(), required=True, default=True, indexed=True)


def wants(values: Mapping[str, Any], entry: JournalEntry) -> bool:
    """Say whether a subscription is about an event."""
    entity, events = values.get("entity"), values.get("events")
    return entity in (None, entry.entity) and (not events or str(entry.kind) in events)


def has_new_address(id: str, entry: JournalEntry) -> bool:
    """Say whether an event gave a subscription its address: where that leads is looked up then."""
    if (entry.entity, entry.record_id) != (Subscription.spec.name, id):
        return False
    before = None if entry.before is None else entry.before.get("url")
    return before != entry.after.get("url") or str(entry.kind) == "restored"
