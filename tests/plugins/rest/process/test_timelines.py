"""The timeline of a record over REST, page after page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opencrm import CRM, Deal, Move, Update, pipelines, records
from opencrm.testing import Firm, make_deal


def test_the_pages_of_a_timeline(crm: CRM, firm: Firm, as_: Callable[..., Any]) -> None:
    """Each with the cursor of the next one, which holds for that record alone; a move says from where to where."""
    deal, other = (make_deal(crm, by=firm.seller, pipeline="windows") for _ in range(2))
    with crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, deal.id, to="offer")])
    for at in range(4):
        with crm.work(firm.seller) as work:
            records.update(work, [Update(Deal, deal.id, description=f"What was said {at}")])
    seller, path = as_(firm.seller), f"/v1/deals/{deal.id}/timeline"
    first = seller.get(f"{path}?limit=4").json
    second = seller.get(f"{path}?limit=4&cursor={first['next']}").json
    assert [it["kind"] for it in first["items"]] == ["changed"] * 4
    assert [it["kind"] for it in second["items"]] == ["moved", "created"]
    assert second["next"] is None
    assert (second["items"][0]["from_stage"], second["items"][0]["to_stage"]) == ("new", "offer")
    assert seller.get(path).json == {"items": first["items"] + second["items"], "next": None}
    for wrong in (f"{path}?cursor=nonsense", f"/v1/deals/{other.id}/timeline?cursor={first['next']}"):
        refused = seller.get(wrong)
        assert (refused.status_code, [*refused.json["errors"]]) == (422, ["cursor"])
