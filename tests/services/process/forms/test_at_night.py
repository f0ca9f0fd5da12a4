"""A request that comes at night waits for the morning, unless its form says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from opencrm import (
    CRM,
    Calendar,
    Deal,
    Pipeline,
    Stage,
    Task,
    TaskSpec,
    WebForm,
    hookimpl,
)
from opencrm.services.process.submitting.keeping import Submission
from opencrm.services.reading.rows import Record
from opencrm.testing import MONDAY, Firm

Send = Callable[..., Submission]
AllOf = Callable[..., list[Record]]

OFFICE = Calendar("office", hours="Mo-Fr 08:00-17:00")
CALL = TaskSpec("call", title="Call {contact.name}", due="15m", calendar=OFFICE)
COME = TaskSpec("come", title="Come to {contact.name}", due="15m")
GLASS = Pipeline(
    "glass",
    [Stage("request", tasks=[CALL]), Stage("emergency", tasks=[COME]), Stage("won", kind="won")],
    moves={("request", "emergency"), ("request", "won"), ("emergency", "won")},
)
ASK = WebForm("ask", ["name", "phone"], pipeline="glass")
BROKEN = WebForm("broken_window", ["name", "phone"], pipeline="glass", stage="emergency")


class Glaziers:
    """A plugin whose form for emergencies leads to somebody at any hour."""

    name = "glaziers"

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield GLASS

    @hookimpl
    def opencrm_register_forms(self) -> Iterator[WebForm]:
        yield from (ASK, BROKEN)


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Glaziers()]


@pytest.mark.parametrize("form, stage, due", [("ask", "request", 10.25), ("broken_window", "emergency", 0.25)])
def test_it_is_due_when_its_form_says(  # fixtures
    crm: CRM, firm: Firm, send: Send, all_of: AllOf, form: str, stage: str, due: float
) -> None:
    crm.advance("13h")  # Monday, 22:00.
    assert crm.problems() == {}
    send(form, name="Ann Baker", phone="020 7183 8750")
    [deal], [task] = all_of(Deal), all_of(Task)
    assert (deal.pipeline, deal.stage) == ("glass", stage)
    assert task.due_at == MONDAY + timedelta(hours=13) + timedelta(hours=due)


@pytest.mark.parametrize(
    "given, text",
    [
        ({"about": "deal", "stage": "won"}, "stage: only a form for requests"),
        ({"pipeline": "glass", "values": {"stage": "won"}}, "said by pipeline= and stage="),
    ],
)
def test_what_cannot_be_said(given: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        WebForm("odd", ["phone"], **given)
