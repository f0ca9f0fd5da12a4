"""The queue: journal lines fanned out to the plugins that listen; each delivered at least once, in order by record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs
from sqlalchemy import and_, bindparam, delete, exists, func, select, update

from opencrm.core.change import Values
from opencrm.core.columns import BooleanColumn, IdColumn, InstantColumn
from opencrm.core.values import Id
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction
from opencrm.storage.upserts import upsert

LEASE = timedelta(minutes=5)
MOST_ATTEMPTS = 8
_BATCH = 200
_FAN_OUT_LOCK = 0x6F70656E63726D
_D, _J = tables.delivery, tables.journal


@attrs.frozen(kw_only=True)
class Delivery:
    """One plugin's share of one journal line, claimed.

    Attributes:
        id: Its own.
        entry_id: The journal line.
        plugin: Who is to be told.
        entity: What kind of record changed.
        record_id: Which one.
        attempts: How many times it was tried, with this time.
    """

    id: Id
    entry_id: Id
    plugin: str
    entity: str
    record_id: Id
    attempts: int

    @property
    def last(self) -> bool:
        """Whether it is not tried again after this."""
        return self.attempts >= MOST_ATTEMPTS


def fan_out(tx: Transaction, listeners: Callable[[str], Sequence[str]], new_id: Callable[[], Id], now: datetime) -> int:
    """Make deliveries of the journal's pending lines; return how many lines were taken.

    A plugin is not told of what its own automation did.
    """
    if not tx.sqlite and not _alone(tx):
        return 0
    rows = tx.query("pending", lambda: select(_J).where(_J.c.pending).order_by(_J.c.id).limit(_BATCH), {})
    if not rows:
        return 0
    tx.insert(
        _D,
        [
            _delivery(row, plugin, new_id(), now)
            for row in rows
            for plugin in listeners(row["entity"])
            if not _by(row, plugin)
        ],
    )

    def taken() -> Any:
        return (
            update(_J)
            .where(_J.c.id == bindparam("one", type_=IdColumn()))
            .values(pending=bindparam("no", type_=BooleanColumn()))
        )

    tx.run("fanned out", taken, [{"one": row["id"], "no": False} for row in rows])
    return len(rows)


def anything_pending(tx: Transaction) -> bool:
    """Say whether journal lines are still to be fanned out."""
    return bool(tx.query("anything pending", lambda: select(_J.c.id).where(_J.c.pending).limit(1), {}))


def claim(tx: Transaction, now: datetime) -> Delivery | None:
    """Take the next delivery that is due, under a lease; one of a record waits for those before it."""
    rows = tx.query(("claim", tx.sqlite), lambda: _due(tx), {"now": now})
    if not rows:
        return None
    row = rows[0]
    _set(
        tx,
        row["id"],
        {
            "state": "running",
            "attempts": row["attempts"] + 1,
            "lease_until": now + LEASE,
            "run_at": now,
            "error": None,
        },
    )
    told = {name: row[name] for name in ("id", "entry_id", "plugin", "entity", "record_id")}
    return Delivery(**told, attempts=row["attempts"] + 1)


def done(tx: Transaction, one: Delivery) -> None:
    """Forget a delivery that was made."""
    tx.run(
        "delivered",
        lambda: delete(_D).where(_D.c.id == bindparam("one", type_=IdColumn())),
        [{"one": one.id}],
    )


def failed(tx: Transaction, one: Delivery, error: str, now: datetime) -> None:
    """Try a delivery again later, or leave it for a person after the last attempt."""
    state = "dead" if one.last else "waiting"
    later = now + timedelta(seconds=5 * 2 ** (one.attempts - 1))
    _set(
        tx,
        one.id,
        {
            "state": state,
            "attempts": one.attempts,
            "lease_until": None,
            "run_at": later,
            "error": storable(error)[:2000],
        },
    )


def forget(tx: Transaction, plugin: str) -> None:
    """Drop everything that a plugin was still to be told."""
    mine = _D.c.plugin == bindparam("plugin", type_=_D.c.plugin.type)
    tx.run("forget plugin", lambda: delete(_D).where(mine), [{"plugin": plugin}])


def first_time(tx: Transaction, plugin: str, key: str, now: datetime) -> bool:
    """Say whether a plugin comes here for the first time with this key, and remember it in the transaction."""
    names = [column.name for column in tables.once.c]
    given = [{"plugin": plugin, "key": key, "at": now}]
    return tx.run("once", lambda: upsert(tables.once, names, names, sqlite=tx.sqlite), given) == 1


def storable(text: str) -> str:
    """Return a text that any database and any log keeps, whatever a plugin wrote into its error."""
    return text.encode(errors="backslashreplace").decode().replace("\x00", "\\x00")


def _alone(tx: Transaction) -> bool:
    [row] = tx.query("fan out lock", lambda: select(func.pg_try_advisory_xact_lock(_FAN_OUT_LOCK).label("got")), {})
    return bool(row["got"])


def _due(tx: Transaction) -> Any:
    before = _D.alias()
    now = bindparam("now", type_=InstantColumn())
    waits = exists().where(
        before.c.plugin == _D.c.plugin,
        before.c.entity == _D.c.entity,
        before.c.record_id == _D.c.record_id,
        before.c.entry_id < _D.c.entry_id,
    )
    ready = and_(_D.c.state == "waiting", _D.c.run_at <= now)
    lost = and_(_D.c.state == "running", _D.c.lease_until < now)
    statement = select(_D).where(ready | lost, ~waits).order_by(_D.c.entry_id).limit(1)
    return statement if tx.sqlite else statement.with_for_update(skip_locked=True, of=_D)


def _set(tx: Transaction, id: Id, values: dict[str, Any]) -> None:
    def build() -> Any:
        given = {name: bindparam(f"new_{name}", type_=_D.c[name].type) for name in values}
        return update(_D).where(_D.c.id == bindparam("one", type_=IdColumn())).values(given)

    tx.run(
        ("set delivery", tuple(values)),
        build,
        [{"one": id} | {f"new_{name}": value for name, value in values.items()}],
    )


def _delivery(row: Values, plugin: str, id: Id, now: datetime) -> dict[str, Any]:
    same = {name: row[name] for name in ("entity", "record_id")}
    return {
        "id": id,
        "entry_id": row["id"],
        "plugin": plugin,
        "state": "waiting",
        "attempts": 0,
        "run_at": now,
        **same,
    }


def _by(row: Values, plugin: str) -> bool:
    return f"automation:{plugin}" in (row["principal"], row["acting_as"])
