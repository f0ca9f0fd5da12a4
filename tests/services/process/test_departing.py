"""A record that is deleted takes its open tasks with it, and brings them back when it comes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table

from opencrm import CRM, Contact, Deal, Delete, Query, Restore, Task, Undo, Update, records, undoing
from opencrm.core.change import JournalEntry
from opencrm.services.cleaning import merging
from opencrm.services.reading.rows import Record
from opencrm.storage import tables
from opencrm.testing import MONDAY, Firm, make_contact, make_deal, make_task

Rows = Callable[[Table], list[dict[str, Any]]]
Tasks = Callable[..., list[Record]]


@pytest.fixture
def late(crm: CRM, firm: Firm) -> Record:
    """A request of the seller's, to be answered within 15 minutes."""
    return make_deal(crm, by=firm.seller, pipeline="sales", source="hot")


def delete(crm: CRM, firm: Firm, id: str, entity: Any = Deal) -> JournalEntry:
    with crm.work(firm.head) as work:
        [line] = records.delete(work, [Delete(entity, id)])
    return line


def restore(crm: CRM, firm: Firm, line: JournalEntry) -> None:
    with crm.work(firm.head) as work:
        records.restore(work, [Restore(Deal, line.record_id)])


def undo_line(crm: CRM, firm: Firm, line: JournalEntry) -> None:
    with crm.work(firm.head) as work:
        undoing.undo(work, [Undo(entry=line.entry_id)])


def undo_act(crm: CRM, firm: Firm, line: JournalEntry) -> None:
    with crm.work(firm.head) as work:
        undoing.undo(work, [Undo(act=line.act)])


def told_of(rows: Rows) -> list[str]:
    return [it["text"] for it in rows(tables.notification) if not it["text"].startswith("New task")]


def test_its_open_tasks_are_cancelled(crm: CRM, firm: Firm, late: Record, tasks: Tasks, rows: Rows) -> None:
    line = delete(crm, firm, late.id)
    [call] = tasks("call")
    assert (call.state, call.wakes_at) == ("cancelled", None)
    with crm.read(firm.owner) as reader:
        last = reader.history(Task, call.id)[-1]
    assert (last.act, last.cause, last.acting_as) == (line.act, line.entry_id, "system")
    crm.advance("1d")
    assert told_of(rows) == []


def test_nothing_follows_from_that(crm: CRM, firm: Firm, late: Record, rows: Rows) -> None:
    """What a cancelled task entails would be about a record that is gone."""
    before = len(rows(tables.run))
    delete(crm, firm, late.id)
    assert len(rows(tables.run)) == before


@pytest.mark.parametrize("back", [restore, undo_line, undo_act])
def test_they_come_back_with_it(
    crm: CRM, firm: Firm, late: Record, tasks: Tasks, rows: Rows, back: Callable[..., None]
) -> None:
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Task, tasks("call")[0].id, state="started")])
    line = delete(crm, firm, late.id)
    crm.advance("5m")
    back(crm, firm, line)
    [call] = tasks("call")
    assert (call.state, call.wakes_at) == ("started", MONDAY + timedelta(minutes=15))
    crm.advance("10m")
    assert told_of(rows) == ["Overdue: {title}"]


def test_what_somebody_cancelled_before_stays_so(crm: CRM, firm: Firm, late: Record, tasks: Tasks) -> None:
    """Though it was at the very same instant."""
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Task, tasks("call")[0].id, state="cancelled")])
    restore(crm, firm, delete(crm, firm, late.id))
    assert tasks("call")[0].state == "cancelled"


def test_it_may_go_and_come_back_again(crm: CRM, firm: Firm, late: Record, tasks: Tasks) -> None:
    for back in (restore, undo_line, undo_act, restore):
        back(crm, firm, delete(crm, firm, late.id))
        assert tasks("call")[0].state == "open"
        crm.advance("1m")


def test_tasks_beyond_the_reach_of_whoever_deletes_go_too(crm: CRM, firm: Firm, late: Record, tasks: Tasks) -> None:
    hidden = make_task(crm, by=firm.owner, owner_id=firm.stranger.id, unit_id=firm.units["south"], deal_id=late.id)
    with crm.work(firm.seller) as work:
        records.delete(work, [Delete(Deal, late.id)])
    assert {it.id: it.state for it in tasks()}[hidden.id] == "cancelled"


def test_a_task_about_something_else_goes_on(crm: CRM, firm: Firm, late: Record, tasks: Tasks) -> None:
    """A task about a deal names its client as well, and is about the deal."""
    client = make_contact(crm, by=firm.seller)
    make_task(crm, by=firm.seller, deal_id=late.id, contact_id=client.id, title="About the deal")
    make_task(crm, by=firm.seller, contact_id=client.id, title="About the client")
    delete(crm, firm, client.id, Contact)
    assert {it.title: it.state for it in tasks() if it.kind is None} == {
        "About the deal": "open",
        "About the client": "cancelled",
    }


def test_of_records_that_are_merged_the_tasks_go_on(crm: CRM, firm: Firm, late: Record, tasks: Tasks) -> None:
    other = make_deal(crm, by=firm.seller, pipeline="sales", source="hot")
    with crm.work(firm.owner) as work:
        merging.merge(work, merging.Merge(Deal, other.id, (late.id,)))
    assert {(it.state, it.deal_id) for it in tasks("call")} == {("open", other.id)}


def test_many_at_once(crm: CRM, firm: Firm) -> None:
    several = [make_deal(crm, by=firm.seller, pipeline="sales").id for _ in range(7)]
    with crm.work(firm.head) as work:
        lines = records.delete(work, [Delete(Deal, id) for id in several])
    with crm.read(firm.owner) as reader:
        assert {it.state for it in reader.list(Query(Task))} == {"cancelled"}
    with crm.work(firm.head) as work:
        undoing.undo(work, [Undo(act=lines[0].act)])
    with crm.read(firm.owner) as reader:
        assert [it.state for it in reader.list(Query(Task))] == ["open"] * 7
