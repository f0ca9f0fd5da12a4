"""Putting journal lines into the queue, and taking a plugin's out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any

from sqlalchemy import Table, bindparam, delete, exists, select, update

from opencrm.core.change import Values
from opencrm.core.columns import BooleanColumn
from opencrm.core.values import Id
from opencrm.errors import ConfigurationError
from opencrm.services.queue import leases
from opencrm.services.queue.deliveries import TABLE, Delivery, among, numbered, of_plugin, plugin_values, same_line
from opencrm.storage import tables
from opencrm.storage.choosing import chosen
from opencrm.storage.transactions import Transaction
from opencrm.storage.upserts import upsert

BATCH = 500
"""How many lines are fanned out in one transaction."""
_LONGEST = 64
_J = tables.journal
_COLUMNS = [_J.c[name] for name in ("id", "entity", "record_id", "principal", "acting_as")]


def fan_out(
    tx: Transaction, listeners: Callable[[str], Sequence[str]], new_ids: Callable[[int], list[Id]], now: datetime
) -> int:
    """Make deliveries of the journal's pending lines; return how many lines were taken.

    A plugin is not told of what its own automation did.
    """
    if not leases.alone_fanning_out(tx):
        return 0
    taking = partial(_taking, sqlite=tx.sqlite)
    rows = sorted(tx.query("take pending", taking, {"no": False}), key=itemgetter("id"))
    if not rows:
        return 0
    told = [(row, plugin) for row in rows for plugin in listeners(row["entity"]) if not _by(row, plugin)]
    ids = new_ids(len(told))
    tx.insert(TABLE, [_delivery(*each, id, now) for each, id in zip(told, ids, strict=True)])
    _hold_back([row["id"] for row in rows], tx)
    return len(rows)


def pass_on(tx: Transaction, one: Delivery, channels: Iterable[str], new_id: Callable[[], Id], now: datetime) -> None:
    """Deliver what a plugin is told to channels of its own, too: each is tried, and kept in order, by itself."""
    line = {"id": one.entry_id, "entity": one.entity, "record_id": one.record_id}
    rows = [_delivery(line, channel_of(one.plugin, channel), new_id(), now) for channel in channels]
    if rows:
        names = list(rows[0])
        tx.run("pass on", lambda: upsert(TABLE, names, ["entry_id", "plugin"], {}, sqlite=tx.sqlite), rows)
        _hold_back([one.entry_id], tx)
        tx.wakes = True


def channel_of(plugin: str, channel: str) -> str:
    """Return what the queue calls a channel of a plugin.

    Raises:
        ConfigurationError: Its name cannot be used.
    """
    name = f"{plugin}:{channel}"
    if not channel or len(name) > _LONGEST:
        raise ConfigurationError(f"{name!r}: a channel with its plugin has at most {_LONGEST - 1} characters")
    return name


def anything_pending(tx: Transaction) -> bool:
    """Say whether journal lines are still to be fanned out."""
    return bool(tx.query("anything pending", lambda: select(_J.c.id).where(_J.c.pending).limit(1), {}))


def forget(tx: Transaction, plugin: str) -> None:
    """Drop everything that a plugin was still to be told, and that its deliveries failed."""
    for table in (TABLE, tables.circuit):
        tx.run(("forget plugin", table.name), partial(_forgetting, table), [plugin_values(plugin)])


def _forgetting(table: Table) -> Any:
    return delete(table).where(of_plugin(table.c.plugin))


def _taking(*, sqlite: bool) -> Any:
    first = select(_J.c.id).where(_J.c.pending).order_by(_J.c.id).limit(BATCH)
    done = update(_J).where(chosen(_J.c.id, first, sqlite=sqlite))
    return done.values(pending=bindparam("no", type_=BooleanColumn())).returning(*_COLUMNS)


def _hold_back(lines: Sequence[Id], tx: Transaction) -> None:
    """Hold back what comes behind a dead one: nobody then looks at it until an owner deals with that."""
    dead = lambda: select(TABLE.c.id).where(TABLE.c.state == "dead").limit(1)  # noqa: E731
    if not tx.query("any dead", dead, {}):
        return
    number, values = numbered(lines)

    def build() -> Any:
        first = TABLE.alias()
        behind = exists().where(*same_line(first, TABLE), first.c.state == "dead", first.c.entry_id < TABLE.c.entry_id)
        mine = (among(TABLE.c.entry_id, number), TABLE.c.state == "waiting", behind)
        return update(TABLE).where(*mine).values(state="held")

    tx.run(("hold back", number), build, [values])


def _delivery(row: Values, plugin: str, id: Id, now: datetime) -> dict[str, Any]:
    return {
        "id": id,
        "entry_id": row["id"],
        "plugin": plugin,
        "entity": row["entity"],
        "record_id": row["record_id"],
        "state": "waiting",
        "attempts": 0,
        "run_at": now,
        "lease_until": None,
        "error": None,
        "lease": None,
    }


def _by(row: Values, plugin: str) -> bool:
    return f"automation:{plugin}" in (row["principal"], row["acting_as"])
