"""Stages that go: their records are moved, with what was to be done about them and what is to be done then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.services.process.definitions.texts import Apply

from opencrm import CRM, Deal, InputError, Query, Task, Update, records
from opencrm.services.definitions.process import planning, text
from opencrm.services.reading.rows import Record
from opencrm.testing import Firm, inbox, make_deal

LOOK = 'tasks = [{key = "look", title = "Look at {title}", due = "2h"}]'
STAYS = LOOK.replace("}]", ", stays = true}]")
WITH = """
[[pipelines]]
key = "repairs"
moves = [["new", "fixing"], ["*", "done"]]
stages = [{key = "new", TASKS_OF_NEW}, {key = "fixing", TASKS}, {key = "done", kind = "won"}]
"""
CALL = 'tasks = [{key = "call", title = "Call about {title}", due = "1d"}]'
PLAIN = WITH.replace(", TASKS_OF_NEW", "")
GONE = """
[[pipelines]]
key = "repairs"
replaced_by = {fixing = "new"}
moves = [["*", "done"]]
stages = [{key = "new", TASKS_OF_NEW}, {key = "done", kind = "won"}]
"""


@pytest.fixture
def tasks(crm: CRM, firm: Firm) -> Callable[[], list[tuple[str, str]]]:
    """`tasks()`: of each task its kind and its state."""

    def found() -> list[tuple[str, str]]:
        with crm.read(firm.owner) as reader:
            return sorted((str(it.kind), it.state) for it in reader.list(Query(Task)))

    return found


@pytest.fixture
def fixing(crm: CRM, firm: Firm, apply: Apply) -> Callable[[str], list[Record]]:
    """`fixing(LOOK)`: two deals in a stage that gives these tasks."""

    def made(given: str, toml: str = PLAIN) -> list[Record]:
        apply("pipelines", toml.replace("TASKS}", f"{given}}}"))
        return [make_deal(crm, by=firm.seller, title=title, pipeline="repairs", stage="fixing") for title in ("A", "B")]

    return made


@pytest.fixture
def act_of(crm: CRM, firm: Firm) -> Callable[[str], str]:
    """`act_of(TEXT)` applies a text of pipelines, and gives the act."""

    def applied(toml: str) -> str:
        with crm.work(firm.owner) as work:
            planning.carry_out(work, "pipelines", text.parse(toml, "pipelines"))
            return str(work.act)

    return applied


def stages(crm: CRM, firm: Firm) -> list[str]:
    with crm.read(firm.owner) as reader:
        return [str(it.stage) for it in reader.list(Query(Deal))]


Tasks = Callable[[], list[tuple[str, str]]]
Fixing = Callable[..., list[Record]]


def test_open_tasks_of_a_stage_that_goes_are_told_and_cancelled(
    crm: CRM, firm: Firm, plan: Apply, undo: Any, tasks: Tasks, fixing: Fixing, act_of: Callable[[str], str]
) -> None:
    """In the same act: it is taken back as a whole."""
    fixing(LOOK)
    toml = GONE.replace(", TASKS_OF_NEW", "")
    [step] = plan("pipelines", toml).steps
    assert "remove repairs.fixing: 2 records stand there; 2 open tasks 'look' are cancelled" in str(step)
    assert tasks() == [("look", "open")] * 2
    act = act_of(toml)
    assert tasks() == [("look", "cancelled")] * 2
    assert stages(crm, firm) == ["new"] * 2
    undo(act)
    assert tasks() == [("look", "open")] * 2
    assert stages(crm, firm) == ["fixing"] * 2


@pytest.mark.parametrize("new", ["", f", {LOOK}"], ids=["stays", "given there too"])
def test_tasks_are_kept_that_stay_or_are_given_there_too(
    crm: CRM, firm: Firm, apply: Apply, tasks: Tasks, fixing: Fixing, new: str
) -> None:
    """A stage that is only called otherwise keeps its tasks, and gives none anew."""
    fixing(LOOK if new else STAYS)
    [step] = apply("pipelines", GONE.replace(", TASKS_OF_NEW", new)).steps
    assert "2 open tasks 'look' are kept" in str(step)
    assert tasks() == [("look", "open")] * 2


def test_where_records_stand_then_they_are_given_its_tasks(
    crm: CRM, firm: Firm, undo: Any, tasks: Tasks, fixing: Fixing, act_of: Callable[[str], str]
) -> None:
    """As by the stage, about each of them; an undo takes them away again."""
    fixing(LOOK)
    act = act_of(GONE.replace("TASKS_OF_NEW", CALL))
    assert any("Call about A" in it for it in inbox(crm, firm.seller))
    assert tasks() == [("call", "open")] * 2 + [("look", "cancelled")] * 2
    with crm.read(firm.owner) as reader:
        one = next(it for it in reader.list(Query(Task)) if it.kind == "call")
        [made] = reader.history(Task, one.id)
    assert (made.rule, made.acting_as, one.title[:11]) == ("repairs.new", "automation:pipeline.repairs", "Call about ")
    undo(act)
    assert tasks() == [("look", "open")] * 2


def test_a_stage_that_gives_a_task_no_more_leaves_the_open_ones_alone(
    crm: CRM, firm: Firm, apply: Apply, tasks: Tasks, fixing: Fixing
) -> None:
    """What is under way goes on, as other changes of the stage leave it alone too."""
    fixing(LOOK)
    [step] = apply("pipelines", PLAIN.replace("TASKS}", f"{LOOK}, rots_after = '3d'}}")).steps
    assert "change repairs.fixing: 2 records stand there; 2 open tasks 'look' are kept" in str(step)
    [step] = apply("pipelines", PLAIN.replace(", TASKS}", "}")).steps
    assert "change repairs.fixing: 2 records stand there; 2 open tasks 'look' stay as they are" in str(step)
    assert tasks() == [("look", "open")] * 2


def test_a_task_that_no_stage_gives_any_more_is_done_by_hand(
    crm: CRM, firm: Firm, apply: Apply, tasks: Tasks, fixing: Fixing
) -> None:
    """It reminds its owner when it is due, and what its declaration said is done no more."""
    record = fixing(f'{LOOK[:-2]}, reminders = ["1h"], done = [{{move = "done"}}]}}]')[0]
    apply("pipelines", PLAIN.replace(", TASKS}", "}"))
    for wait, told in (("1h", False), ("1h", True)):
        crm.advance(wait)
        assert ("Overdue: Look at A" in inbox(crm, firm.seller)) is told
    with crm.work(firm.seller) as work:
        one = next(it for it in work.list(Query(Task)) if it.title == "Look at A")
        records.update(work, [Update(Task, one.id, state="done", result="It is fine")])
    assert tasks() == [("look", "done"), ("look", "open")]
    with crm.read(firm.seller) as reader:
        assert (reader.get(Deal, record.id).stage, reader.get(Task, one.id).result) == ("fixing", "It is fine")
    apply("pipelines", GONE.replace(", TASKS_OF_NEW", ""))
    assert tasks() == [("look", "done"), ("look", "open")]


def test_what_a_definition_cancels_and_moves_names_it(
    crm: CRM, firm: Firm, apply: Apply, fixing: Fixing, tasks: Tasks
) -> None:
    [record, _] = fixing(LOOK)
    apply("pipelines", GONE.replace(", TASKS_OF_NEW", ""))
    with crm.read(firm.owner) as reader:
        [one, _] = reader.list(Query(Task))
        lines = [reader.history(Task, one.id)[-1], reader.history(Deal, record.id)[-1]]
    assert [(it.kind, it.acting_as, it.rule) for it in lines] == [
        ("changed", "system", "pipeline.repairs"),
        ("moved", "system", "pipeline.repairs"),
    ]


@pytest.mark.parametrize("limit, free", [(1, False), (2, False), (3, True)])
def test_a_stage_takes_no_more_than_its_limit(
    crm: CRM, firm: Firm, apply: Apply, plan: Apply, fixing: Fixing, limit: int, *, free: bool
) -> None:
    """Unless the text raises that, too."""
    fixing(LOOK, PLAIN.replace('{key = "new"}', '{key = "new", limit = 1}'))
    make_deal(crm, by=firm.seller, title="C", pipeline="repairs", stage="new")
    toml = GONE.replace("TASKS_OF_NEW", f"limit = {limit}")
    if free:
        apply("pipelines", toml)
        assert stages(crm, firm) == ["new"] * 3
        return
    for act in (plan, apply):
        with pytest.raises(InputError, match=f"2 records go to repairs.new, where 1 stands, and {limit} may") as error:
            act("pipelines", toml)
        assert list(error.value.fields) == ["pipelines[0].replaced_by"]
    assert stages(crm, firm).count("fixing") == 2


def test_a_limit_below_what_stands_there_is_told(apply: Apply, plan: Apply, fixing: Fixing) -> None:
    """It keeps others out, and is not refused."""
    fixing(LOOK)
    toml = PLAIN.replace("TASKS}", f"{LOOK}, limit = 1}}")
    assert "repairs.stages[1].limit: 2 records stand there, and 1 may" in " ".join(plan("pipelines", toml).warnings)


def test_the_difference_names_a_forms_key_and_no_empty_line(apply: Apply, plan: Apply) -> None:
    """Neither where a pipeline is new nor where one is back."""
    asks = 'tasks = [{key = "measure", title = "M", form = {key = "size", fields = ["amount"]}}]'
    [step] = plan("pipelines", PLAIN.replace("TASKS}", f"{asks}}}")).steps
    assert "  + stages.fixing.tasks.measure.form.key: 'size'" in str(step).splitlines()
    lines = [line.strip() for line in str(step).splitlines()]
    assert not {"", "-", "+", "~"} & {*lines}
    apply("pipelines", PLAIN.replace("TASKS}", f"{asks}}}"))
    [step] = plan("pipelines", PLAIN.replace("TASKS}", f"{asks.replace('size', 'sizes')}}}")).steps
    assert "  ~ stages.fixing.tasks.measure.form.key: 'size' > 'sizes'" in str(step).splitlines()
