"""Stages give tasks, ask for what is missing, and do what they say: with the move, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from opencrm import (
    CRM,
    Assign,
    Create,
    Deal,
    History,
    InputError,
    Kind,
    Move,
    Principal,
    RequirementMissing,
    Task,
    Undo,
    Update,
    assigning,
    pipelines,
    records,
    undoing,
)
from opencrm.services.reading.rows import Record
from opencrm.testing import MONDAY, Firm, make_contact, make_deal

Tasks = Callable[..., list[Record]]


@pytest.fixture
def request_of(crm: CRM, firm: Firm) -> Callable[..., Record]:
    """`request_of("hot")`: a deal in the first stage, of the seller's."""

    def made(heat: str = "hot", **fields: Any) -> Record:
        contact = make_contact(crm, by=firm.seller, name="Maria Lopez")
        return make_deal(crm, by=firm.seller, pipeline="sales", source=heat, contact_id=contact.id, **fields)

    return made


def test_entering_a_stage_gives_its_task(request_of: Callable[..., Record], tasks: Tasks, firm: Firm) -> None:
    deal = request_of()
    [call] = tasks()
    assert (call.title, call.kind, call.deal_id) == ("Call Maria Lopez", "call", deal.id)
    assert (call.owner_id, call.unit_id) == (firm.seller.id, firm.units["north_shop"])


@pytest.mark.parametrize("heat, minutes", [("hot", 15), ("warm", 20), ("cold", 30), (None, 30)])
def test_a_field_decides_how_long_there_is(
    request_of: Callable[..., Record], tasks: Tasks, heat: str, minutes: int
) -> None:
    request_of(heat)
    assert tasks()[0].due_at == MONDAY + timedelta(minutes=minutes)


def test_the_history_names_who_the_automation_and_the_stage(
    crm: CRM, firm: Firm, request_of: Callable[..., Record], tasks: Tasks
) -> None:
    request_of()
    with crm.read(firm.owner) as reader:
        [line] = reader.history(Task, tasks()[0].id)
    assert (line.principal, line.acting_as, line.rule) == (firm.seller.name, "automation:sales", "sales.request")


def test_finishing_a_task_moves_its_deal(
    crm: CRM, firm: Firm, request_of: Callable[..., Record], tasks: Tasks, finish: Callable[..., None], deal: Any
) -> None:
    made = request_of()
    finish("call", by=firm.seller)
    assert deal(made.id).stage == "measuring"
    [measure] = tasks("measure")
    assert measure.owner_id == firm.fitter.id
    with crm.read(firm.owner) as reader:
        moved = [it for it in reader.history(Deal, made.id) if it.kind is Kind.MOVED]
    assert [(it.acting_as, it.rule) for it in moved] == [("automation:sales", "call")]


def test_leaving_a_stage_cancels_its_open_tasks(
    crm: CRM, firm: Firm, request_of: Callable[..., Record], tasks: Tasks
) -> None:
    made = request_of()
    with crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, made.id, to="lost", values={"lost_reason": "price"})])
    [call] = tasks("call")
    assert (call.state, call.wakes_at) == ("cancelled", None)


def test_a_form_asks_for_what_a_task_needs(
    crm: CRM, firm: Firm, request_of: Callable[..., Record], tasks: Tasks, finish: Callable[..., None], deal: Any
) -> None:
    made = request_of()
    finish("call", by=firm.seller)
    with pytest.raises(RequirementMissing) as caught:
        finish("measure", by=firm.fitter)
    [missing] = caught.value.details["missing"]
    assert missing["form"]["schema"]["required"] == ["description"]
    assert deal(made.id).stage == "measuring"
    with pytest.raises(InputError, match=r"answers\.colour"):
        finish("measure", by=firm.fitter, answers={"colour": "red"})
    finish("measure", by=firm.fitter, answers={"description": "Three windows"})
    assert (deal(made.id).stage, deal(made.id).description) == ("pricing", "Three windows")


def test_a_move_asks_for_what_its_stage_requires(
    crm: CRM, firm: Firm, request_of: Callable[..., Record], deal: Any
) -> None:
    made = request_of()
    with pytest.raises(RequirementMissing) as caught, crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, made.id, to="lost")])
    [missing] = caught.value.details["missing"]
    assert (missing["text"], missing["form"]["key"]) == ("Lost reason", "lost_reason")
    assert deal(made.id).stage == "request"


def test_what_is_filled_in_with_a_move_stays_out_with_a_refused_one(
    crm: CRM, firm: Firm, request_of: Callable[..., Record], deal: Any
) -> None:
    made = request_of()
    with pytest.raises(RequirementMissing), crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, made.id, to="lost", values={"title": "Doors"})])
    assert deal(made.id).title == "Windows"


def test_a_deal_that_starts_in_a_later_stage_meets_its_requirements(crm: CRM, firm: Firm) -> None:
    with pytest.raises(RequirementMissing):
        make_deal(crm, by=firm.owner, pipeline="sales", stage="agreed")


def test_an_imported_history_gives_no_tasks_and_is_asked_for_nothing(crm: CRM, firm: Firm, tasks: Tasks) -> None:
    past = History(created_at=MONDAY - timedelta(days=9), moves=[("request", MONDAY - timedelta(days=9))])
    with crm.work(firm.owner, origin="old crm") as work:
        records.create(work, [Create(Deal, values={"title": "Old", "pipeline": "sales"}, history=past)])
        late = History(moves=[("agreed", MONDAY - timedelta(days=1))])
        records.create(work, [Create(Deal, values={"title": "Older", "pipeline": "sales"}, history=late)])
    assert tasks() == []


def test_an_undone_move_takes_its_tasks_back(
    crm: CRM, firm: Firm, request_of: Callable[..., Record], tasks: Tasks, deal: Any
) -> None:
    made = request_of()
    with crm.work(firm.owner) as work:
        pipelines.move(work, [Move(Deal, made.id, to="measuring")])
        act = work.act
    assert [(it.kind, it.state) for it in tasks()] == [("call", "cancelled"), ("measure", "open")]
    with crm.work(firm.owner) as work:
        undoing.undo(work, [Undo(act=act)])
    assert [(it.kind, it.state) for it in tasks()] == [("call", "open")]
    assert deal(made.id).stage == "request"


def test_many_deals_enter_a_stage_in_one_go(crm: CRM, firm: Firm, tasks: Tasks) -> None:
    with crm.work(firm.seller) as work:
        made = records.create(work, [Create(Deal, title=f"Deal {at}", pipeline="sales") for at in range(30)])
    assert {it.deal_id for it in tasks("call")} == {it.record_id for it in made}
    with crm.read(firm.owner) as reader:
        causes = {reader.history(Task, it.id)[0].cause for it in tasks()}
    assert causes == {it.entry_id for it in made}


def test_a_task_stays_with_whom_it_was_given_to(
    crm: CRM, firm: Firm, request_of: Callable[..., Record], tasks: Tasks
) -> None:
    made = request_of()
    with crm.work(firm.owner) as work:
        assigning.assign(work, [Assign(Deal, made.id, owner=firm.fitter.id)])
    assert tasks()[0].owner_id == firm.seller.id


def test_whoever_may_not_change_a_task_does_not_finish_it(
    crm: CRM, firm: Firm, request_of: Callable[..., Record], tasks: Tasks
) -> None:
    request_of()
    with pytest.raises(Exception, match="no such task"), crm.work(firm.stranger) as work:
        records.update(work, [Update(Task, tasks()[0].id, state="done")])


def test_the_system_may_move_what_its_owner_approved_and_no_more(crm: CRM, firm: Firm) -> None:
    wanted = {(it["entity"], it["action"]) for it in crm.configuration.granted["sales"]["grants"]}
    assert ("task", "create") in wanted
    assert ("deal", "move:*") in wanted
    assert ("contact", "delete") not in wanted
    assert Principal.automation("sales").name == "automation:sales"
