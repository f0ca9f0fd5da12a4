"""Having the queue's work done elsewhere: a message for each part of it, and the row stays until it is done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Literal

import attrs

from opencrm.app.working.delivering.deliveries import Deliveries
from opencrm.app.working.running.going_on import GoingOn
from opencrm.core.values import Id
from opencrm.services import queue
from opencrm.services.process import runs
from opencrm.services.queue import handing
from opencrm.services.queue.deliveries import read as read_delivery
from opencrm.services.workspaces.workspace import Workspace
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction

ON_ITS_WAY = timedelta(minutes=10)
"""After this long a message counts as lost, and is sent again."""
_MOST_UNDER_WAY = 1000
_AGAIN = timedelta(seconds=1)
"""After this long it is looked again whether less is under way."""


@attrs.frozen
class Parcel:
    """Work that is done in one place, one thing after the other.

    Attributes:
        kind: `"deliveries"` to a plugin about one record, or to one of its channels, or `"runs"` of rules.
        lease: Under which it was sent; it is taken over once.
        ids: The rows, in order.
    """

    kind: Literal["deliveries", "runs"]
    lease: Id
    ids: tuple[Id, ...]

    def plain(self) -> dict[str, Any]:
        """Return it as a message holds it."""
        return {"kind": self.kind, "lease": self.lease, "ids": list(self.ids)}

    @classmethod
    def of(cls, message: dict[str, Any]) -> Parcel:
        """Return what a message holds."""
        return cls(message["kind"], message["lease"], tuple(message["ids"]))


class Dispatching:
    """The station that sends what waits to an engine of somebody else's.

    Args:
        workspace: Whose queue.
        deliveries: Claims and makes deliveries.
        going_on: Claims runs and goes on with them.
        send: Sends a message; what raises is sent again.
        lasting: After how long a message counts as lost.
    """

    timely = False
    calls_out = True

    def __init__(
        self,
        workspace: Workspace,
        deliveries: Deliveries,
        going_on: GoingOn,
        send: Callable[[Parcel], None] | None = None,
        lasting: timedelta = ON_ITS_WAY,
    ) -> None:
        self._workspace = workspace
        self._deliveries = deliveries
        self._going_on = going_on
        self._send = send
        self._lasting = lasting
        self._stop = threading.Event()

    def heed(self, stop: threading.Event) -> None:
        """Send nothing more once this is set."""
        self._stop = stop

    def work(self) -> int:
        """Send some of what waits; return how many messages it took."""
        assert self._send is not None
        self._deliveries.fan_out()
        number = 0
        for parcel in self._taken():
            self._send(parcel)
            number += 1
        return number

    def next_at(self, tx: Transaction) -> datetime | None:
        """Return when there is something to send that may be sent."""
        now = self._workspace.clock.now()
        if _under_way(tx) >= _MOST_UNDER_WAY:
            return now + _AGAIN
        deliveries = now if queue.anything_pending(tx) else self._waiting(tx)
        found = [deliveries, self._going_on.next_at(tx)]
        return min((at for at in found if at is not None), default=None)

    def _waiting(self, tx: Transaction) -> datetime | None:
        return queue.next_at(tx, _busy(tx), ahead=self._workspace.clock.ahead)

    def perform(self, parcel: Parcel) -> int:
        """Do what a message says; return how much of it was still to be done."""
        real, anew = self._workspace.clock.real(), self._workspace.ids.new()
        table = tables.delivery if parcel.kind == "deliveries" else tables.run
        with self._workspace.database.write() as tx:
            rows = handing.take_over(tx, table, parcel.lease, parcel.ids, anew, real)
        rows.sort(key=lambda row: parcel.ids.index(row["id"]))
        if rows and parcel.kind == "deliveries":
            self._deliveries.end(self._deliveries.make([read_delivery(row) for row in rows]))
        elif rows:
            self._going_on.go_on([runs.read(row) for row in rows])
        return len(rows)

    def _taken(self) -> Iterator[Parcel]:
        """Claim some of what waits, as long as not too much is under way; of a channel one message at a time."""
        with self._workspace.database.read() as tx:
            full, busy = _under_way(tx) >= _MOST_UNDER_WAY, _busy(tx)
        if full or self._stop.is_set():
            return
        lines: dict[tuple[str, ...], list[queue.Delivery]] = {}
        for one in self._deliveries.take(queue.MOST, busy):
            lines.setdefault((one.lease, one.plugin) if one.channel else (one.lease, *one.line), []).append(one)
        several = self._going_on.take(runs.MOST)
        self._keep({(tables.delivery, key[0]) for key in lines} | {(tables.run, run.lease or "") for run in several})
        yield from (Parcel("deliveries", key[0], tuple(one.id for one in line)) for key, line in lines.items())
        yield from (Parcel("runs", run.lease or "", (run.id,)) for run in several)

    def _keep(self, leases: set[tuple[Any, Id]]) -> None:
        until = self._workspace.clock.real() + self._lasting
        with self._workspace.database.write() as tx:
            for table, lease in leases:
                handing.on_its_way(tx, table, lease, until)


def _under_way(tx: Transaction) -> int:
    return sum(handing.under_way(tx, table) for table in (tables.delivery, tables.run))


def _busy(tx: Transaction) -> queue.Barred:
    """Return the channels to which something is on its way: a slow one keeps one worker's thread at most."""
    return queue.Barred(frozenset(queue.channels_under_way(tx)))
