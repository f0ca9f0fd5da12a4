"""Tasks and requirements of stages, where records come from another system."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from opencrm import CRM, Deal, Escalation, Pipeline, Query, Stage, Task, TaskSpec, hookimpl, required
from opencrm.testing import Firm

Bring = Callable[..., Any]

DEALS = """
system = "old crm"
[[target]]
entity = "deal"
key = "no"
fields.title = "no"
fields.pipeline = { value = "brought" }
fields.stage = "stage"
"""
ROWS = "no,stage\n1,new\n2,agreed\n"


class Brought:
    """A pipeline that gives a task and asks for an amount."""

    @hookimpl
    def opencrm_register_pipelines(self):
        call = TaskSpec("brought_call", due="1h", escalations=[Escalation()])
        stages = [Stage("new", tasks=[call]), Stage("agreed", enter=[required("amount")])]
        yield Pipeline("brought", stages, moves={("new", "agreed"), ("agreed", "new")})


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Brought()]


def stages(crm: CRM, firm: Firm) -> dict[str, str]:
    with crm.read(firm.owner) as reader:
        return {it.title: it.stage for it in reader.list(Query(Deal))}


def tasks(crm: CRM, firm: Firm) -> int:
    with crm.read(firm.owner) as reader:
        return len(list(reader.list(Query(Task))))


def test_an_import_gives_no_tasks_and_tells_what_is_missing(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A record enters at the stage in which it stood, whatever that asks for."""
    brought = bring(ROWS, DEALS)
    assert stages(crm, firm) == {"1": "new", "2": "agreed"}
    assert tasks(crm, firm) == 0
    assert brought.counts["without what its stage requires (Amount)"] == 1


def test_a_map_may_ask_for_automations(bring: Bring, crm: CRM, firm: Firm) -> None:
    """Then rows are treated like what people enter: a stage's tasks are given, and its requirements hold."""
    brought = bring(ROWS, "automations = true\n" + DEALS)
    assert stages(crm, firm) == {"1": "new"}
    assert tasks(crm, firm) == 1
    assert [it["code"] for it in brought.errors] == ["requirement_missing"]


def test_a_later_import_moves_by_the_rules(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A changed stage is an ordinary move: what the stage asks for must be there."""
    bring("no,stage\n1,new\n", DEALS)
    brought = bring("no,stage\n1,agreed\n", DEALS)
    assert [it["code"] for it in brought.errors] == ["requirement_missing"]
    assert stages(crm, firm) == {"1": "new"}


def test_automations_is_true_or_false(bring: Bring) -> None:
    """Nothing is brought in by a map that says something else."""
    with pytest.raises(Exception, match="automations"):
        bring(ROWS, 'automations = "yes"\n' + DEALS)
