"""Jobs that do nothing, through the queue and the worker, against the bare statements: insert; claim 50; delete."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from benchmarks import ids
from benchmarks.databases import Place, Raw, Row
from benchmarks.measuring import Measured, in_turn
from benchmarks.world import World, fill_with_deals, stamp, world
from opencrm import Grant, JournalEntry, Scope, hookimpl

JOBS = 1000
BATCH = 50
DELIVERY = ["id", "entry_id", "plugin", "entity", "record_id", "state", "attempts", "run_at"]
JOURNAL = ["id", "act", "at", "entity", "record_id", "kind", "principal", "after", "pending"]


class Idle:
    """A plugin that is told of every deal, and does nothing."""

    name = "sales"

    def __init__(self) -> None:
        self.calls = 0

    @hookimpl
    def opencrm_register_grants(self) -> Iterator[Grant]:
        yield Grant("deal", "read", Scope.ALL)

    @hookimpl(entity="deal")
    def opencrm_on_change(self, entry: JournalEntry) -> None:
        self.calls += 1


def measure(place: Place, rounds: int) -> Iterator[Measured]:
    """Measure the queue alone, and the whole way from the journal through fan-out, access and the plugin's hook."""
    told = Idle()
    with world(place) as theirs, world(place, plugins=[told]) as ours:
        bare, queue, worker = Bare(theirs), Queue(ours), Worked(ours, told)
        whole = Whole(theirs)
        for one, side in ((theirs, whole), (ours, worker)):
            side.run()
            one.raw.run("ANALYZE")
        for name, floor, side in (("queue alone", bare.run, queue.run), ("journal to hook", whole.run, worker.run)):
            pairs = in_turn(floor, side, rounds=max(rounds // 4, 5), warm=2)
            yield pairs.line(f"a job that does nothing ({name})", place.name, units=JOBS, target=2.0)


class Bare:
    """Hand-written: rows put in, fifty taken at a time, and deleted."""

    def __init__(self, one: World) -> None:
        self._raw = one.raw
        some = "SELECT id FROM crm_delivery WHERE state = 'waiting' AND run_at <= ? ORDER BY run_at LIMIT 50"
        mine = f"IN ({some})" if one.raw.sqlite else f"= ANY (ARRAY({some} FOR UPDATE SKIP LOCKED))"
        self._claim = (
            "UPDATE crm_delivery SET state = 'running', attempts = attempts + 1, lease_until = ? "
            f"WHERE id {mine} RETURNING id, entry_id, plugin, entity, record_id, attempts"
        )
        self._delete = f"DELETE FROM crm_delivery WHERE id IN ({', '.join('?' * BATCH)})"

    def run(self) -> None:
        """Work a thousand jobs off."""
        now = stamp(datetime.now(UTC), sqlite=self._raw.sqlite)  # noqa: TID251
        for _ in range(0, JOBS, 500):
            self._raw.begin()
            self._raw.load("crm_delivery", DELIVERY, [self._row(now, *ids.many(2)) for _ in range(500)])
            self._raw.commit()
        self._work_off(now)

    def _work_off(self, now: Any) -> None:
        while claimed := self._claimed(now):
            self._do(claimed)
            self._raw.begin()
            self._raw.run(self._delete, [row[0] for row in claimed])
            self._raw.commit()

    def _do(self, claimed: list[Row]) -> None:
        """Do nothing."""

    def _claimed(self, now: Any) -> list[Row]:
        self._raw.begin()
        rows = self._raw.run(self._claim, (now, now))
        self._raw.commit()
        return rows

    def _row(self, now: Any, entry: str, record: str) -> Row:
        return (ids.many(1)[0], entry, "sales", "deal", record, "waiting", 0, now)


class Whole(Bare):
    """Hand-written from the journal on: lines that wait become rows, and what each tells is read before it is done."""

    def __init__(self, one: World) -> None:
        super().__init__(one)
        self._deals = deals_of(one)
        self._raw.run("UPDATE crm_journal SET pending = false")
        self._told = 0
        self._read = (
            "SELECT id, act, at, entity, record_id, kind, principal, before, after FROM crm_journal "
            f"WHERE id IN ({', '.join('?' * BATCH)})"
        )

    def run(self) -> None:
        """Work a thousand changes off."""
        changed(self._raw, self._deals)
        now, before = stamp(datetime.now(UTC), sqlite=self._raw.sqlite), self._told  # noqa: TID251
        while self._fanned_out(now):
            pass
        self._work_off(now)
        assert self._told - before == JOBS

    def _fanned_out(self, now: Any) -> bool:
        self._raw.begin()
        lines = self._raw.run(
            "UPDATE crm_journal SET pending = false WHERE id IN "
            "(SELECT id FROM crm_journal WHERE pending ORDER BY id LIMIT 500) RETURNING id, record_id",
            (),
        )
        self._raw.load("crm_delivery", DELIVERY, [self._row(now, *line) for line in lines])
        self._raw.commit()
        return bool(lines)

    def _do(self, claimed: list[Row]) -> None:
        """Read what is told."""
        for line in self._raw.run(self._read, [row[1] for row in claimed]):
            after = line[-1]
            self._told += bool(orjson.loads(after) if isinstance(after, str) else after)


class Queue:
    """The same through opencrm's queue."""

    def __init__(self, one: World) -> None:
        self._crm = one.crm

    def run(self) -> None:
        """Work a thousand jobs off."""
        from opencrm.services import queue
        from opencrm.storage import tables

        database, now, new_ids = self._crm.database, self._crm.clock.now(), self._crm.workspace.ids.many
        for _ in range(0, JOBS, 500):
            with database.write() as tx:
                tx.insert(tables.delivery, [self._row(now) for _ in range(500)])
        with database.write() as tx:
            claimed = queue.claim(tx, new_ids(1)[0], now + timedelta(seconds=1))
        while claimed:
            with database.write() as tx:
                queue.finish(tx, claimed, [], [], now)
                claimed = queue.claim(tx, new_ids(1)[0], now + timedelta(seconds=1))

    def _row(self, now: datetime) -> dict[str, Any]:
        id, entry, record = self._crm.workspace.ids.many(3)
        values = (id, entry, "sales", "deal", record, "waiting", 0, now)
        return dict(zip(DELIVERY, values, strict=True))


class Worked:
    """A thousand changes of as many deals, told to a plugin that does nothing."""

    def __init__(self, one: World, told: Idle) -> None:
        self._raw, self._worker, self._told = one.raw, one.crm.worker(), told
        self._deals = deals_of(one)
        self._worker.run_once()

    def run(self) -> None:
        """Work them off; the journal's lines are written by hand, as part of the changes that they tell of."""
        changed(self._raw, self._deals)
        before = self._told.calls
        self._worker.run_once()
        assert self._told.calls - before == JOBS


def deals_of(one: World) -> list[str]:
    """Make as many deals as there are jobs."""
    fill_with_deals(one, JOBS)
    return [row[0] for row in one.raw.run("SELECT id FROM crm_deal ORDER BY id")]


def changed(raw: Raw, deals: list[str]) -> None:
    """Write a line of the journal for each deal, as part of a change that nobody made."""
    now = stamp(datetime.now(UTC), sqlite=raw.sqlite)  # noqa: TID251
    raw.begin()
    raw.load("crm_journal", JOURNAL, [_line(deal, now) for deal in deals])
    raw.commit()


def _line(deal: str, now: Any) -> Row:
    id, act = ids.many(2)
    return (id, act, now, "deal", deal, "changed", "system:bench", '{"source": "web"}', True)
