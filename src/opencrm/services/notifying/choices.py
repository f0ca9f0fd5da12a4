"""What each person wants to be told where."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import attrs
from sqlalchemy import select

from opencrm.core.process.tasks import CHANNELS as TOLD_BY
from opencrm.core.values import Id
from opencrm.errors import InputError, PermissionDenied
from opencrm.services.queue.deliveries import among, numbered
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction
from opencrm.storage.upserts import upsert

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "task": "Tasks that are new, due, overdue, or nobody's",
        "sla": "Promises to clients that are about to be broken",
        "rule": "What rules tell",
        "form": "What comes by web forms",
        "report": "Reports",
    }
)
"""The kinds of notifications, each with what a person reads."""

CHANNELS = TOLD_BY
_USUAL = frozenset({("report", "mail"), *((kind, "inbox") for kind in KINDS)})
"""What is told where unless somebody chose otherwise: little by mail."""
_TABLE = tables.notification_choice


@attrs.frozen
class Choice:
    """Whether somebody wants to be told of one kind by one channel.

    Attributes:
        kind: The kind of notifications.
        label: What a person reads.
        channel: `inbox` or `mail`.
        wanted: Whether they want it.
    """

    kind: str
    label: str
    channel: str
    wanted: bool


def of(reader: Reader) -> list[Choice]:
    """Return what the reader wants to be told where.

    Raises:
        PermissionDenied: The reader is no person.
    """
    user = oneself(reader)
    chosen = chosen_by(reader.tx, [user])[user]
    return [Choice(kind, KINDS[kind], channel, wants(chosen, kind, channel)) for kind in KINDS for channel in CHANNELS]


def choose(work: Work, kind: str, channel: str, *, wanted: bool) -> None:
    """Say whether one wants to be told of a kind by a channel.

    Raises:
        InputError: There is no such kind or channel.
        PermissionDenied: The principal is no person, or a key that is narrowed.
    """
    user = in_person(work)
    _check(kind, channel)
    row = {"user_id": user, "kind": kind, "channel": channel, "wanted": wanted, "at": work.now}
    key = ("user_id", "kind", "channel")
    work.tx.run("choose", lambda: upsert(_TABLE, list(row), key, sqlite=work.tx.sqlite), [row])


def chosen_by(tx: Transaction, users: Collection[Id]) -> Mapping[Id, Mapping[tuple[str, str], bool]]:
    """Return what people chose, each by kind and channel."""
    found: dict[Id, dict[tuple[str, str], bool]] = {user: {} for user in users}
    if not found:
        return found
    number, given = numbered(sorted(found))
    rows = tx.query(("chosen", number), lambda: select(_TABLE).where(among(_TABLE.c.user_id, number)), given)
    for row in rows:
        found[row["user_id"]][row["kind"], row["channel"]] = row["wanted"]
    return found


def wants(chosen: Mapping[tuple[str, str], bool], kind: str, channel: str, how: str | None = None) -> bool:
    """Say whether somebody is told of a kind by a channel: as they chose, where it was not said `how`."""
    if how is not None:
        return channel in how.split()
    return chosen.get((kind, channel), (kind, channel) in _USUAL or (channel == "inbox" and kind not in KINDS))


def oneself(reader: Reader) -> Id:
    """Return the person who asks.

    Raises:
        PermissionDenied: It is none.
    """
    if reader.rights.user_id is None:
        raise _denied(reader, "only people have an inbox")
    return reader.rights.user_id


def in_person(reader: Reader) -> Id:
    """Return the person who asks, by no key that is narrowed to some acts.

    Raises:
        PermissionDenied: It is none.
    """
    if reader.rights.limits is not None:
        raise _denied(reader, "a key that is narrowed only reads")
    return oneself(reader)


def _denied(reader: Reader, text: str) -> PermissionDenied:
    return reader.rights.denied("inbox.update", text, rule="person")


def _check(kind: str, channel: str) -> None:
    wrong = {}
    if kind not in KINDS:
        wrong["kind"] = [f"must be one of {', '.join(KINDS)}"]
    if channel not in CHANNELS:
        wrong["channel"] = [f"must be one of {', '.join(CHANNELS)}"]
    if wrong:
        raise InputError(wrong)
