"""What cannot be done when it is due: it is tried again, keeps nothing else waiting, and is written down in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Table
from tests.services.process.conftest import CALL, Sales

from opencrm import CRM, ConflictError, Deal, Rule, every, hookimpl, overdue, update
from opencrm.services.process.overseeing import stuck
from opencrm.services.queue import overview
from opencrm.services.reading.rows import Record
from opencrm.storage import tables
from opencrm.testing import Firm, make_deal

Rows = Callable[[Table], list[dict[str, Any]]]


class Trouble:
    """A plugin that writes along with what is done to tasks and runs, and breaks for some of them."""

    name = "trouble"

    def __init__(self) -> None:
        self.raises: Exception | None = None
        self.only: str | None = None

    @hookimpl
    def opencrm_record_change(self, changes: Sequence[Any], door: Any) -> None:
        if self.raises is not None and any(self.only in (None, it.id, it.after.get("source")) for it in changes):
            raise self.raises

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("trouble_late", on=overdue(CALL), do=[update(source="late")])
        yield Rule("trouble_daily", on=every("Mo-Su", "12:00", of=Deal), do=[update(source="daily")])


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


@pytest.fixture
def crm_plugins(trouble: Trouble) -> Sequence[object]:
    return [Sales(), trouble]


@pytest.fixture
def late(crm: CRM, firm: Firm, tasks: Any) -> list[Record]:
    """Two tasks whose head is to be told after 15 minutes."""
    make_deal(crm, by=firm.seller, pipeline="sales", source="hot")
    make_deal(crm, by=firm.seller, pipeline="sales", source="hot")
    found: list[Record] = tasks("call")
    return found


def told(rows: Rows) -> list[str]:
    return [it["record_id"] for it in rows(tables.notification) if it["text"].startswith("Overdue")]


def held(crm: CRM) -> ConflictError:
    """Return the error that comes of a lock of somebody else's."""
    driver = crm.database.engine.dialect.loaded_dbapi
    error = ConflictError("somebody else was changing the same records; try again")
    error.__cause__ = driver.OperationalError("database is locked")
    return error


@pytest.mark.parametrize("error", [ValueError("broken"), ConflictError("as a plugin sees it")])
def test_a_step_that_cannot_be_done_is_tried_again(
    crm: CRM, firm: Firm, trouble: Trouble, late: list[Record], rows: Rows, error: Exception
) -> None:
    """The other task's head is told meanwhile; its own as soon as it can be."""
    trouble.raises, trouble.only = error, late[0].id
    crm.advance("15m")
    crm.advance("4s")
    assert told(rows) == [late[1].id]
    trouble.raises = None
    crm.advance("1s")
    assert told(rows) == [late[1].id, late[0].id]
    assert rows(tables.timer) == [it for it in rows(tables.timer) if it["kind"] == "every"]


def test_a_step_that_can_never_be_done_is_left_out_in_the_end(
    crm: CRM, firm: Firm, trouble: Trouble, late: list[Record], rows: Rows
) -> None:
    """The history of runs tells why, once, whatever a plugin wrote into its error; until then nobody spins."""
    trouble.raises, trouble.only = ValueError("cannot \udc80 tell \x00 anybody"), "late"
    crm.advance("15m")
    assert crm.worker().run_once() == 0
    tried = [it for it in rows(tables.timer) if it["kind"] == "task"]
    assert [(it["attempts"], it["record_id"]) for it in tried] == [(1, it.id) for it in late]
    crm.advance("1h")
    failed = [it for it in rows(tables.run) if it["state"] == "failed"]
    assert [(it["record_id"], it["steps"][0]["action"]) for it in failed] == [(it.id, "escalate") for it in late]
    assert r"cannot \udc80 tell \x00 anybody" in failed[0]["error"]
    assert r"cannot \udc80 tell \x00 anybody" in failed[0]["steps"][0]["error"]
    assert ([it for it in rows(tables.timer) if it["kind"] == "task"], told(rows)) == ([], [])


def test_where_not_even_that_can_be_written_an_owner_sees_it(
    crm: CRM, firm: Firm, trouble: Trouble, late: list[Record], rows: Rows
) -> None:
    """It is dead, and begun again by them."""
    trouble.raises, trouble.only = ValueError("broken"), late[0].id
    crm.advance("30m")
    with crm.read(firm.owner) as reader:
        [one] = stuck.stuck(reader)
    assert (one.kind, one.name, one.record_id) == ("timer", "call", late[0].id)
    assert crm.worker().run_once() == 0
    trouble.raises = None
    with crm.work(firm.owner) as work:
        overview.retry(work, id=one.id)
    crm.worker().run_once()
    assert told(rows) == [late[1].id, late[0].id]


def test_an_owner_may_give_it_up(crm: CRM, firm: Firm, trouble: Trouble, late: list[Record], rows: Rows) -> None:
    """The task goes on with its next step, and its history tells who gave the step up."""
    trouble.raises, trouble.only = ValueError("broken"), late[0].id
    crm.advance("30m")
    trouble.raises = None
    with crm.work(firm.owner) as work:
        [one] = stuck.stuck(work)
        overview.drop(work, one.id, "too late")
    crm.advance("1h")
    assert (told(rows), [it["kind"] for it in rows(tables.timer)]) == ([late[1].id], ["every"])
    ended = [(it["state"], it["rule"]) for it in rows(tables.run) if it["record_id"] == late[0].id]
    assert ended == [("given_up", "call")]


@pytest.mark.parametrize("what", ["a task", "a rule of the time of the day"])
def test_a_lock_of_somebody_elses_costs_nothing(
    crm: CRM, firm: Firm, trouble: Trouble, late: list[Record], rows: Rows, what: str
) -> None:
    """Nothing is kept of the attempt, and nothing counts as failed: the worker comes back."""
    trouble.raises, trouble.only = held(crm), late[0].id if what == "a task" else "daily"
    with pytest.raises(ConflictError):
        crm.advance("15m" if what == "a task" else "4h")
    assert [it for it in rows(tables.timer) if it["attempts"] or it["kind"] != "every"] == []
    assert [it for it in rows(tables.run) if it["state"] == "failed"] == []
    trouble.raises = None
    crm.advance("1s")
    assert sorted(told(rows)) == sorted(it.id for it in late)
    assert [it["source"] for it in rows(Deal.__table__)] == ["late" if what == "a task" else "daily"] * 2


def test_a_rule_that_cannot_run_for_a_record_runs_for_the_others(
    crm: CRM, firm: Firm, trouble: Trouble, late: list[Record], rows: Rows
) -> None:
    """For that one it is tried again, whatever the error."""
    crm.advance("1h")
    first = rows(Deal.__table__)[0]["id"]
    trouble.raises, trouble.only = ValueError("broken"), first
    crm.advance("2h1s")
    assert [it["source"] for it in rows(Deal.__table__)] == ["late", "daily"]
    [again] = [it for it in rows(tables.timer) if it["kind"] == "again"]
    assert (again["record_id"], again["attempts"]) == (first, 1)
    trouble.raises = None
    crm.advance("10s")
    assert [it["source"] for it in rows(Deal.__table__)] == ["daily", "daily"]
    assert [it["kind"] for it in rows(tables.timer)] == ["every"]
