"""A task comes to a state from some others only, on whatever way; undoing brings back what it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from opencrm import CRM, DomainError, Objected, Task, Undo, Update, records, undoing
from opencrm import tasks as acts
from opencrm.services.reading.rows import Record
from opencrm.testing import Firm, make_deal, make_task


@pytest.fixture
def task(crm: CRM, firm: Firm) -> Record:
    return make_task(crm, by=firm.seller)


def set_state(crm: CRM, firm: Firm, task: Record, *states: str) -> None:
    for state in states:
        with crm.work(firm.seller) as work:
            records.update(work, [Update(Task, task.id, values={"state": state})])


@pytest.mark.parametrize("way", [("started", "paused", "started", "done"), ("cancelled", "open"), ("done", "open")])
def test_states_that_follow_upon_each_other(crm: CRM, firm: Firm, task: Record, way: tuple[str, ...]) -> None:
    set_state(crm, firm, task, *way)
    with crm.read(firm.seller) as reader:
        assert reader.get(Task, task.id).state == way[-1]


@pytest.mark.parametrize(
    "way", [("paused",), ("done", "paused"), ("done", "cancelled"), ("cancelled", "started"), ("open", "paused")]
)
def test_states_that_do_not(crm: CRM, firm: Firm, task: Record, way: tuple[str, ...]) -> None:
    set_state(crm, firm, task, *way[:-1])
    with pytest.raises(Objected) as caught:
        set_state(crm, firm, task, way[-1])
    [told] = caught.value.details["objections"]
    assert (told["field"], told["code"], told["record"]) == ("state", "task_state", task.id)
    assert f"it cannot become {way[-1]}" in told["text"]


def test_what_a_stage_gave_is_not_opened_again(crm: CRM, firm: Firm, tasks: Callable[..., list[Record]]) -> None:
    """What followed from its end would follow twice."""
    make_deal(crm, by=firm.seller, pipeline="sales", source="hot")
    [call] = tasks("call")
    set_state(crm, firm, call, "cancelled")
    with pytest.raises(Objected, match="it cannot become open"):
        set_state(crm, firm, call, "open")


def test_what_is_done_is_not_done_again(crm: CRM, firm: Firm, task: Record) -> None:
    for act in (acts.cancel, acts.start, acts.pause):
        set_state(crm, firm, done := make_task(crm, by=firm.seller), "done")
        with pytest.raises(DomainError, match="this task is done"), crm.work(firm.seller) as work:
            act(work, [done.id])


def test_undoing_brings_it_back(crm: CRM, firm: Firm, task: Record) -> None:
    with crm.work(firm.seller) as work:
        [line] = acts.cancel(work, [task.id])
    with crm.work(firm.seller) as work:
        undoing.undo(work, [Undo(entry=line.entry_id)])
        assert work.get(Task, task.id).state == "open"
