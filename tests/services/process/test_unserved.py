"""Services that nobody brings refuse the act that calls them, and what fails is told to whoever answers for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from opencrm import (
    CRM,
    ConfigurationError,
    Deal,
    Move,
    NotFound,
    Pipeline,
    RequirementMissing,
    Rule,
    Service,
    Stage,
    call,
    created,
    generate,
    hookimpl,
    notify,
    owner,
    pipelines,
    update,
)
from opencrm.services.process.entering.offering import moves
from opencrm.services.process.overseeing import history
from opencrm.storage import tables
from opencrm.testing import Firm, make_deal

Rows = Callable[[Any], list[dict[str, Any]]]

MISSING = "the service 'documents_generate': enable the plugin 'documents', which has it"


class Salon:
    """Makes a card that no active plugin can make, and rings a bell that is out of order."""

    name = "salon"

    def __init__(self) -> None:
        self.order = False

    @hookimpl
    def opencrm_register_services(self) -> Iterator[Service]:
        yield Service(name="salon_ring", run=self._ring)

    def _ring(self, door: Any, values: Mapping[str, Any]) -> None:
        if not self.order:
            raise RuntimeError("out of order")

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        booked = Stage("booked", do=[generate("card"), notify(owner, "Booked")])
        yield Pipeline("salon", [Stage("asked"), booked], moves=[("asked", "booked")])

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("salon_bell", on=created(Deal), do=[call("salon_ring"), update(source="rung")])


@pytest.fixture
def salon() -> Salon:
    return Salon()


@pytest.fixture
def crm_plugins(salon: Salon) -> Sequence[object]:
    return [salon]


def test_a_service_that_nobody_brings_refuses_the_move(crm: CRM, firm: Firm) -> None:
    """It is told before anybody tries, and names what to enable."""
    deal = make_deal(crm, by=firm.seller, pipeline="salon")
    with crm.read(firm.seller) as reader:
        assert [[it["text"] for it in offer.missing] for offer in moves(reader, Deal, deal.id)] == [[MISSING]]
    with pytest.raises(RequirementMissing, match=f"missing: {MISSING}"), crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, deal.id, to="booked")])


def test_who_asks_for_such_a_service_is_told_what_to_enable(crm: CRM, firm: Firm) -> None:
    deal = make_deal(crm, by=firm.seller)
    with pytest.raises(NotFound, match="no service 'documents_generate': enable the plugin 'documents'"):
        crm.services.ask(firm.seller, "documents_generate", Deal, deal.id, {"template": "card"})
    with pytest.raises(NotFound, match="no service 'salon_ring': only rules call it"):
        crm.services.ask(firm.seller, "salon_ring", Deal, deal.id, {})
    with pytest.raises(ConfigurationError, match="enable the plugin 'documents'"):
        crm.hooks.service("documents_generate")


def test_what_fails_again_and_again_is_told(crm: CRM, firm: Firm, rows: Rows) -> None:
    """To whoever answers for the record, after some attempts and after the last; the error is not for them."""
    deal = make_deal(crm, by=firm.seller)
    crm.worker().run_once()
    assert rows(tables.notification) == []
    crm.advance("1h")
    told = [(it["user_id"], it["record_id"], it["text"]) for it in rows(tables.notification)]
    what = "call salon_ring (of salon_bell)"
    texts = [f"This failed 3 times, and is tried again: {what}", f"This failed and is not tried again: {what}"]
    assert told == [(firm.head.id, deal.id, text) for text in texts]


def test_a_step_that_failed_is_listed_once(crm: CRM, firm: Firm) -> None:
    """And what comes after it is still to be done."""
    make_deal(crm, by=firm.seller)
    crm.advance("1h")
    with crm.read(firm.owner) as reader:
        [run] = history.of_rules(reader).items
    assert ([it["action"] for it in run.steps], run.rest) == (["call"], ("update",))
