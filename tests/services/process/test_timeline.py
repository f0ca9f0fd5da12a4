"""The timeline of a record: every effect stands there, with what caused it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from opencrm import CRM, Deal, InputError, Move, NotFound, Role, Update, pipelines, records
from opencrm.embed import timeline
from opencrm.testing import Firm, make_deal


def lines(crm: CRM, who: Any, id: str) -> list[tuple[str, str, str | None]]:
    with crm.read(who) as reader:
        return [(it.kind, it.entity, it.rule) for it in timeline(reader, Deal, id)]


def test_tasks_their_ladder_and_whom_it_told(crm: CRM, firm: Firm, finish: Callable[..., None]) -> None:
    deal = make_deal(crm, by=firm.seller, pipeline="sales", title="Windows")
    crm.advance(timedelta(minutes=31))
    crm.worker().run_once()
    found = lines(crm, firm.seller, deal.id)
    assert ("created", "deal", None) in found
    assert ("created", "task", "sales.request") in found
    assert ("changed", "task", "call") in found
    assert ("told", "task", "call") in found
    finish("call", by=firm.seller)
    found = lines(crm, firm.owner, deal.id)
    assert ("moved", "deal", "call") in found
    assert ("created", "task", "sales.measuring") in found


def test_what_follows_from_a_hidden_change_is_not_told(crm: CRM, firm: Firm) -> None:
    """The head is told that the deal is won: whoever may not know its stage does not see that either."""
    deal = make_deal(crm, by=firm.seller, pipeline="sales", stage="agreed", amount="1")
    with crm.work(firm.owner) as work:
        pipelines.move(work, [Move(Deal, deal.id, to="won")])
    assert ("told", "deal", "sales.won") in lines(crm, firm.seller, deal.id)
    with crm.read(firm.seller) as reader:
        names = next(it.fields for it in timeline(reader, Deal, deal.id) if it.kind == "moved")
    rules = [{"entity": "deal", "field": name, "read": False, "write": False} for name in names]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=rules)])
    assert [it for it in lines(crm, firm.seller, deal.id) if it[0] == "told"] == []


def test_it_is_for_those_who_may_read_the_record(crm: CRM, firm: Firm) -> None:
    """And as long as they ask."""
    deal = make_deal(crm, by=firm.seller, pipeline="sales")
    with crm.read(firm.stranger) as reader, pytest.raises(NotFound):
        timeline(reader, Deal, deal.id)
    with crm.read(firm.seller) as reader, pytest.raises(InputError, match="limit"):
        timeline(reader, Deal, deal.id, limit=501)
    with crm.read(firm.seller) as reader:
        assert len(timeline(reader, Deal, deal.id, limit=1)) == 1
