"""Stages and time: what is rotten is found, and a full stage takes nobody more."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from opencrm import (
    CRM,
    All,
    Create,
    Deal,
    Equal,
    InputError,
    Move,
    Not,
    Objected,
    Pipeline,
    Query,
    Stage,
    Undo,
    boards,
    hookimpl,
    pipelines,
    records,
    undoing,
)
from opencrm.testing import Firm, make_deal


class Small:
    """A pipeline with a stage for two, and a stage in which records rot."""

    name = "small"

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        stages = [Stage("open", rots_after="2d"), Stage("busy", limit=2), Stage("shut", kind="lost")]
        yield Pipeline("small", stages, moves={("open", "busy"), ("busy", "open"), ("*", "shut")})


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Small()]


def make(crm: CRM, firm: Firm, **fields: Any) -> str:
    return str(make_deal(crm, by=firm.seller, **{"pipeline": "small", **fields}).id)


def move(crm: CRM, firm: Firm, ids: Sequence[str], to: str) -> None:
    with crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, id, to=to) for id in ids])


def refused(crm: CRM, firm: Firm, ids: Sequence[str], to: str) -> list[str]:
    with pytest.raises(Objected) as caught:
        move(crm, firm, ids, to)
    return [it["code"] for it in caught.value.details["objections"]]


def test_a_full_stage_takes_nobody_more(crm: CRM, firm: Firm, deal: Any) -> None:
    ids = [make(crm, firm) for _ in range(4)]
    assert refused(crm, firm, ids[:3], "busy") == ["stage_full"]
    move(crm, firm, ids[:2], "busy")
    assert refused(crm, firm, ids[2:], "busy") == ["stage_full", "stage_full"]
    with pytest.raises(Objected, match="'Busy' is full: 2 may stand there at once"):
        make(crm, firm, stage="busy")
    assert deal(ids[2]).stage == "open"
    move(crm, firm, ids[:1], "open")
    move(crm, firm, ids[2:3], "busy")
    assert [deal(id).stage for id in ids] == ["open", "busy", "busy", "open"]


def test_what_goes_in_the_same_act_leaves_its_place(crm: CRM, firm: Firm, deal: Any) -> None:
    first, second, third = (make(crm, firm) for _ in range(3))
    move(crm, firm, [first, second], "busy")
    with crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, first, to="open"), Move(Deal, third, to="busy")])
    assert [deal(id).stage for id in (first, second, third)] == ["open", "busy", "busy"]


def test_taking_back_is_not_refused(crm: CRM, firm: Firm, deal: Any) -> None:
    first, second, third = (make(crm, firm) for _ in range(3))
    move(crm, firm, [first, second], "busy")
    with crm.work(firm.seller) as work:
        [line] = pipelines.move(work, [Move(Deal, first, to="open")])
    move(crm, firm, [third], "busy")
    with crm.work(firm.seller) as work:
        undoing.undo(work, [Undo(entry=line.entry_id)])
    assert [deal(id).stage for id in (first, second, third)] == ["busy", "busy", "busy"]


def test_of_two_movers_at_once_one_gets_the_last_place(crm: CRM, firm: Firm, deal: Any) -> None:
    ids = [make(crm, firm) for _ in range(9)]
    move(crm, firm, ids[:1], "busy")
    start, outcomes = threading.Barrier(8), []

    def one(id: str) -> None:
        start.wait()
        try:
            move(crm, firm, [id], "busy")
            outcomes.append("moved")
        except Objected:
            outcomes.append("full")

    threads = [threading.Thread(target=one, args=[id]) for id in ids[1:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["full"] * 7 + ["moved"]
    assert sum(deal(id).stage == "busy" for id in ids) == 2


def found(crm: CRM, firm: Firm, where: Any) -> list[str]:
    with crm.read(firm.seller) as reader:
        return [it.title for it in reader.list(Query(Deal, where=where, sort="id"))]


def test_what_is_rotten_can_be_asked_for(crm: CRM, firm: Firm) -> None:
    make(crm, firm, title="old")
    crm.advance("1d23h")
    make(crm, firm, title="new")
    assert found(crm, firm, Equal("rotten", True)) == []
    crm.advance("1h")
    assert found(crm, firm, Equal("rotten", True)) == ["old"]
    assert found(crm, firm, Equal("rotten", "false")) == found(crm, firm, Not(Equal("rotten", True))) == ["new"]
    assert found(crm, firm, All((Equal("rotten", True), Equal("title", "new")))) == []
    with pytest.raises(InputError, match="rotten"):
        found(crm, firm, Equal("rotten", "perhaps"))


def test_a_board_tells_which_cards_are_rotten_and_how_many_may_stand(crm: CRM, firm: Firm) -> None:
    old = make(crm, firm)
    crm.advance("3d")
    make(crm, firm)
    with crm.read(firm.seller) as reader:
        first, second, _ = boards.plain(reader, boards.board(reader, "small"))["stages"]
    assert (first["rotten"], first["limit"], second["limit"]) == ([old], None, 2)


def test_a_thousand_at_once_ask_once(crm: CRM, firm: Firm, statements: Any) -> None:
    with crm.work(firm.seller) as work:
        made = records.create(work, [Create(Deal, title="D", pipeline="small") for _ in range(60)])
    statements.clear()
    assert refused(crm, firm, [it.record_id for it in made], "busy") == ["stage_full"] * 58
    assert sum("count(" in text for text in statements.texts) == 1
