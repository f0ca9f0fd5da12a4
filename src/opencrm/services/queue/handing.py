"""Handing claimed work over to somebody else: by a lease that lasts while it is on its way, taken over once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, func, select, update

from opencrm.core.change import Values
from opencrm.core.columns import IdColumn, InstantColumn
from opencrm.core.values import Id
from opencrm.services.queue import leases
from opencrm.services.queue.deliveries import among, numbered
from opencrm.storage.transactions import Transaction

_LEASE = bindparam("old", type_=IdColumn())
_UNTIL = bindparam("until", type_=InstantColumn())


def on_its_way(tx: Transaction, table: Table, lease: Id, until: datetime) -> None:
    """Let a lease last until an instant, in real time: who is to do the work takes it over, or it is sent again."""
    mine = (table.c.state == "running", table.c.lease == _LEASE)
    statement = lambda: update(table).where(*mine).values(lease_until=_UNTIL)  # noqa: E731
    tx.run(("on its way", table.name), statement, [{"old": lease, "until": until}])


def take_over(tx: Transaction, table: Table, lease: Id, ids: Sequence[Id], anew: Id, real: datetime) -> list[Values]:
    """Put work under a lease of one's own; return its rows, none where somebody took it over before.

    Args:
        tx: The transaction.
        table: Of deliveries, or of runs.
        lease: Under which it was sent.
        ids: What was sent.
        anew: The lease of whoever does it.
        real: What time it really is.
    """
    number, values = numbered(ids)

    def build() -> Any:
        mine = (among(table.c.id, number), table.c.state == "running", table.c.lease == _LEASE)
        given = {"lease": bindparam("anew", type_=IdColumn()), "lease_until": _UNTIL}
        return update(table).where(*mine).values(given).returning(*table.c)

    given = {**values, "old": lease, "anew": anew, "until": leases.until(real)}
    return tx.query(("take over", table.name, number), build, given)


def under_way(tx: Transaction, table: Table) -> int:
    """Return how much is claimed at present."""

    def build() -> Any:
        return select(func.count().label("number")).select_from(table).where(table.c.state == "running")

    return int(tx.query(("under way", table.name), build, {})[0]["number"])
