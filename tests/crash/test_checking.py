"""What the checker sees: a run in which all is well, and one whose timers somebody took away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete
from tests.crash.checking import busy, check
from tests.crash.processes import PLUGINS
from tests.crash.timing import DAILY
from tests.crash.writing import AHEAD, PIPELINE

from opencrm import CRM, Activity, Company, Create, Deal, records
from opencrm.embed import ManualClock
from opencrm.storage import tables

MADE = [("title", "deal"), ("subject", "plan")]
LOST = {
    "rotten": ["rotten: 'rotten deal' is missing"],
    "field": ["ahead: 'ahead plan' is missing", "since: 'since plan' is missing"],
    "sla": ["promised: 'Promised deal' is missing", "breached: 'deal' is missing"],
    "every": [f"timers: 'every:daily_{minute}' is lost" for minute in (0, 1, 10, 11, 12)],
}


@pytest.fixture
def crm(tmp_path):
    clock = ManualClock(datetime(2026, 3, 2, 11, 59, 50, tzinfo=UTC))
    opened = CRM(f"sqlite:///{tmp_path / 'one.db'}", plugin_dir=PLUGINS, clock=clock)
    owner = opened.init(owner="Olive Owner", email="olive@example.com")
    with opened.work(owner) as work:
        records.create(work, [Create(Deal, title=DAILY, pipeline=PIPELINE)])
    settle(opened)
    with opened.work(owner) as work:
        records.create(work, [Create(Deal, title="deal", pipeline=PIPELINE)])
        records.create(work, [Create(Activity, subject="plan", happened_at=opened.clock.now() + AHEAD)])
    yield opened
    opened.close()


def settle(crm):
    for _ in range(3):
        crm.worker().run_once()
        crm.advance(timedelta(seconds=4))


def lose(crm, kind):
    with crm.database.write() as tx:
        tx.run(("lose", kind), lambda: delete(tables.timer).where(tables.timer.c.kind == kind), [{"kind_1": kind}])


def test_all_is_well(crm):
    assert busy(crm) > 0
    settle(crm)
    found = check(crm, [], MADE, [], crm.clock.now())
    assert (found.wrong, busy(crm)) == ([], 0)
    assert [found.figures[name] for name in ("rotten", "promised", "breached", "ahead", "since", "daily")] == [
        *[2, 2, 2, 1, 1, 1]
    ]


@pytest.mark.parametrize("kind", LOST)
def test_a_timer_that_is_lost_is_found(crm, kind):
    lose(crm, kind)
    if kind == "every":
        assert [it for it in check(crm, [], MADE, [], crm.clock.now()).wrong if "is lost" in it] == LOST[kind]
        return
    settle(crm)
    assert check(crm, [], MADE, [], crm.clock.now()).wrong == LOST[kind]


def test_a_timer_that_is_overdue_is_found(crm):
    crm.clock.advance(timedelta(seconds=30))
    assert busy(crm) > 0
    assert any("timers: 'rotten:" in it for it in check(crm, [], MADE, [], crm.clock.now()).wrong)


def test_what_came_twice_is_found(crm):
    settle(crm)
    with crm.work(crm.sole_owner()) as work:
        records.create(work, [Create(Company, name="since plan"), Create(Activity, subject="daily 12:00")])
    wrong = check(crm, [], MADE, [], crm.clock.now()).wrong
    assert wrong == ["daily: 'daily 12:00' is there 2 times", "since: 'since plan' is there 2 times"]
