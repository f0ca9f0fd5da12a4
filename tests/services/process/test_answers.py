"""Answers that tasks are finished with: for their own forms, for the moves that follow, and for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Mapped

from opencrm import (
    CRM,
    Deal,
    Entity,
    Equal,
    Finish,
    Form,
    InputError,
    Owned,
    Pipeline,
    Query,
    Reference,
    Requirement,
    RequirementMissing,
    Rule,
    Stage,
    TaskSpec,
    Whole,
    done,
    field,
    hookimpl,
    move,
    required,
)
from opencrm import tasks as acts
from opencrm.services.process.entering.asking import described
from opencrm.services.reading.rows import Record
from opencrm.testing import Firm, make_deal, make_task

CALL = TaskSpec("call", title="Call", done=[move("priced")])
ASK = TaskSpec("ask", title="Ask", form=Form("heard", ["source"]))
SIZES = Form("sizes", ["width", "height"], of="frames_size", many=True)
MEASURE = TaskSpec("measure", title="Measure", form=SIZES, done=[move("priced")])
ORDERS = Pipeline(
    "orders",
    [
        Stage("request", tasks=[CALL, ASK, MEASURE]),
        Stage("priced", enter=[required("amount")]),
        Stage(
            "measured",
            enter=[Requirement(Equal("source", "x"), missing="the sizes", form=SIZES)],
            leave=[required("lost_reason")],
        ),
        Stage("won", kind="won"),
    ],
    moves={("request", "priced"), ("request", "measured"), ("priced", "won")},
)


class Base(Entity, prefix="frames"):
    """What frames have."""


class Size(Owned, Base):
    """The size of one."""

    width: Mapped[int] = field(Whole(1, 1000), required=True)
    height: Mapped[int] = field(Whole(1, 1000), required=True)
    deal_id: Mapped[str | None] = field(Reference(Deal))


class Frames:
    """The plugin."""

    name = "frames"

    @hookimpl
    def opencrm_register_entities(self) -> Iterator[type[Entity]]:
        yield Size

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield ORDERS

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("frames_heard", on=done("ask"), do=[move("priced")])


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Frames()]


@pytest.fixture
def order(crm: CRM, firm: Firm) -> Any:
    return make_deal(crm, by=firm.seller, pipeline="orders", title="Windows")


Done = Callable[..., None]


@pytest.fixture
def finish(crm: CRM, firm: Firm, tasks: Callable[..., list[Record]]) -> Done:
    """`finish("call", amount=5)` finishes the newest task of a kind with answers."""

    def finished(kind: str, /, **answers: Any) -> None:
        with crm.work(firm.seller) as work:
            acts.finish(work, [Finish(tasks(kind)[-1].id, answers or None)])

    return finished


def asked_with(error: RequirementMissing) -> dict[str, Any]:
    """Return what the form of a refusal asks for."""
    [missing] = error.details["missing"]
    return dict.fromkeys(missing["form"]["schema"]["required"], "5")


def test_the_form_of_the_refusal_sent_back_as_answers_works(order: Any, finish: Done, deal: Any) -> None:
    """Of a task without a form of its own whose move lacks something."""
    with pytest.raises(RequirementMissing) as refused:
        finish("call")
    finish("call", **asked_with(refused.value))
    assert (deal(order.id).amount, deal(order.id).stage) == (Decimal("5.00"), "priced")


def test_beside_the_answers_to_the_tasks_own_form(order: Any, finish: Done, deal: Any, crm: CRM) -> None:
    """Where its own form makes records, too."""
    sizes = [{"width": 10, "height": 20}]
    with pytest.raises(RequirementMissing, match="missing: Amount"):
        finish("measure", sizes=sizes)
    finish("measure", sizes=sizes, amount="7")
    with crm.read(crm.sole_owner()) as reader:
        [size] = reader.list(Query(Size))
    assert (size.width, size.deal_id, deal(order.id).amount) == (10, order.id, 7)


def test_for_a_move_by_a_rule(order: Any, finish: Done, deal: Any) -> None:
    """What a rule does when the task is done follows as well."""
    finish("ask", source="web", amount="9")
    assert (deal(order.id).amount, deal(order.id).source, deal(order.id).stage) == (9, "web", "priced")


@pytest.mark.parametrize("answers", [{"colour": "red"}, {"amount": "5", "colour": "red"}, {"lost_reason": "x"}])
def test_what_nothing_asks_for_is_refused_by_name(
    answers: Any, order: Any, finish: Done, deal: Any, tasks: Callable[..., list[Record]]
) -> None:
    """The task stays open, and nothing is stored."""
    with pytest.raises(InputError) as refused:
        finish("call", **answers)
    assert set(refused.value.fields) == {f"answers.{name}" for name in answers if name != "amount"}
    assert (tasks("call")[-1].state, deal(order.id).amount) == ("open", None)


def test_what_the_record_has_is_not_asked_for_again(crm: CRM, firm: Firm, finish: Done) -> None:
    """So that a task is no way around what somebody may change."""
    make_deal(crm, by=firm.seller, pipeline="orders", amount="3")
    with pytest.raises(InputError, match=r"answers\.amount"):
        finish("call", amount="5")


def test_a_task_by_hand_takes_no_answers(crm: CRM, firm: Firm) -> None:
    """Nothing follows from it."""
    task = make_task(crm, by=firm.seller)
    with crm.work(firm.seller) as work, pytest.raises(InputError, match=r"answers\.amount: is not asked for here"):
        acts.finish(work, [Finish(task.id, {"amount": 5})])


def test_what_cannot_be_used_is_named_with_its_row(order: Any, finish: Done) -> None:
    """And what is missing with its field."""
    good = {"width": 10, "height": 20}
    with pytest.raises(InputError) as refused:
        finish("measure", sizes=[good, {"width": 0, "height": 5}])
    assert list(refused.value.fields) == ["answers.sizes[1].width"]
    with pytest.raises(InputError, match=r"answers\.sizes\[1\].colour: is not asked for here"):
        finish("measure", sizes=[good, {**good, "colour": "red"}])
    with pytest.raises(RequirementMissing, match=r"missing: Sizes: Height \(2.\)"):
        finish("measure", sizes=[good, {"width": 10}])
    with pytest.raises(RequirementMissing, match="missing: Sizes: at least one"):
        finish("measure")
    with pytest.raises(RequirementMissing, match="missing: Heard: Source"):
        finish("ask")


def test_each_of_several_done_at_once_has_its_own_answers(
    crm: CRM, firm: Firm, tasks: Callable[..., list[Record]]
) -> None:
    """One batch, one form, different records."""
    first, second = (make_deal(crm, by=firm.seller, pipeline="orders", amount="1") for _ in range(2))
    several = {it.deal_id: it.id for it in tasks("ask")}
    with crm.work(firm.seller) as work:
        acts.finish(work, [Finish(several[first.id], {"source": "a"}), Finish(several[second.id], {"source": "b"})])
    with crm.read(firm.owner) as reader:
        assert [reader.get(Deal, it.id).source for it in (first, second)] == ["a", "b"]


@pytest.mark.parametrize("many, most", [(True, None), (False, 1)])
def test_the_schema_says_how_many_records_are_asked_for(crm: CRM, many: bool, most: int | None) -> None:
    with crm.read(crm.sole_owner()) as reader:
        asks = described(reader, reader.entity("deal"), Form("sizes", ["width"], of="frames_size", many=many))
    assert asks["schema"]["properties"]["sizes"].get("maxItems") == most
