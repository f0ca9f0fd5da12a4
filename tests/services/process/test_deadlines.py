"""What happens at the deadline: once, at its instant, whoever is there to see it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Table

from opencrm import CRM, Membership, Query, Task, Update, organisation, records
from opencrm.services.reading.rows import Record
from opencrm.storage import tables
from opencrm.testing import MONDAY, Firm, make_deal, make_task

Rows = Callable[[Table], list[dict[str, Any]]]
Tasks = Callable[..., list[Record]]


@pytest.fixture
def told(rows: Rows) -> Callable[[], list[tuple[str, str, timedelta]]]:
    """`told()`: who was told what, and how long after Monday at nine; but of new tasks."""

    def found() -> list[tuple[str, str, timedelta]]:
        several = rows(tables.notification)
        return [(it["user_id"], it["text"], it["at"] - MONDAY) for it in several if not it["text"].startswith("New ")]

    return found


@pytest.fixture
def late(crm: CRM, firm: Firm) -> Record:
    """A request of the seller's, to be answered within 15 minutes."""
    return make_deal(crm, by=firm.seller, pipeline="sales", source="hot")


OVERDUE = ("Overdue: {title}", timedelta(minutes=15))


def test_the_head_is_told_at_the_very_moment(crm: CRM, firm: Firm, late: Record, told: Any) -> None:
    crm.advance("14m59s")
    assert told() == []
    crm.advance("1s")
    assert told() == [(firm.head.id, *OVERDUE)]


def test_the_head_is_told_once(crm: CRM, firm: Firm, late: Record, told: Any) -> None:
    crm.advance("15m")
    crm.advance("2d")
    assert crm.worker().run_once() == 0
    assert told() == [(firm.head.id, *OVERDUE)]


def test_a_worker_that_finds_nothing_due_writes_nothing(crm: CRM, late: Record, statements: Any) -> None:
    """Others write meanwhile: it does not wait for its turn only to see that there is nothing to do."""
    worker = crm.worker()
    worker.run_once()
    statements.clear()
    worker.run_once()
    assert [it for it in statements.texts if "IMMEDIATE" in it or "FOR UPDATE" in it] == []


def test_a_finished_task_wakes_nobody(crm: CRM, firm: Firm, late: Record, finish: Any, told: Any) -> None:
    crm.advance("14m")
    finish("call", by=firm.seller)
    crm.advance("30m")
    assert told() == []


def test_a_task_that_is_finished_at_the_deadline_is_finished(
    crm: CRM, firm: Firm, late: Record, finish: Any, told: Any, tasks: Tasks
) -> None:
    crm.clock.advance(timedelta(minutes=15))  # type: ignore[attr-defined]
    finish("call", by=firm.seller)
    assert crm.worker().run_once() >= 0
    [call] = tasks("call")
    assert (told(), call.state, call.done_at) == ([], "done", call.due_at)


def test_a_task_that_is_finished_when_its_deadline_has_passed_is_late(
    crm: CRM, firm: Firm, late: Record, finish: Any, told: Any, tasks: Tasks
) -> None:
    """At the same instant, too: the head was told, and it is no more in time."""
    crm.advance("15m")
    finish("call", by=firm.seller)
    [call] = tasks("call")
    assert (call.state, call.done_at - call.due_at) == ("done", timedelta(microseconds=1))
    assert told() == [(firm.head.id, *OVERDUE)]


def test_of_a_worker_and_whoever_finishes_at_the_deadline_one_wins(
    crm: CRM, firm: Firm, rows: Rows, tasks: Tasks
) -> None:
    """Each task is either told of and late, or in time and told to nobody."""
    due = MONDAY + timedelta(hours=1)
    several = [make_task(crm, by=firm.seller, due_at=due) for _ in range(30)]
    crm.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]

    def finish_all() -> None:
        for one in reversed(several):
            with crm.work(firm.seller) as work:
                records.update(work, [Update(Task, one.id, state="done")])

    finisher = Thread(target=finish_all)
    finisher.start()
    while finisher.is_alive():
        crm.worker().run_once()
    finisher.join()
    told = [it["record_id"] for it in rows(tables.notification)]
    assert [it.state for it in tasks()] == ["done"] * 30
    assert sorted(it.id for it in tasks() if it.done_at > it.due_at) == sorted(told)


def test_a_worker_that_was_away_tells_once_when_it_is_back(crm: CRM, firm: Firm, late: Record, told: Any) -> None:
    crm.clock.advance(timedelta(days=3))  # type: ignore[attr-defined]
    crm.worker().run_once()
    assert told() == [(firm.head.id, "Overdue: {title}", timedelta(days=3))]
    crm.worker().run_once()
    assert len(told()) == 1


def test_where_the_head_has_the_task_the_next_one_up_is_told(crm: CRM, firm: Firm, told: Any) -> None:
    with crm.work(firm.owner) as work:
        [seat] = (
            work.list(Query(Membership, where=None)).records
            if False
            else [it for it in work.list(Query(Membership)) if it.user_id == firm.owner.id]
        )
        records.update(work, [Update(Membership, seat.id, is_head=True)])
    make_deal(crm, by=firm.head, pipeline="sales", source="hot")
    crm.advance("15m")
    assert told() == [(firm.owner.id, *OVERDUE)]


def test_a_task_that_nobody_can_have_waits_in_its_unit(
    crm: CRM, firm: Firm, late: Record, finish: Any, told: Any, tasks: Tasks
) -> None:
    with crm.work(firm.owner) as work:
        organisation.disable(work, firm.fitter.id)
    finish("call", by=firm.seller)
    [measure] = tasks("measure")
    assert (measure.owner_id, measure.unit_id) == (None, firm.units["north_shop"])
    assert [(who, text) for who, text, _ in told()] == [(firm.head.id, "Nobody has this task: {title}")]


def test_a_task_by_hand_reminds_its_owner_when_it_is_due(crm: CRM, firm: Firm, told: Any) -> None:
    make_task(crm, by=firm.seller, due_at=MONDAY + timedelta(hours=1))
    make_task(crm, by=firm.seller, due_at=MONDAY - timedelta(hours=1))
    crm.advance("2h")
    assert told() == [(firm.seller.id, "Overdue: {title}", timedelta(hours=1))]


def test_another_deadline_is_another_reminder(crm: CRM, firm: Firm, told: Any) -> None:
    task = make_task(crm, by=firm.seller, due_at=MONDAY + timedelta(hours=1))
    crm.advance("90m")
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Task, task.id, due_at=MONDAY + timedelta(hours=3))])
    crm.advance("1d")
    assert [after for _, _, after in told()] == [timedelta(hours=1), timedelta(hours=3)]


def test_a_task_that_opens_again_is_due_again(crm: CRM, firm: Firm, told: Any) -> None:
    task = make_task(crm, by=firm.seller, due_at=MONDAY + timedelta(hours=1))
    for state in ("done", "open"):
        with crm.work(firm.seller) as work:
            records.update(work, [Update(Task, task.id, state=state)])
    crm.advance("1d")
    assert len(told()) == 1


def test_time_spent_is_the_time_in_which_it_was_started(crm: CRM, firm: Firm, tasks: Tasks) -> None:
    task = make_task(crm, by=firm.seller)
    for state, wait in (("started", "40m"), ("paused", "3h"), ("started", "20m"), ("done", "1h")):
        with crm.work(firm.seller) as work:
            records.update(work, [Update(Task, task.id, state=state)])
        crm.advance(wait)
    [found] = tasks()
    assert (found.spent, found.done_at) == (3600, MONDAY + timedelta(hours=4))
