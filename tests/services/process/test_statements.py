"""How many statements an event costs; the lists are printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from opencrm import CRM, Deal, Move, Pipeline, Stage, TaskSpec, hookimpl, pipelines
from opencrm.testing import Firm, make_deal


class Calling:
    """A plugin with a stage that gives the deal's owner a task."""

    name = "calling"

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        stage = Stage("offer", tasks=[TaskSpec("call", title="Call", due="30m")])
        yield Pipeline("sales", ["new", stage], moves=[("new", "offer")])


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Calling()]


@pytest.mark.parametrize("number", [1, 2, 30])
def test_a_deal_that_enters_a_stage_with_a_task(crm: CRM, firm: Firm, statements: Any, number: int) -> None:
    """Nine, and one more each for counters and search; however many deals there are.

    On PostgreSQL the rows of one or two deals go along with each other, and so do the question whether the stages are
    still in force and the word to workers; of more deals these are two more.
    """
    first, *made = [make_deal(crm, by=firm.seller, pipeline="sales") for _ in range(number + 1)]
    with crm.work(firm.seller) as work:  # Whoever was given a record is known from then on.
        pipelines.move(work, [Move(Deal, first.id, to="offer")])
    statements.clear()
    with crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, one.id, to="offer") for one in made])
    print(statements)
    most = 11 if crm.database.sqlite else 7 if number <= 2 else 13
    assert len(statements) <= most, str(statements)
