"""Several changes stored at once: each record has coming what its own change says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from opencrm import (
    Activity,
    Company,
    Create,
    Deal,
    Equal,
    Move,
    Pipeline,
    Rule,
    Stage,
    Task,
    TaskSpec,
    assign,
    create,
    created,
    creator,
    done,
    entered,
    give,
    hookimpl,
    pick,
    pipelines,
    records,
    update,
    value,
)
from opencrm.testing import finish, make_deal

FIRST = TaskSpec("batches_first", title="First", owner=creator)
SECOND = TaskSpec("batches_second", title="Second", owner=creator)
TURN = TaskSpec("batches_turn", title="Turn", owner=pick("firm_seller"))


class Batches:
    """A stage with effects on entry and on exit, and rules that give each other's tasks."""

    @hookimpl
    def opencrm_register_pipelines(self):
        yield Pipeline(
            "batches",
            [Stage("a"), Stage("b", do=[update(description="in")], left=[update(description="out")]), Stage("c")],
            moves={("a", "b"), ("b", "c")},
        )

    @hookimpl
    def opencrm_register_rules(self):
        told = create(Activity, subject="finished", deal_id=value("id"))
        yield Rule("batches_once", on=created(Company), do=[create(Activity, subject="first", once="subject")])
        yield Rule("batches_turn", on=created(Company), do=[give(TURN)])
        yield Rule("batches_c", on=entered("batches.c"), do=[give(FIRST)])
        yield Rule("batches_first_done", on=done(FIRST), do=[give(SECOND)])
        yield Rule("batches_second_done", on=done(SECOND), do=[update(source="second"), assign(creator), told])


@pytest.fixture
def crm_plugins():
    return [Batches()]


def test_out_of_a_stage_and_into_it_in_one_act(crm, firm):
    """Each has coming what its own move says."""
    leaving, entering = (make_deal(crm, by=firm.seller, pipeline="batches") for _ in range(2))
    with crm.work(firm.owner) as work:
        pipelines.move(work, [Move(Deal, leaving.id, to="b")])
    with crm.work(firm.owner) as work:
        pipelines.move(work, [Move(Deal, leaving.id, to="c"), Move(Deal, entering.id, to="b")])
    with crm.read(firm.owner) as reader:
        assert reader.get(Deal, leaving.id).description == "out"
        assert reader.get(Deal, entering.id).description == "in"


def test_rules_that_go_on_from_each_others_tasks_may_do_what_they_say(crm, firm):
    """What the last one needs was asked for."""
    deal = make_deal(crm, by=firm.seller, pipeline="batches")
    with crm.work(firm.owner) as work:
        pipelines.move(work, [Move(Deal, deal.id, to="b")])
    with crm.work(firm.owner) as work:
        pipelines.move(work, [Move(Deal, deal.id, to="c")])
    finish(crm, deal, "batches_first")
    finish(crm, deal, "batches_second")
    with crm.read(firm.owner) as reader:
        assert reader.get(Deal, deal.id).source == "second"
        assert reader.count(Activity, Equal("subject", "finished")) == 1


def test_several_at_once_make_one_and_take_turns(crm, firm):
    """Who comes second waits: `once` finds what the first made, and the first turn of all is taken by one."""

    def come(at):
        with crm.work(firm.owner) as work:
            records.create(work, [Create(Company, name=f"Company {at}")])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(come, range(8)))
    with crm.read(firm.owner) as reader:
        assert reader.count(Activity, Equal("subject", "first")) == 1
        assert reader.count(Task, Equal("title", "Turn")) == 8
