"""Telling a subscription of an event, as far as whoever answers for it may know of it now."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson

from opencrm import AfterDoor, InputError, JournalEntry, NotFound, Update, records
from opencrm.embed import Clock, SystemClock
from opencrm.plugins.webhooks import guard, signing
from opencrm.plugins.webhooks.posting import Undelivered, post
from opencrm.plugins.webhooks.subscription import Subscription, has_new_address, wants

LARGEST = 256 * 1024
"""Bytes that a message may have; what is larger tells only what happened to which record."""


def tell(entry: JournalEntry, door: AfterDoor, id: str, *, clock: Clock | None = None) -> None:
    """Tell one subscription of an event; of what it does not want any more, or may not know, it is told nothing.

    Args:
        entry: The event.
        door: The plugin's door.
        id: The subscription.
        clock: The world's clock, not the workspace's: whoever is told checks that a message is fresh.

    Raises:
        Undelivered: It was not taken.
        InputError: Its address may not be called any more.
    """
    subscription = _subscription(door, id)
    if subscription is None:
        return
    url = subscription["url"]
    if has_new_address(id, entry):
        _target(door, url)
    if not wants(subscription, entry):
        return
    secret = door.secret(Subscription, id, of=url)
    seen = None if secret is None else door.seen_by(secret[1])
    if secret is None or seen is None:
        return
    body, target = _body(door, seen), _target(door, url)
    message = f"msg_{entry.entry_id}_{id}"
    headers = signing.headers(secret[0], message, (clock or SystemClock()).now(), body)
    _judge(door, id, post(target, body, headers))


def _target(door: AfterDoor, url: str) -> guard.Target:
    """Return where to connect: the name is looked up once, and what was found is what is connected to."""
    try:
        return guard.checked(url, door.intranet)
    except guard.Refused as error:
        raise InputError({"url": [str(error)]}) from None


def _subscription(door: AfterDoor, id: str) -> dict[str, Any] | None:
    with door.read() as reader:
        try:
            found: dict[str, Any] = reader.get(Subscription, id).values()
        except NotFound:
            return None
    return found if found["active"] else None


def _judge(door: AfterDoor, id: str, status: int) -> None:
    """Take an answer of 2xx as taken; where the address is gone for good, switch the subscription off."""
    if status == HTTPStatus.GONE:
        with door.work() as work:
            records.update(work, [Update(Subscription, id, active=False)])
    elif not 200 <= status < 300:
        raise Undelivered(f"answered with {status}")


def _body(door: AfterDoor, entry: JournalEntry) -> bytes:
    told = {"entity": entry.entity, "record_id": entry.record_id, "kind": str(entry.kind), "by": entry.principal}
    head = {"type": f"{entry.entity}.{entry.kind}", "timestamp": entry.at}
    with door.read() as reader:
        dumper = reader.configuration.schemas.dumper(reader.entity(entry.entity))
        before = None if entry.before is None else dumper.dump(entry.before, entry.before)
        after = dumper.dump(entry.after, entry.after)
    whole = _json({**head, "data": {**told, "before": before, "after": after}})
    return whole if len(whole) <= LARGEST else _json({**head, "data": {**told, "too_large": True}})


def _json(told: Any) -> bytes:
    return orjson.dumps(told, default=str, option=orjson.OPT_UTC_Z)
