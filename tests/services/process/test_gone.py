"""Stages, pipelines and tasks that are taken out of the code while records are in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import attrs
import pytest

from opencrm import CRM, Deal, Escalation, Move, Pipeline, Query, Stage, Task, TaskSpec, hookimpl, owner, pipelines
from opencrm.testing import MONDAY, Firm, inbox, make_deal

LADDER = [Escalation("-30m", to=owner, text="Soon"), Escalation("-20m", to=owner, text="Sooner"), Escalation("+5m")]
ASK = TaskSpec("ask", title="Ask", due="1h", escalations=LADDER)
WHOLE = Pipeline(
    "shop", ["new", Stage("asking", tasks=[ASK]), "sold"], moves={("*", "asking"), ("*", "sold"), ("*", "new")}
)
LESS = Pipeline("shop", ["new", "sold"], moves={("*", "sold"), ("*", "new")})


@attrs.define
class Shop:
    """The plugin that brings the shop, whole or with a stage less."""

    pipelines: tuple[Pipeline, ...] = (WHOLE,)
    name = "shop"

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield from self.pipelines


@pytest.fixture
def crm_plugins() -> list[object]:
    return [Shop()]


@pytest.fixture
def asked(crm: CRM, firm: Firm) -> str:
    """A deal in the stage that is taken away."""
    id = str(make_deal(crm, by=firm.seller, pipeline="shop").id)
    with crm.work(firm.owner) as work:
        pipelines.move(work, [Move(Deal, id, to="asking")])
    return id


@pytest.fixture
def opened(crm: CRM) -> Iterator[Any]:
    """`opened(LESS)`: the same workspace where the code declares these pipelines."""
    several: list[CRM] = []

    def again(*declared: Pipeline) -> CRM:
        plugins = [Shop(declared)]
        several.append(CRM(engine=crm.database.engine, schema=crm.database.schema, plugins=plugins, clock=crm.clock))
        return several[-1]

    yield again
    for each in several:
        each.close()


def test_nothing_is_wrong_while_all_is_there(crm: CRM, asked: str) -> None:
    assert crm.problems() == {}


def test_a_stage_that_went_is_told_with_how_many_stand_there(opened: Any, asked: str) -> None:
    assert opened(LESS).problems() == {
        "pipeline.shop": "pipeline 'shop' has no stage 'asking', and 1 records of deal stand in it",
        "task.ask": "nothing declares the task 'ask', and 1 of them are open: of each its owner is told when it is "
        "due, and nobody else",
    }


def test_a_pipeline_that_went_is_told(opened: Any, asked: str) -> None:
    text = "there is no pipeline 'shop', and 1 records of deal stand in its stage 'asking'"
    text += "; did a plugin bring it? See --plugin-dir and `opencrm plugin list`"
    assert opened().problems()["pipeline.shop"] == text


@pytest.mark.parametrize("passed", [0, 35, 45, 59])
def test_the_owner_of_a_task_that_nothing_declares_is_told_when_it_is_due(
    firm: Firm, crm: CRM, opened: Any, asked: str, passed: int
) -> None:
    """However many steps of its ladder were behind it."""
    crm.advance(f"{passed}m")
    other = opened(LESS)
    other.advance("1d")
    with other.read(firm.owner) as reader:
        [task] = reader.list(Query(Task))
    assert task.due_at == MONDAY + timedelta(hours=1)
    assert inbox(other, firm.seller)[-1] == "Overdue: Ask"
    assert inbox(other, firm.seller).count("Overdue: Ask") == 1
