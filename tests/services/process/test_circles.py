"""Who may use a pipeline: whoever holds one of its roles, beside what they are granted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from opencrm import (
    CRM,
    Deal,
    Move,
    PermissionDenied,
    Pipeline,
    Rule,
    Stage,
    Update,
    changed,
    explaining,
    hookimpl,
    move,
    pipelines,
    records,
)
from opencrm.testing import Firm, make_deal

CLOSED = Pipeline(
    "large", [Stage("new"), Stage("won", kind="won")], moves={("new", "won")}, roles=["firm_lead", "firm_head"]
)
OPEN = Pipeline("small", [Stage("new"), Stage("won", kind="won")], moves={("new", "large.new"), ("new", "won")})
TOLD = "the pipeline 'large' is for the roles firm_lead, firm_head"


class Sales:
    """Brings a pipeline for some, one for all, and a rule that uses the first."""

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield from (CLOSED, OPEN)

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("grow", on=changed(Deal, "source"), do=[move("large.new")])


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Sales()]


def test_others_neither_create_there_nor_move_there(crm: CRM, firm: Firm) -> None:
    with pytest.raises(PermissionDenied, match=TOLD):
        make_deal(crm, by=firm.seller, pipeline="large")
    deal = make_deal(crm, by=firm.seller, pipeline="small")
    with pytest.raises(PermissionDenied, match=TOLD), crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, deal.id, to="large.new")])
    with crm.read(firm.seller) as reader:
        assert [it.to for it in pipelines.offers(reader, Deal, deal.id)] == ["won"]


def test_whoever_holds_a_role_does_and_an_owner_too(crm: CRM, firm: Firm) -> None:
    for one in (firm.lead, firm.owner):
        made = make_deal(crm, by=one, pipeline="large")
        with crm.work(one) as work:
            pipelines.move(work, [Move(Deal, made.id, to="won")])
    deal = make_deal(crm, by=firm.lead, pipeline="small")
    with crm.read(firm.lead) as reader:
        assert [it.to for it in pipelines.offers(reader, Deal, deal.id)] == ["won", "large.new"]


def test_it_is_explained(crm: CRM, firm: Firm) -> None:
    deal = make_deal(crm, by=firm.seller, pipeline="small")
    with crm.read(firm.owner) as reader:
        told = explaining.explain(reader, Deal, deal.id, user=firm.seller.id, action="move:large.new")
        assert (told.allowed, told.reason) == (False, f"restricted: {TOLD}")
        assert firm.seller.id not in [
            it.user_id for it in explaining.who(reader, Deal, deal.id, action="move:large.new")
        ]


def test_what_a_rule_does_was_granted(crm: CRM, firm: Firm) -> None:
    """Whoever sets it off need not hold the role: the rule acts as its automation."""
    deal = make_deal(crm, by=firm.seller, pipeline="small")
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, deal.id, source="fair")])
    with crm.read(firm.seller) as reader:
        assert reader.get(Deal, deal.id).pipeline == "large"
