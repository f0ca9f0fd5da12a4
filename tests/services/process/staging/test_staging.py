"""Entities that declare no stages: a pipeline gives its entity the fields of a stage, and takes them with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.services.process.staging.friends import FIELDS

from opencrm import (
    CRM,
    All,
    Company,
    Contact,
    Create,
    Equal,
    History,
    InvalidMove,
    Move,
    Objected,
    Pipeline,
    Principal,
    Query,
    Report,
    RequirementMissing,
    Stage,
    Undo,
    boards,
    hookimpl,
    pipelines,
    records,
    reports,
    undoing,
)
from opencrm.services.reading.rows import Record
from opencrm.testing import MONDAY, Firm, make_activity, make_company, make_contact, make_product, make_task

Now = Callable[[str], Record]


def test_a_pipeline_gives_its_entity_stages_and_no_other_one(crm: CRM) -> None:
    contact, company = crm.catalogue.entity(Contact), crm.catalogue.entity(Company)
    assert set(contact.fields) >= FIELDS
    assert contact.staged
    assert not company.staged
    assert FIELDS.isdisjoint(company.fields)
    assert FIELDS.isdisjoint(Contact.spec.fields)
    assert crm.problems() == {}


def test_a_record_goes_through_it_as_a_deal_does(
    crm: CRM, firm: Firm, go: Callable[..., None], now: Now, tasks: Any, finish: Any
) -> None:
    """Its first stage, its tasks, what a stage requires, what follows, and the log of its moves."""
    one = make_contact(crm, by=firm.owner, name="Maria")
    assert (one.pipeline, one.stage, one.stage_since) == ("friendship", "stranger", MONDAY)
    [greet] = tasks("greet")
    assert (greet.title, greet.contact_id) == ("Greet Maria", one.id)
    with pytest.raises(RequirementMissing, match="Last name"):
        go(one, "guest")
    crm.advance("2h")
    go(one, "guest", last_name="Lopez")
    crm.advance("1m")
    guest = now(one.id)
    assert (guest.stage, guest.stage_since, guest.source) == ("guest", MONDAY + timedelta(hours=2), "welcome")
    assert tasks("greet")[0].state == "cancelled"
    with crm.read(firm.owner) as reader:
        kinds = [(it.kind, it.after.get("stage")) for it in reader.history(Contact, one.id)]
    assert ("moved", "guest") in kinds
    with pytest.raises(InvalidMove, match="has no move from 'guest' to 'stranger'"):
        go(one, "stranger")


def test_losing_asks_for_a_reason_and_closes(crm: CRM, firm: Firm, now: Now, go: Callable[..., None]) -> None:
    one = make_contact(crm, by=firm.owner, name="Maria")
    with pytest.raises(RequirementMissing, match="Lost reason"):
        go(one, "gone")
    go(one, "gone", lost_reason="moved")
    lost = now(one.id)
    assert (lost.lost_reason, lost.closed_at) == ("moved", MONDAY)
    go(one, "stranger")
    assert now(one.id).closed_at is None


def test_a_stage_has_its_limit_and_rots(crm: CRM, firm: Firm, go: Callable[..., None]) -> None:
    several = [make_contact(crm, by=firm.owner, name=f"{at}", last_name="Lopez") for at in range(3)]
    go(several[0], "guest")
    go(several[1], "guest")
    with pytest.raises(Objected, match="is full"):
        go(several[2], "guest")
    crm.advance("8d")
    with crm.read(firm.owner) as reader:
        rotten = [it.id for it in reader.list(Query(Contact, where=Equal("rotten", True)))]
    assert sorted(rotten) == [several[0].id, several[1].id]


@pytest.mark.parametrize("counted", [False, True])
def test_boards_lists_and_reports_tell_the_stages(crm: CRM, firm: Firm, go: Callable[..., None], counted: bool) -> None:
    """From the records, and from counters once the worker counted them: the same."""
    several = [make_contact(crm, by=firm.owner, name=f"{at}", last_name="Lopez") for at in range(3)]
    if counted:
        crm.worker().run_once()
        assert "contact" in crm.configuration.counted
    go(several[0], "guest")
    go(several[1], "gone", lost_reason="quarrel")
    with crm.read(firm.owner) as reader:
        board = boards.board(reader, "friendship")
        assert [(it.stage.key, int(str(it.count))) for it in board.columns] == [
            ("stranger", 1),
            ("guest", 1),
            ("friend", 0),
            ("gone", 1),
        ]
        there = All((Equal("pipeline", "friendship"), Equal("stage", "guest")))
        assert [it.id for it in reader.list(Query(Contact, where=there))] == [several[0].id]
        rows = reports.run(reader, Report(Contact, group_by=("stage",), measures=("count",))).rows
        by_month = reports.run(reader, Report(Contact, group_by=("closed_at:month",), measures=("count",))).rows
        through = reports.run(reader, Report(Contact, group_by=("stage:entered",), measures=("count",))).rows
    assert sorted(tuple(it) for it in rows) == [("gone", 1), ("guest", 1), ("stranger", 1)]
    assert len(by_month) == 2
    assert sorted(tuple(it) for it in through) == [("gone", 1), ("guest", 1), ("stranger", 3)]


@pytest.mark.parametrize("person", ["owner", "lead", "seller"])
def test_counters_tell_what_the_records_tell(crm: CRM, firm: Firm, person: str) -> None:
    """To everybody what they may see: boards, reports of stages, of months, and of how many were won."""
    for by, name in [(firm.seller, "a"), (firm.lead, "b"), (firm.stranger, "c")]:
        one, other, _ = (make_contact(crm, by=by, name=f"{name}{at}", last_name="Lopez") for at in range(3))
        with crm.work(by) as work:
            pipelines.move(work, [Move(Contact, one.id, to="guest", values={"last_name": "Lopez"})])
            pipelines.move(work, [Move(Contact, other.id, to="gone", values={"lost_reason": "moved"})])
        if name == "a":
            with crm.work(by) as work:
                pipelines.move(work, [Move(Contact, one.id, to="friend")])
    told = _told(crm, getattr(firm, person))
    crm.worker().run_once()
    assert "contact" in crm.configuration.counted
    assert _told(crm, getattr(firm, person)) == told


def _told(crm: CRM, by: Principal) -> list[Any]:
    asked = [
        Report(Contact, group_by=("stage",), measures=("count",)),
        Report(Contact, group_by=("closed_at:month",), measures=("count",)),
        Report(Contact, group_by=("owner_id",), measures=("conversion",)),
    ]
    with crm.read(by) as reader:
        found: list[Any] = [sorted(map(str, reports.run(reader, it).rows)) for it in asked]
        return [*found, [(it.stage.key, str(it.count)) for it in boards.board(reader, "friendship").columns]]


@pytest.mark.parametrize("make", [make_company, make_product, make_activity, make_task])
def test_other_entities_have_one_too(make_crm: Callable[..., CRM], make: Callable[..., Record]) -> None:
    """Those with an owner, and those without."""
    name = make.__name__.removeprefix("make_")
    given = Pipeline(
        "life", ["young", "old", Stage("over", kind="lost")], moves={("young", "old"), ("*", "over")}, entity=name
    )

    class Lives:
        @hookimpl
        def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
            yield given

    crm = make_crm([Lives()])
    one = make(crm)
    with crm.work(crm.sole_owner()) as work:
        pipelines.move(work, [Move(crm.catalogue.entity(name).cls, one.id, to="old")])
    crm.worker().run_once()
    with crm.read(crm.sole_owner()) as reader:
        assert reader.get(crm.catalogue.entity(name).cls, one.id).stage == "old"
        assert [str(it.count) for it in boards.board(reader, "life").columns] == ["0", "1", "0"]
    assert crm.problems() == {}


def test_imported_history_and_undo_know_the_stages(crm: CRM, firm: Firm, now: Now) -> None:
    days = [MONDAY - timedelta(days=9), MONDAY - timedelta(days=2)]
    past = History(created_at=days[0], moves=(("stranger", days[0]), ("guest", days[1])))
    with crm.work(firm.owner, origin="import") as work:
        [made] = records.create(work, [Create(Contact, values={"name": "Old", "pipeline": "friendship"}, history=past)])
    old = now(made.record_id)
    assert (old.stage, old.stage_since) == ("guest", days[1])
    with crm.work(firm.owner) as work:
        act = pipelines.move(work, [Move(Contact, old.id, to="friend")])[0].act
    assert now(old.id).closed_at == MONDAY
    with crm.work(firm.owner) as work:
        undoing.undo(work, [Undo(act=act)])
    assert (now(old.id).stage, now(old.id).closed_at) == ("guest", None)


@pytest.mark.parametrize(
    "entity, why",
    [
        ("user", "it is a part of the organisation"),
        ("contact_point", "it is a part of another record"),
        ("saved_view", "it is somebody's own"),
    ],
)
def test_what_cannot_have_stages_says_why(make_crm: Callable[..., CRM], entity: str, why: str) -> None:
    class Odd:
        @hookimpl
        def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
            yield Pipeline("odd", ["one"], moves=(), entity=entity)

    crm = make_crm([Odd()])
    assert f"{entity} cannot have stages: {why}" in str(crm.problems())
