"""Webhooks: tells other systems what happened, signed, in order, and no more than whoever asked for it may know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opencrm import AfterDoor, Change, Door, Entity, Equal, Grant, JournalEntry, Objection, Query, Scope, hookimpl
from opencrm.plugins.webhooks.guard import Refused, judge
from opencrm.plugins.webhooks.signing import take_secret
from opencrm.plugins.webhooks.subscription import Subscription, has_new_address, wants
from opencrm.plugins.webhooks.telling import tell

__all__ = ["Subscription", "take_secret"]


@hookimpl
def opencrm_register_entities() -> Iterator[type[Entity]]:
    yield Subscription


@hookimpl
def opencrm_register_grants() -> Iterator[Grant]:
    yield Grant("*", "read", Scope.ALL)
    yield Grant(Subscription.spec.name, "update", Scope.ALL)


@hookimpl(entity=Subscription.spec.name)
def opencrm_check_change(changes: Sequence[Change], door: Door) -> Iterator[Objection]:
    for change in changes:
        before = None if change.before is None else change.before["url"]
        if change.after["url"] == before:
            continue
        try:
            judge(change.after["url"], door.intranet)
        except Refused as error:
            yield Objection(change.id, "webhooks_url", str(error), "url")


@hookimpl
def opencrm_on_change(entry: JournalEntry, door: AfterDoor) -> None:
    if door.channel is not None:
        tell(entry, door, door.channel)
        return
    with door.read() as reader:
        active = reader.stream(Query(Subscription, where=Equal("active", True)))
        wanted = [it.id for it in active if wants(it.values(), entry) or has_new_address(it.id, entry)]
    if wanted:
        with door.work() as work:
            door.pass_on(work, wanted)
