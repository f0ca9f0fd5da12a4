"""Reasons for losing over REST: a choice in the schema, and a refusal that names what is none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from opencrm import CRM, Pipeline, Stage, hookimpl
from opencrm.testing import Firm, make_deal

SALES = Pipeline(
    "sales",
    [Stage("request"), Stage("lost", kind="lost", reasons={"price": "Too expensive"})],
    moves={("request", "lost")},
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
def seller(as_: Callable[..., Any], firm: Firm) -> Any:
    return as_(firm.seller)


def test_the_choice_is_asked_for_and_kept(crm: CRM, firm: Firm, seller: Any) -> None:
    deal = make_deal(crm, by=firm.seller, pipeline="sales")
    [lost] = seller.get(f"/v1/deals/{deal.id}/moves").json["items"]
    choice = lost["missing"][0]["form"]["schema"]["properties"]["lost_reason"]
    assert choice["oneOf"] == [{"const": "price", "title": "Too expensive"}]
    for values in ({}, {"lost_reason": "weather"}):
        refused = seller.post(f"/v1/deals/{deal.id}/move", {"to": "lost", "values": values})
        assert (refused.status_code, refused.json["code"]) == (422, "requirement_missing")
    assert "'weather' is none of price" in refused.json["detail"]
    moved = seller.post(f"/v1/deals/{deal.id}/move", {"to": "lost", "values": {"lost_reason": "price"}})
    assert (moved.status_code, moved.json["lost_reason"]) == (200, "price")
    wrong = seller.patch(f"/v1/deals/{deal.id}", {"lost_reason": "weather"}, If_Match=moved.headers["ETag"])
    assert (wrong.status_code, wrong.json["errors"]) == (422, {"lost_reason": ["'weather' is none of price"]})
