"""What goes on for ever with nothing but time between: told when it is loaded, and stopped after a number of times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Table

from opencrm import (
    CRM,
    Deal,
    Equal,
    Move,
    Pipeline,
    Query,
    Rule,
    Stage,
    Task,
    TaskSpec,
    Update,
    create,
    created,
    done,
    give,
    hookimpl,
    move,
    pipelines,
    records,
    rotten,
    wait,
)
from opencrm.core.process.rules import MOST_GENERATIONS
from opencrm.services.definitions.process import planning, text
from opencrm.services.process.overseeing import history
from opencrm.services.queue import overview
from opencrm.storage import tables
from opencrm.testing import Firm, inbox, make_deal

Rows = Callable[[Table], list[dict[str, Any]]]
AGAIN = Rule(
    "again",
    on=created(Deal),
    when=Equal("source", "again"),
    do=[wait("1m"), create(Deal, title="More", source="again", pipeline="asking")],
)
CALL = TaskSpec("ask", title="Ask {title}", due="1h")
ROUND = Rule("round", on=done(CALL), do=[wait("1d"), give(CALL)])
TIDES = Pipeline(
    "tides",
    [Stage("high", rots_after="1h"), Stage("low", rots_after="1h"), Stage("won", kind="won")],
    moves={("high", "low"), ("low", "high"), ("*", "won")},
)
TURNS = [Rule(f"from_{a}", on=rotten(f"tides.{a}"), do=[move(b)]) for a, b in (("high", "low"), ("low", "high"))]
STOPPED = f"This was stopped, since it goes on for ever without anybody ({MOST_GENERATIONS} times by now): "


class Ever:
    """A plugin with chains in which nobody does anything, and with one in which somebody does."""

    name = "ever"

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield TIDES
        yield Pipeline("asking", [Stage("new", tasks=[CALL])], moves=set())

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield from (AGAIN, ROUND, *TURNS)


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Ever()]


def test_it_is_told_with_its_path_and_a_circle_with_somebody_in_it_is_not(crm: CRM) -> None:
    told = crm.problems()["ever"]
    assert "rule 'again': goes on for ever: again > again" in told
    assert "rule 'from_high': goes on for ever: from_high > from_low > from_high" in told
    assert "round" not in told


def test_the_plan_tells_it_and_refuses_nothing(crm: CRM, firm: Firm) -> None:
    toml = """
    [[rules]]
    key = "on_and_on"
    on = { created = "deal" }
    do = [{ wait = "1m" }, { create = { entity = "deal", values = { title = "{title}." } } }]
    """
    with crm.work(firm.owner) as work:
        warnings = planning.carry_out(work, "rules", text.parse(toml, "rules")).warnings
    assert any(it.startswith("on_and_on: goes on for ever: ") for it in warnings)


def test_a_chain_of_waits_is_stopped_and_whoever_answers_is_told_once(crm: CRM, firm: Firm, rows: Rows) -> None:
    """The run stands in the history of the last record, and in the queue; a person may begin it again."""
    make_deal(crm, by=firm.seller, source="again", pipeline="asking")
    crm.advance("1h")
    crm.advance("1d")
    with crm.read(firm.owner) as reader:
        deals = sorted(reader.list(Query(Deal)), key=lambda it: it.id)
        assert len(deals) == 1 + MOST_GENERATIONS
        [stuck] = overview.stuck(reader)
        [run] = history.of_record(reader, Deal, deals[-1].id).items
    assert (stuck.kind, stuck.name, stuck.record_id) == ("run", "again", deals[-1].id)
    assert (run.state, "goes on for ever" in str(run.error)) == ("failed", True)
    told = [it["text"] for it in rows(tables.notification) if it["text"].startswith("This was")]
    assert told == [f"{STOPPED}again"]
    with crm.work(firm.owner) as work:
        assert overview.retry(work, id=stuck.id) == 1
    for after, number in (("30s", 0), ("30s", 1), ("1d", MOST_GENERATIONS + 1)):
        crm.advance(after)
        with crm.read(firm.owner) as reader:
            assert len(reader.list(Query(Deal))) == 1 + MOST_GENERATIONS + number


def test_a_chain_of_timers_is_stopped_until_somebody_does_something(crm: CRM, firm: Firm, rows: Rows) -> None:
    deal = make_deal(crm, by=firm.seller, pipeline="tides")
    crm.advance("3d")
    assert (
        sum(it["rule"].startswith("from_") and it["state"] == "done" for it in rows(tables.run)) == MOST_GENERATIONS - 1
    )
    assert sum(it["state"] == "failed" for it in rows(tables.run)) == 1
    assert [it for it in inbox(crm, firm.head) if it.startswith("This was")] == [f"{STOPPED}from_low"]
    with crm.read(firm.owner) as reader:
        assert reader.get(Deal, deal.id).stage == "low"
    with crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, deal.id, to="high")])
    crm.advance("2h30m")
    assert (
        sum(it["rule"].startswith("from_") and it["state"] == "done" for it in rows(tables.run)) == MOST_GENERATIONS + 1
    )


def test_a_circle_with_somebody_in_it_goes_on(crm: CRM, firm: Firm) -> None:
    make_deal(crm, by=firm.seller, pipeline="asking")
    for number in range(MOST_GENERATIONS + 5):
        with crm.work(firm.seller) as work:
            [task] = [it for it in work.list(Query(Task)) if it.state == "open"]
            records.update(work, [Update(Task, task.id, state="done")])
        crm.advance("1d")
        with crm.read(firm.seller) as reader:
            assert len(reader.list(Query(Task))) == number + 2
