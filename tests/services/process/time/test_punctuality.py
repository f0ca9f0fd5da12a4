"""With a real clock and worker: what is due fires at once, however much waits; what was missed fires once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opencrm import CRM, Deal, Rule, after, hookimpl, notify, owner
from opencrm.embed import SystemClock
from opencrm.storage import tables
from opencrm.testing import Firm, make_deal
from opencrm.testing.firm import WindowSales

NUMBER = 100_000


class Soon:
    """A plugin whose rule runs a moment after a deal was made."""

    name = "soon"

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("soon", on=after(Deal, "created_at", "2s"), do=[notify(owner, "Now: {title}")])


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Soon()]


@pytest.fixture
def live(crm: CRM) -> Iterator[CRM]:
    """The workspace with the system's clock."""
    opened = CRM(
        engine=crm.database.engine, schema=crm.database.schema, plugins=[WindowSales(), Soon()], clock=SystemClock()
    )
    yield opened
    opened.close()


def told(crm: CRM) -> list[dict[str, Any]]:
    with crm.database.read() as tx:
        return [dict(row) for row in tx.query("told", tables.notification.select, {})]


def wait_for(crm: CRM, number: int, seconds: float) -> datetime:
    """Return when that many notifications stood there."""
    end = time.monotonic() + seconds
    while len(told(crm)) < number:
        assert time.monotonic() < end, "it did not fire"
        time.sleep(0.02)
    return datetime.now(UTC)


def fill(crm: CRM) -> None:
    """Have many timers wait for a day far away."""
    far = datetime.now(UTC) + timedelta(days=300)
    ids = crm.workspace.ids.many(NUMBER)
    common = {
        "kind": "field",
        "entity": "deal",
        "payload": {"rule": "soon", "at": ""},
        "state": "waiting",
        "attempts": 0,
    }
    with crm.database.write() as tx:
        tx.insert(
            tables.timer,
            [
                {**common, "id": id, "key": f"k{at}", "record_id": id, "due_at": far + timedelta(seconds=at)}
                for at, id in enumerate(ids)
            ],
        )


def test_a_due_timer_fires_within_a_second_with_a_hundred_thousand_waiting(live: CRM, firm: Firm) -> None:
    fill(live)
    with live.worker().running():
        time.sleep(1)
        made = make_deal(live, by=firm.seller)
        seen = wait_for(live, 1, 20)
    due = made.created_at + timedelta(seconds=2)
    [row] = told(live)
    print(f"due to fired: {(row['at'] - due).total_seconds():.3f} s, seen after {(seen - due).total_seconds():.3f} s")
    assert timedelta() <= row["at"] - due < timedelta(seconds=1)
    with live.database.read() as tx:
        assert tx.query("left", lambda: tables.timer.select().where(tables.timer.c.due_at <= seen), {}) == []


def test_what_was_due_while_no_worker_ran_fires_once_when_one_starts(live: CRM, firm: Firm) -> None:
    make_deal(live, by=firm.seller)
    time.sleep(2.2)
    assert told(live) == []
    for _ in range(2):
        with live.worker().running():
            wait_for(live, 1, 20)
            time.sleep(0.5)
    assert len(told(live)) == 1


def test_two_workers_fire_it_once(live: CRM, firm: Firm) -> None:
    with live.worker().running(), live.worker().running():
        for _ in range(20):
            make_deal(live, by=firm.seller)
        wait_for(live, 20, 30)
        time.sleep(0.5)
    assert len(told(live)) == 20
