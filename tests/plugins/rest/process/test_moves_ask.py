"""Moves over REST: where a record may go, what is asked for, and what is given with the move."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from opencrm import CRM, Empty, Form, Grant, Not, Pipeline, Requirement, Role, Scope, Stage, Update, hookimpl, records
from opencrm.embed import grant_rows
from opencrm.testing import Firm, make_deal

SALES = Pipeline(
    "sales",
    [
        Stage("request"),
        Stage("agreed", enter=[Requirement(Not(Empty("amount")), missing="the price")]),
        Stage("won", kind="won"),
        Stage(
            "lost",
            kind="lost",
            enter=[
                Requirement(
                    Not(Empty("lost_reason")), missing="why it was lost", form=Form("why", ["lost_reason", "source"])
                )
            ],
        ),
    ],
    moves={("request", "agreed"), ("agreed", "won"), ("*", "lost")},
)


class Sales:
    """Brings the pipeline."""

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield SALES


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Sales()]


@pytest.fixture
def deal(crm: CRM, firm: Firm) -> Any:
    return make_deal(crm, by=firm.seller, pipeline="sales", title="Windows")


@pytest.fixture
def seller(as_: Callable[..., Any], firm: Firm) -> Any:
    return as_(firm.seller)


def restrict(crm: CRM, firm: Firm, *, hidden: Sequence[str] = (), moves: str = "move:*") -> None:
    rules = [{"entity": "deal", "field": name, "read": False, "write": False} for name in hidden]
    acts = ("create", "read", "update", moves)
    grants = grant_rows([Grant("deal", action, Scope.OWN) for action in acts])
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=rules, grants=grants)])


def test_a_record_tells_where_it_may_go(seller: Any, deal: Any) -> None:
    agreed, lost = seller.get(f"/v1/deals/{deal.id}/moves").json["items"]
    assert (agreed["to"], agreed["label"], agreed["kind"]) == ("agreed", "Agreed", "open")
    assert [it["text"] for it in agreed["missing"]] == ["the price"]
    assert (lost["to"], lost["kind"]) == ("lost", "lost")
    assert list(lost["missing"][0]["form"]["schema"]["properties"]) == ["lost_reason", "source"]


def test_it_tells_only_of_what_one_may(crm: CRM, firm: Firm, seller: Any, deal: Any) -> None:
    restrict(crm, firm, moves="move:sales.lost")
    assert [it["to"] for it in seller.get(f"/v1/deals/{deal.id}/moves").json["items"]] == ["lost"]


def test_a_stage_that_may_not_be_read_leads_nowhere(crm: CRM, firm: Firm, seller: Any, deal: Any) -> None:
    restrict(crm, firm, hidden=["stage"])
    assert seller.get(f"/v1/deals/{deal.id}/moves").json == {"items": []}


def test_a_move_is_refused_with_the_form(seller: Any, deal: Any) -> None:
    refused = seller.post(f"/v1/deals/{deal.id}/move", {"to": "lost"})
    assert (refused.status_code, refused.json["code"]) == (422, "requirement_missing")
    [missing] = refused.json["missing"]
    assert missing["text"] == "why it was lost"
    assert missing["form"]["key"] == "why"
    assert seller.get(f"/v1/deals/{deal.id}").json["stage"] == "request"


def test_what_is_asked_for_comes_with_the_move(seller: Any, deal: Any) -> None:
    moved = seller.post(f"/v1/deals/{deal.id}/move", {"to": "lost", "values": {"lost_reason": "price"}})
    assert (moved.status_code, moved.json["stage"], moved.json["lost_reason"]) == (200, "lost", "price")
    assert seller.post("/v1/undo", {"act": moved.headers["OpenCRM-Act"]}).status_code == 200
    assert seller.get(f"/v1/deals/{deal.id}").json["lost_reason"] is None


def test_a_move_that_is_refused_leaves_its_fields(seller: Any, deal: Any) -> None:
    refused = seller.post(f"/v1/deals/{deal.id}/move", {"to": "won", "values": {"amount": "1", "currency": "EUR"}})
    assert refused.status_code == 409
    assert seller.get(f"/v1/deals/{deal.id}").json["amount"] is None


@pytest.mark.parametrize(
    "body, field",
    [
        ({"to": "agreed", "values": {"amount": "much"}}, "values.amount"),
        ({"to": "agreed", "values": {"nonsense": 1}}, "values.nonsense"),
        ({"to": "agreed", "values": [1]}, "values"),
        ({"values": {}}, "to"),
    ],
)
def test_what_cannot_be_used_is_named(seller: Any, deal: Any, body: Any, field: str) -> None:
    refused = seller.post(f"/v1/deals/{deal.id}/move", body)
    assert refused.status_code == 422
    assert list(refused.json["errors"]) == [field]


def test_what_one_may_not_know_of_is_not_named(crm: CRM, firm: Firm, seller: Any, deal: Any) -> None:
    restrict(crm, firm, hidden=["lost_reason"])
    refused = seller.post(f"/v1/deals/{deal.id}/move", {"to": "lost"})
    [missing] = refused.json["missing"]
    assert list(missing["form"]["schema"]["properties"]) == ["source"]
    assert missing["form"]["withheld"] == 1
    assert "lost_reason" not in refused.text


def test_what_has_no_stages_has_no_moves(seller: Any) -> None:
    contact = seller.make("contacts", name="Maria")
    assert seller.get(f"/v1/contacts/{contact['id']}/moves").status_code == 422


def test_nobody_elses_record_is_there(as_: Callable[..., Any], firm: Firm, deal: Any) -> None:
    assert as_(firm.stranger).get(f"/v1/deals/{deal.id}/moves").status_code == 404
