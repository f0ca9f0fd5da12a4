"""Where counters answer, how they come to be, and what two do to them at once."""

from __future__ import annotations

import threading

from opencrm import Assign, Create, Deal, Delete, Equal, Move, Role, Update, assigning, boards, pipelines, records
from opencrm.core.conditions import TRUE
from opencrm.services.analysing import recounting
from opencrm.services.analysing.counters import counters_for
from opencrm.storage import tables
from opencrm.testing import make_deal


def total(crm, who):
    """Return of each stage of a board how many records there are, and what they are worth."""
    with crm.read(who) as reader:
        columns = boards.board(reader, "windows", cards=0).columns
        return {column.stage.key: (int(column.count), column.sums) for column in columns if column.count}


def answered(crm, who, where=TRUE):
    with crm.read(who) as reader:
        return counters_for(reader, Deal.spec, reader.bound(Deal.spec, where)) is not None


def appended(crm):
    with crm.database.read() as tx:
        return len(tx.select("every counter", tables.counter.select, {}))


def test_a_workspace_from_before_is_counted_by_the_worker(crm, firm):
    """Until then the records are read."""
    for at in range(5):
        make_deal(crm, by=firm.seller, amount=at)
    right = total(crm, firm.owner)
    with crm.work(firm.owner) as work:
        work.tx.run("no counters", tables.counter.delete, [{}])
        work.tx.run("no marks", tables.upkeep.delete, [{}])
    crm.workspace.forget()
    assert not answered(crm, firm.owner)
    assert total(crm, firm.owner) == right
    make_deal(crm, by=firm.seller, amount=7)
    crm.worker().run_once()
    assert answered(crm, firm.owner)
    assert total(crm, firm.owner)["new"][0] == right["new"][0] + 1


def test_they_answer_for_all_and_for_units_alone(crm, firm):
    """Neither for one's own records only, which are few, nor where a filter looks at more than they tell."""
    assert answered(crm, firm.owner)
    assert answered(crm, firm.head)
    assert not answered(crm, firm.seller)
    assert answered(crm, firm.owner, Equal("stage", "won"))
    assert not answered(crm, firm.owner, Equal("source", "web"))


def test_they_do_not_answer_for_a_grant_with_a_condition(crm, firm):
    """A manager who sees only what came by the web counts only that."""
    make_deal(crm, by=firm.seller, source="web", amount=1)
    make_deal(crm, by=firm.seller, source="fair", amount=2)
    grants = [
        {"entity": "*", "action": "*", "scope": "own"},
        {
            "entity": "deal",
            "action": "read",
            "scope": "subtree",
            "when": {"field": "source", "op": "equal", "value": "web"},
        },
    ]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_head"], grants=grants)])
    assert not answered(crm, firm.head)
    assert total(crm, firm.head)["new"][0] == 1


def test_rows_of_one_place_are_put_together(crm, firm):
    """By the worker, once there are many; what they come to stays."""
    deals = [make_deal(crm, by=firm.seller, amount=1).id for _ in range(40)]
    with crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, deals[0], to="offer")])
    for amount in range(30):
        with crm.work(firm.seller) as work:
            records.update(work, [Update(Deal, deals[0], amount=amount)])
    right, before = total(crm, firm.owner), appended(crm)
    crm.worker().run_once()
    assert before > 60
    assert appended(crm) <= 3
    assert total(crm, firm.owner) == right


def test_writers_a_fold_and_a_recount_at_once(crm, firm):
    """Nothing is counted twice or not at all."""
    deals = [make_deal(crm, by=firm.seller, amount=1).id for _ in range(8)]
    stop, failed = threading.Event(), []

    def write(mine):
        for at in range(12):
            for id in mine:
                with crm.work(firm.owner) as work:
                    records.update(work, [Update(Deal, id, amount=at)])
                    assigning.assign(work, [Assign(Deal, id, owner=(firm.seller, firm.fitter)[at % 2].id)])
            with crm.work(firm.owner) as work:
                records.create(work, [Create(Deal, title="more", amount=1)])
        with crm.work(firm.owner) as work:
            records.delete(work, [Delete(Deal, mine[0])])

    def tend():
        while not stop.is_set():
            for owner in (firm.owner, firm.seller, firm.fitter):
                recounting._fold(crm.workspace, "deal", owner.id)
            recounting.recount(crm.workspace, crm.configuration, Deal.spec)

    def kept(work, *given):
        try:
            work(*given)
        except Exception as error:  # noqa: BLE001  # told below
            failed.append(error)

    writers = [threading.Thread(target=kept, args=(write, deals[at::2])) for at in range(2)]
    others = [threading.Thread(target=kept, args=(tend,)) for _ in range(2)]
    for thread in (*writers, *others):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in others:
        thread.join()
    assert failed == []
    counted = total(crm, firm.owner)
    recounting.recount(crm.workspace, crm.configuration, Deal.spec)
    assert total(crm, firm.owner) == counted
    assert counted["new"][0] == 8 - 2 + 24


def test_they_can_be_counted_anew(crm, firm):
    """After somebody changed records by SQL."""
    make_deal(crm, by=firm.seller, amount=1)
    with crm.work(firm.owner) as work:
        work.tx.run("by hand", lambda: Deal.__table__.update().values(stage="offer"), [{}])
    assert "new" in total(crm, firm.owner)
    assert crm.recount() == ["1 records of deal counted"]
    assert total(crm, firm.owner)["offer"][0] == 1
