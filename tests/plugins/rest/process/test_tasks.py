"""Tasks over REST: begun, done with what their forms ask for, and cancelled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from opencrm import (
    CRM,
    Empty,
    Form,
    Not,
    Pipeline,
    Requirement,
    Role,
    Stage,
    TaskSpec,
    Update,
    hookimpl,
    move,
    records,
    required,
)
from opencrm.testing import Firm, make_deal

PRICING = Pipeline(
    "pricing",
    [
        Stage(
            "request",
            tasks=[TaskSpec("price", title="Price", form=Form("price", ["amount", "currency"]), done=[move("agreed")])],
        ),
        Stage("agreed", enter=[required("amount")]),
        Stage("contract", leave=[Requirement(Not(Empty("expected_close")), missing="the date")]),
        Stage("won", kind="won"),
        Stage("lost", kind="lost", enter=[Requirement(Not(Empty("lost_reason")), missing="why it was lost")]),
    ],
    moves={("request", "agreed"), ("agreed", "contract"), ("contract", "won"), ("*", "lost")},
)


class Pricing:
    """Prices orders."""

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield PRICING


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Pricing()]


@pytest.fixture
def deal(crm: CRM, firm: Firm) -> Any:
    return make_deal(crm, by=firm.seller, pipeline="pricing", title="Windows")


@pytest.fixture
def seller(as_: Callable[..., Any], firm: Firm) -> Any:
    return as_(firm.seller)


@pytest.fixture
def task(seller: Any, deal: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any]
    [found] = seller.get("/v1/tasks").json["items"]
    return found


def hide(crm: CRM, firm: Firm, name: str) -> None:
    rules = [{"entity": "deal", "field": name, "read": False, "write": False}]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=rules)])


def test_a_task_is_begun_and_paused(crm: CRM, seller: Any, task: Mapping[str, Any]) -> None:
    assert seller.post(f"/v1/tasks/{task['id']}/start").json["state"] == "started"
    crm.advance("10m")
    paused = seller.post(f"/v1/tasks/{task['id']}/pause").json
    assert (paused["state"], paused["spent"]) == ("paused", 600)
    again = seller.post(f"/v1/tasks/{task['id']}/pause")
    assert (again.status_code, again.json["code"]) == (409, "refused")


def test_a_task_says_what_it_asks_for(seller: Any, task: Mapping[str, Any]) -> None:
    form = seller.get(f"/v1/tasks/{task['id']}/form").json["form"]
    assert (form["key"], form["label"]) == ("price", "Price")
    assert form["schema"]["required"] == ["amount", "currency"]
    assert form["schema"]["properties"]["amount"]["title"] == "Amount"
    assert "withheld" not in form


def test_a_form_does_not_name_what_one_may_not_know_of(
    crm: CRM, firm: Firm, seller: Any, task: Mapping[str, Any]
) -> None:
    hide(crm, firm, "amount")
    form = seller.get(f"/v1/tasks/{task['id']}/form").json["form"]
    assert list(form["schema"]["properties"]) == ["currency"]
    assert form["withheld"] == 1
    refused = seller.post(f"/v1/tasks/{task['id']}/done")
    assert refused.status_code == 422
    assert "amount" not in refused.text.lower()


def test_a_task_by_hand_asks_for_nothing(seller: Any) -> None:
    task = seller.make("tasks", title="Think")
    assert seller.get(f"/v1/tasks/{task['id']}/form").json == {"form": None}
    assert seller.post(f"/v1/tasks/{task['id']}/done", {"result": "thought"}).json["state"] == "done"


def test_what_is_missing_is_asked_for(seller: Any, task: Mapping[str, Any]) -> None:
    refused = seller.post(f"/v1/tasks/{task['id']}/done", {"answers": {"currency": "EUR"}})
    assert (refused.status_code, refused.json["code"]) == (422, "requirement_missing")
    [missing] = refused.json["missing"]
    assert missing["text"] == "Price: Amount"
    assert missing["form"]["schema"]["required"] == ["amount", "currency"]
    assert seller.get(f"/v1/tasks/{task['id']}").json["state"] == "open"


def test_what_is_filled_in_goes_into_the_record(seller: Any, task: Mapping[str, Any], deal: Any) -> None:
    done = seller.post(
        f"/v1/tasks/{task['id']}/done", {"answers": {"amount": "4800", "currency": "EUR"}, "result": "agreed"}
    )
    assert (done.status_code, done.json["state"], done.json["result"]) == (200, "done", "agreed")
    found = seller.get(f"/v1/deals/{deal.id}").json
    assert (found["amount"], found["stage"]) == ("4800.00", "agreed")
    assert seller.post("/v1/undo", {"act": done.headers["OpenCRM-Act"]}).status_code == 200


def test_it_may_be_finished_as_any_record_is_changed(seller: Any, task: Mapping[str, Any]) -> None:
    answers = {"amount": "4800", "currency": "EUR"}
    done = seller.patch(f"/v1/tasks/{task['id']}", {"state": "done", "answers": answers})
    assert done.json["state"] == "done"


@pytest.mark.parametrize(
    "body, field",
    [
        ({"answers": {"amount": "much", "currency": "EUR"}}, "answers.amount"),
        ({"answers": {"colour": "red"}}, "answers.colour"),
        ({"answers": []}, "answers"),
        ({"answer": {}}, "answer"),
        ({"result": 7}, "result"),
    ],
)
def test_what_cannot_be_used_is_named(seller: Any, task: Mapping[str, Any], body: Any, field: str) -> None:
    refused = seller.post(f"/v1/tasks/{task['id']}/done", body)
    assert refused.status_code == 422
    assert list(refused.json["errors"]) == [field]


def test_a_task_is_finished_once(seller: Any, task: Mapping[str, Any]) -> None:
    cancelled = seller.post(f"/v1/tasks/{task['id']}/cancel", {"result": "They called"})
    assert (cancelled.json["state"], cancelled.json["result"]) == ("cancelled", "They called")
    for act in ("start", "pause", "done", "cancel"):
        assert seller.post(f"/v1/tasks/{task['id']}/{act}").status_code == 409


def test_another_state_of_the_task_is_not_finished(seller: Any, task: Mapping[str, Any]) -> None:
    tag = seller.get(f"/v1/tasks/{task['id']}").headers["ETag"]
    seller.post(f"/v1/tasks/{task['id']}/start")
    late = seller.post(f"/v1/tasks/{task['id']}/done", {"answers": {"amount": "1", "currency": "EUR"}}, If_Match=tag)
    assert late.status_code == 412


def test_somebody_elses_task_is_not_there(as_: Callable[..., Any], firm: Firm, task: Mapping[str, Any]) -> None:
    for act in ("start", "done"):
        assert as_(firm.stranger).post(f"/v1/tasks/{task['id']}/{act}").status_code == 404
    assert as_(firm.stranger).get(f"/v1/tasks/{task['id']}/form").status_code == 404


def test_what_one_may_not_know_of_cannot_be_answered(
    crm: CRM, firm: Firm, seller: Any, task: Mapping[str, Any]
) -> None:
    """It looks like a field that is not there."""
    hide(crm, firm, "amount")
    answers = {"amount": "1", "nonsense": "1"}
    refused = seller.post(f"/v1/tasks/{task['id']}/done", {"answers": answers})
    assert refused.json["errors"] == {f"answers.{name}": ["is not asked for here"] for name in answers}


def test_the_history_and_the_timeline_name_the_rule(seller: Any, task: Mapping[str, Any], deal: Any) -> None:
    """Of what somebody did there is none."""
    [made] = seller.get(f"/v1/tasks/{task['id']}/history").json["items"]
    assert made["rule"] == "pricing.request"
    [begun] = seller.get(f"/v1/deals/{deal.id}/history").json["items"]
    assert begun["rule"] is None
    told = seller.get(f"/v1/deals/{deal.id}/timeline?limit=10")
    assert told.status_code == 200
    found = {(it["kind"], it["entity"], it["rule"]) for it in told.json["items"]}
    assert {("created", "task", "pricing.request"), ("created", "deal", None)} <= found
    assert seller.get(f"/v1/deals/{deal.id}/timeline?limit=0").status_code == 422
    assert seller.get("/v1/deals/nonsense/timeline").status_code == 404
