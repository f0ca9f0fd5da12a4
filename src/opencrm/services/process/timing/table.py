"""The table of timers: each row fires in the transaction of its effect, and goes with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import Integer, Select, Text, bindparam, cast, delete, func, select, update

from opencrm.core.change import Values
from opencrm.core.columns import IdColumn, InstantColumn, key_column
from opencrm.core.values import Id
from opencrm.services.queue.leases import backoff
from opencrm.services.queue.once import storable_error
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction
from opencrm.storage.upserts import upsert

MOST = 50
"""How many timers fire in one transaction."""
MOST_ATTEMPTS = 8
_CANDIDATES = 200
_TIMER = tables.timer


@attrs.frozen(kw_only=True)
class Timer:
    """What is to be done at an instant.

    Attributes:
        kind: What it is about: `rotten`, `field`, `every` or `sla`; `again` where a rule could not be run for a record
            at its time of the day, `task` where a step of a task could not be done.
        key: Tells it from every other; setting it anew moves it.
        entity: What kind of record it is about.
        record_id: Which one; None where it is about many.
        due_at: When.
        payload: What is needed to do it, as JSON.
        id: Its own; another one each time that it is set.
        attempts: How often it failed.
    """

    kind: str
    key: str
    entity: str
    record_id: Id | None
    due_at: datetime
    payload: Mapping[str, Any]
    id: Id = ""
    attempts: int = 0


def set_all(tx: Transaction, timers: Sequence[Timer], ids: Sequence[Id]) -> None:
    """Set timers, in place of those of the same keys; a worker is told."""
    if not timers:
        return
    rows = [
        attrs.asdict(timer) | {"id": id, "payload": dict(timer.payload), "state": "waiting", "error": None}
        for timer, id in sorted(zip(timers, ids, strict=True), key=lambda pair: pair[0].key)
    ]
    names = [column.name for column in _TIMER.c]
    tx.run("set timers", lambda: upsert(_TIMER, names, ["key"], sqlite=tx.sqlite), rows)
    tx.wakes = True


def drop_all(tx: Transaction, keys: Iterable[str]) -> None:
    """Take timers away by their keys."""
    wanted = sorted(set(keys))
    if not wanted:
        return

    def build() -> Any:
        return delete(_TIMER).where(_TIMER.c.key == bindparam("one", type_=key_column(200)))

    tx.run("drop timers", build, [{"one": key} for key in wanted])


def next_at(tx: Transaction) -> datetime | None:
    """Return when the next timer is due."""

    def build() -> Select[Any]:
        waiting = _TIMER.c.state == bindparam("state", type_=key_column(16))
        return select(_TIMER.c.due_at).where(waiting).order_by(_TIMER.c.due_at).limit(1)

    rows = tx.query("next timer", build, {"state": "waiting"})
    return rows[0]["due_at"] if rows else None


def due(tx: Transaction, now: datetime) -> list[Timer]:
    """Return timers that are due, the first first; no other worker is given them until the transaction ends.

    Their rows are not locked: who changes a record locks it first and its timer then, and so does who fires it.
    """

    def build() -> Select[Any]:
        waiting = _TIMER.c.state == bindparam("state", type_=key_column(16))
        come = _TIMER.c.due_at <= bindparam("now", type_=InstantColumn())
        found = select(_TIMER).where(waiting, come).order_by(_TIMER.c.due_at)
        if tx.sqlite:
            return found.limit(MOST)
        several = found.limit(_CANDIDATES).subquery()
        key = func.hashtextextended(cast(several.c.id, Text), 0)
        free = func.pg_try_advisory_xact_lock(key)
        return select(several).where(free).order_by(several.c.due_at).limit(MOST)

    return [_read(row) for row in tx.query("due timers", build, {"state": "waiting", "now": now})]


def held(tx: Transaction, timer: Timer) -> bool:
    """Say whether a timer is still set as it was read, and lock it; call it when its record is locked."""
    if tx.sqlite:
        return True

    def build() -> Select[Any]:
        return select(_TIMER.c.id).where(_TIMER.c.id == bindparam("one", type_=IdColumn())).with_for_update()

    return bool(tx.query("hold timer", build, {"one": timer.id}))


def again(tx: Transaction, timer: Timer, at: datetime, payload: Mapping[str, Any]) -> None:
    """Set a timer that fired, or was given up, for another time."""
    _update(tx, timer, {"state": "waiting", "due_at": at, "payload": dict(payload), "attempts": 0, "error": None})
    tx.wakes = True


def done(tx: Transaction, timer: Timer) -> None:
    """Take away a timer that fired."""

    def build() -> Any:
        return delete(_TIMER).where(_TIMER.c.id == bindparam("one", type_=IdColumn()))

    tx.run("timer done", build, [{"one": timer.id}])


def failed(tx: Transaction, timer: Timer, error: str, now: datetime) -> bool:
    """Try a timer again later, or leave it dead after the last attempt; say whether it is dead."""
    attempts = timer.attempts + 1
    dead = attempts >= MOST_ATTEMPTS
    later = now + backoff(attempts)
    state = "dead" if dead else "waiting"
    _update(tx, timer, {"state": state, "attempts": attempts, "due_at": later, "error": storable_error(error)})
    return dead


def dead(tx: Transaction, most: int = MOST) -> list[Values]:
    """Return timers that failed too often, as rows, the oldest first."""

    def build() -> Select[Any]:
        gone = _TIMER.c.state == bindparam("state", type_=key_column(16))
        return select(_TIMER).where(gone).order_by(_TIMER.c.due_at).limit(bindparam("most", type_=Integer()))

    return list(tx.query("dead timers", build, {"state": "dead", "most": most}))


def dead_one(tx: Transaction, id: Id) -> Timer | None:
    """Return a timer that failed too often, and keep it from everybody else; None where there is none of this id."""

    def build() -> Select[Any]:
        mine = _TIMER.c.id == bindparam("one", type_=IdColumn())
        found = select(_TIMER).where(mine, _TIMER.c.state == bindparam("state", type_=key_column(16)))
        return found if tx.sqlite else found.with_for_update()

    rows = tx.query("dead timer", build, {"one": id, "state": "dead"})
    return _read(rows[0]) if rows else None


def revive(tx: Transaction, id: Id | None, now: datetime) -> int:
    """Try a dead timer again at once, or all of them where none is named; return how many there were."""

    def build() -> Any:
        given = {name: bindparam(f"new_{name}", type_=_TIMER.c[name].type) for name in ("state", "attempts", "due_at")}
        mine = [_TIMER.c.state == bindparam("was", type_=key_column(16))]
        if id is not None:
            mine.append(_TIMER.c.id == bindparam("one", type_=IdColumn()))
        return update(_TIMER).where(*mine).values(given)

    values = {"one": id, "was": "dead", "new_state": "waiting", "new_attempts": 0, "new_due_at": now}
    tx.wakes = True
    return tx.run(("revive timers", id is None), build, [values])


def keys_of(tx: Transaction, kind: str) -> list[str]:
    """Return the keys of the timers of a kind."""

    def build() -> Select[Any]:
        return select(_TIMER.c.key).where(_TIMER.c.kind == bindparam("kind", type_=key_column(16)))

    return [row["key"] for row in tx.query("keys of timers", build, {"kind": kind})]


def _update(tx: Transaction, timer: Timer, values: Mapping[str, Any]) -> None:
    def build() -> Any:
        given = {name: bindparam(f"new_{name}", type_=_TIMER.c[name].type) for name in values}
        return update(_TIMER).where(_TIMER.c.id == bindparam("one", type_=IdColumn())).values(given)

    row = {"one": timer.id} | {f"new_{name}": value for name, value in values.items()}
    tx.run(("update timer", tuple(values)), build, [row])


def _read(row: Values) -> Timer:
    return Timer(**{field.name: row[field.name] for field in attrs.fields(Timer)})
