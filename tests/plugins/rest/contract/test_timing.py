"""Time over REST: promises about a record, what is rotten, and the clock of a sandbox."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from opencrm import Deal, Empty, Not, Pipeline, Sla, Stage, created, hookimpl
from opencrm.testing import make_deal


class Timed:
    """A plugin with a promise, and a pipeline in which records rot and not many may stand."""

    name = "timed"

    @hookimpl
    def opencrm_register_slas(self) -> Iterator[Sla]:
        yield Sla("priced", on=Deal, start=created(Deal), stop=Not(Empty("amount")), targets="4h")

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        stages = [Stage("waits", rots_after="2d"), Stage("goes", limit=1), Stage("ends", kind="won")]
        yield Pipeline("timed", stages, moves={("waits", "goes"), ("goes", "ends")})


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Timed()]


def test_how_promises_stand(as_, crm, firm):
    """For whoever may read the record."""
    deal = make_deal(crm, by=firm.seller, pipeline="timed")
    crm.advance("1h")
    address = f"/v1/deals/{deal.id}/sla"
    [one] = as_(firm.seller).get(address).json["items"]
    assert one == {
        "sla": "priced",
        "label": "Priced",
        "state": "running",
        "started_at": "2026-03-02T09:00:00Z",
        "due_at": "2026-03-02T13:00:00Z",
        "paused_at": None,
        "breached_at": None,
        "ended_at": None,
        "spent": 3600,
        "target": 14400,
    }
    assert as_(firm.stranger).get(address).status_code == 404
    assert as_(firm.seller).get("/v1/deals/nonsense/sla").status_code == 404
    assert as_(firm.seller).get(f"{address}?x=1").status_code == 422


def test_what_is_rotten_is_filtered_and_shown_on_the_board(as_, crm, firm):
    """As if it were a field."""
    old = make_deal(crm, by=firm.seller, pipeline="timed")
    crm.advance("3d")
    new = make_deal(crm, by=firm.seller, pipeline="timed")
    seller = as_(firm.seller)
    assert [it["id"] for it in seller.get("/v1/deals?rotten=true").json["items"]] == [old.id]
    assert [it["id"] for it in seller.get("/v1/deals?rotten=false").json["items"]] == [new.id]
    assert seller.get("/v1/deals?rotten=perhaps").status_code == 422
    stages = seller.get("/v1/boards/timed").json["stages"]
    assert [(it["rotten"], it["limit"]) for it in stages] == [([old.id], None), ([], 1), ([], None)]
    stages = seller.get("/v1/boards/timed?rotten=true").json["stages"]
    assert [[card["id"] for card in it["cards"]] for it in stages] == [[old.id], [], []]


def test_a_full_stage_says_so(as_, crm, firm):
    """With a code for programs."""
    for status in (200, 409):
        deal = make_deal(crm, by=firm.seller, pipeline="timed")
        answered = as_(firm.seller).post(f"/v1/deals/{deal.id}/move", {"to": "goes"})
        assert answered.status_code == status
    assert [it["code"] for it in answered.json["details"]["objections"]] == ["stage_full"]


def test_an_owner_moves_the_clock_of_a_sandbox(as_, crm, firm):
    """And is told what happened."""
    owner = as_(firm.owner)
    assert owner.get("/v1/clock").json == {"now": "2026-03-02T09:00:00Z", "sandbox": False}
    assert owner.post("/v1/clock/advance", {"by": "1d"}).status_code == 409
    crm.sandbox.make(firm.owner)
    make_deal(crm, by=firm.seller, pipeline="timed", title="A")
    assert as_(firm.head).post("/v1/clock/advance", {"by": "1d"}).status_code == 403
    done = owner.post("/v1/clock/advance", {"by": "5h"})
    assert (done.status_code, done.json["now"], done.json["more"]) == (200, "2026-03-02T14:00:00Z", False)
    [told] = done.json["notifications"]
    assert (told["text"], told["at"]) == ("Overdue: Priced", "2026-03-02T13:00:00Z")
    assert owner.get("/v1/clock").json == {"now": "2026-03-02T14:00:00Z", "sandbox": True}
    for wrong in ({}, {"by": 3}, {"by": "soon"}, {"by": "999d"}, {"by": "1d", "to": "x"}):
        assert owner.post("/v1/clock/advance", wrong).status_code == 422
