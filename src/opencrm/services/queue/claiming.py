"""Taking work under a lease, in the order of each plugin and record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs
from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, or_, select, update

from opencrm.core.columns import InstantColumn
from opencrm.core.values import Id
from opencrm.services.queue import circuits, leases
from opencrm.services.queue.barring import NOTHING, Barred
from opencrm.services.queue.deliveries import (
    MOST_ATTEMPTS,
    TABLE,
    Delivery,
    among,
    given,
    id_parameter,
    new,
    numbered,
    of_channels,
    same_line,
)
from opencrm.storage.choosing import chosen
from opencrm.storage.transactions import Transaction

MOST = 200
"""How many deliveries are claimed at once."""
_LOST = "the worker was lost at every attempt"
_TOLD = ("id", "entry_id", "plugin", "entity", "record_id", "attempts", "lease")


def claim(
    tx: Transaction,
    lease: Id,
    now: datetime,
    most: int = MOST,
    but: Barred = NOTHING,
    *,
    real: datetime | None = None,
) -> list[Delivery]:
    """Take the next deliveries that are due, under one lease; one waits for those before it of its plugin and record.

    What somebody took and neither finished nor prolonged is taken again. Of a plugin that failed again and again, one
    delivery is taken now and then, to see whether it can again.

    Args:
        tx: The transaction.
        lease: What tells this claim from every other.
        now: The present instant.
        most: How many at most.
        but: Of whom nothing.
        real: What time it really is, by which leases go; None where that is `now`.
    """
    real = real or now
    leases.wait_to_claim(tx)
    _take_back(tx, real)
    open_ones = [it for it in circuits.known(tx) if it.open]
    found = _claimed(tx, lease, (now, real), most, _without(but, open_ones))
    for one in open_ones:
        due = one.until is not None and one.until <= now and not but.bars(one.plugin)
        if due and circuits.probe(tx, one, now):
            found += _claimed(tx, lease, (now, real), 1, NOTHING, only=one.plugin)
    return found


def next_at(tx: Transaction, but: Barred = NOTHING, *, ahead: timedelta = timedelta()) -> datetime | None:
    """Return when the next delivery can be made, or the lease of one ends.

    Args:
        tx: The transaction.
        but: Of whom nothing.
        ahead: By how much the workspace's clock is ahead of real time.
    """
    held = held_until(tx)
    open_ones = [it for it in circuits.known(tx) if it.open]
    soonest = [_waiting_since(tx, _without(but, open_ones)), held + ahead if held is not None else None]
    for plugin, until in ((it.plugin, it.until) for it in open_ones if not but.bars(it.plugin)):
        at = _waiting_since(tx, NOTHING, only=plugin)
        soonest.append(max(at, until) if at is not None and until is not None else None)
    return min((at for at in soonest if at is not None), default=None)


def held_until(tx: Transaction) -> datetime | None:
    """Return when the first of the leases ends, in real time; None where none is held."""

    def build() -> Any:
        return select(func.min(TABLE.c.lease_until).label("at")).where(TABLE.c.state == "running")

    at: datetime | None = tx.query("first lease", build, {})[0]["at"]
    return at


def prolong(tx: Transaction, lease: Id, real: datetime) -> int:
    """Let a lease last longer; return of how many deliveries. What a handler has locked needs it the least."""

    def build() -> Any:
        mine = select(TABLE.c.id).where(TABLE.c.state == "running", TABLE.c.lease == id_parameter("lease"))
        free = mine if tx.sqlite else mine.with_for_update(skip_locked=True)
        return update(TABLE).where(chosen(TABLE.c.id, free, sqlite=tx.sqlite)).values(given({"lease_until": real}))

    return tx.run("prolong", build, [{"lease": lease, **new({"lease_until": leases.until(real)})}])


def still_held(tx: Transaction, one: Delivery) -> bool:
    """Say whether a delivery is still its claimer's; it stays so until the transaction ends."""

    def build() -> Any:
        mine = (TABLE.c.id == id_parameter("one"), TABLE.c.state == "running", TABLE.c.lease == id_parameter("lease"))
        found = select(TABLE.c.id).where(*mine)
        return found if tx.sqlite else found.with_for_update()

    return bool(tx.query("still held", build, {"one": one.id, "lease": one.lease}))


def _take_back(tx: Transaction, real: datetime) -> None:
    """Let what is held by a lease that ended wait again; what lost its worker at each attempt waits for a person."""

    def build() -> Any:
        lost = (TABLE.c.state == "running", TABLE.c.lease_until < bindparam("now", type_=InstantColumn()))
        found = select(TABLE.c.id).where(*lost)
        free = found if tx.sqlite else found.with_for_update(skip_locked=True)
        spent = TABLE.c.attempts >= MOST_ATTEMPTS
        values = {"state": case((spent, "dead"), else_="waiting"), "error": case((spent, _LOST), else_=TABLE.c.error)}
        return (
            update(TABLE)
            .where(chosen(TABLE.c.id, free, sqlite=tx.sqlite))
            .values(**values, lease=None, lease_until=None)
        )

    tx.run("take back", build, [{"now": real}])


def _without(but: Barred, open_ones: Sequence[circuits.Circuit]) -> Barred:
    return Barred(but.names | {it.plugin for it in open_ones}, channels=but.channels)


def _claimed(
    tx: Transaction, lease: Id, at: tuple[datetime, datetime], most: int, but: Barred, only: str | None = None
) -> list[Delivery]:
    (now, real), (first, values) = at, _first(but, only=only)

    def build() -> Any:
        due = TABLE.c.run_at <= bindparam("now", type_=InstantColumn())
        mine = first.chosen(TABLE.c.id).where(due).limit(most)
        free = mine if tx.sqlite else mine.with_for_update(skip_locked=True, of=TABLE)
        taken = {"state": "running", "lease": lease, "lease_until": now}
        found = update(TABLE).where(chosen(TABLE.c.id, free, sqlite=tx.sqlite))
        found = found.values(**given(taken), attempts=TABLE.c.attempts + 1)
        return found.returning(*[TABLE.c[name] for name in (*_TOLD, "run_at")])

    taken = {"state": "running", "lease": lease, "lease_until": leases.until(real)}
    rows = tx.query(("claim", most, first), build, {"now": now, **values, **new(taken)})
    rows.sort(key=lambda row: (row["run_at"], row["entry_id"]))
    return [Delivery(**{name: row[name] for name in _TOLD}) for row in rows]


def _waiting_since(tx: Transaction, but: Barred, only: str | None = None) -> datetime | None:
    first, values = _first(but, only=only)
    build = lambda: first.chosen(TABLE.c.run_at).limit(1)  # noqa: E731
    rows = tx.query(("waiting since", first), build, values)
    return rows[0]["run_at"] if rows else None


@attrs.frozen
class _First:
    """What waits and has nothing before it: of all plugins but so many, or of one; the shape of a statement."""

    names: int
    channels: bool
    one: bool

    def chosen(self, column: ColumnElement[Any]) -> Select[Any]:
        """Select a column of it, the first first."""
        mine: list[ColumnElement[bool]] = [TABLE.c.state == "waiting", _no_other_first()]
        if self.names:
            mine.append(~among(TABLE.c.plugin, self.names, "p"))
        if self.channels:
            mine.append(~of_channels(TABLE.c.plugin))
        if self.one:
            mine.append(TABLE.c.plugin == bindparam("only", type_=TABLE.c.plugin.type))
        return select(column).where(*mine).order_by(TABLE.c.run_at, TABLE.c.entry_id)


def _first(but: Barred, *, only: str | None) -> tuple[_First, dict[str, Any]]:
    """Return the shape of a statement, and its parameters."""
    number, values = numbered(sorted(but.names), "p") if but.names else (0, {})
    return _First(number, but.channels, only is not None), {"only": only, **values}


def _no_other_first() -> ColumnElement[bool]:
    """Say in SQL that every earlier event of the plugin and record is done, or comes before it among what waits.

    As a value that is looked up for each row: a database that joins instead reads the whole table for fifty rows.
    """
    before = TABLE.alias()
    behind = or_(
        *(before.c.state == state for state in ("running", "held", "dead")),
        and_(before.c.state == "waiting", before.c.run_at > TABLE.c.run_at),
    )
    earlier = (*same_line(before, TABLE), before.c.entry_id < TABLE.c.entry_id)
    return select(before.c.id).where(*earlier, behind).correlate(TABLE).limit(1).scalar_subquery().is_(None)
