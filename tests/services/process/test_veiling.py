"""What a requirement asks for is told to those who may know of every field that it looks at, however it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from opencrm import (
    CRM,
    Contact,
    Deal,
    Empty,
    Form,
    Move,
    Not,
    Pipeline,
    Principal,
    Requirement,
    RequirementMissing,
    Role,
    Sla,
    Stage,
    Update,
    created,
    hookimpl,
    pipelines,
    promises,
    records,
)
from opencrm.testing import Firm, make_contact, make_deal

VEILED = "something that you may not read"
LOST = Requirement(Not(Empty("lost_reason")), missing="the source of it", form=Form("why", ["lost_reason", "source"]))
SALES = Pipeline(
    "sales",
    [
        Stage("request"),
        Stage("agreed", enter=[Requirement(Not(Empty("amount")), missing="the budget", form=Form("sum", ["amount"]))]),
        Stage("known", enter=[Requirement(Not(Empty("contact.source")), missing="how they found us")]),
        Stage("lost", kind="lost", enter=[LOST]),
    ],
    moves={("*", "agreed"), ("*", "known"), ("*", "lost")},
)


class Sales:
    """Brings the pipeline."""

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield SALES

    @hookimpl
    def opencrm_register_slas(self) -> Iterator[Sla]:
        yield Sla("asked", on=Deal, start=created(Deal), stop=Not(Empty("contact.source")), targets="1d")


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Sales()]


def hide(crm: CRM, firm: Firm, *fields: tuple[str, str]) -> None:
    """Hide fields from the seller, and these alone."""
    rules = [{"entity": entity, "field": field, "read": False, "write": False} for entity, field in fields]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=rules)])


def move(crm: CRM, firm: Firm, id: str, to: str) -> None:
    with crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, id, to=to)])


@pytest.fixture
def missing(crm: CRM, firm: Firm) -> Callable[..., dict[str, Any]]:
    """`missing("agreed", hidden="amount")`: what the seller is told is missing, from whom a field is hidden."""
    contact = make_contact(crm, by=firm.seller, name="Maria")
    deal = make_deal(crm, by=firm.seller, pipeline="sales", contact_id=contact.id)

    def told(to: str, *, hidden: str | None = None) -> dict[str, Any]:
        hide(crm, firm, *([("deal", hidden)] if hidden else []))
        with pytest.raises(RequirementMissing) as refused:
            move(crm, firm, deal.id, to)
        [found] = refused.value.details["missing"]
        return dict(found)

    return told


def test_a_hidden_field_is_not_given_away_by_another_word(missing: Callable[..., dict[str, Any]]) -> None:
    """Neither by what is missing, nor by the name of the form that asks for it."""
    open = missing("agreed")
    assert (open["text"], open["form"]["key"], open["form"]["label"]) == ("the budget", "sum", "Sum")
    kept = missing("agreed", hidden="amount")
    assert (kept["text"], kept["form"]["key"], kept["form"]["label"]) == (VEILED, "form", VEILED)


def test_a_word_that_sounds_like_a_hidden_field_is_told(missing: Callable[..., dict[str, Any]]) -> None:
    """The requirement does not look at that field."""
    assert missing("lost", hidden="source")["text"] == "the source of it"
    assert missing("lost", hidden="lost_reason")["text"] == VEILED


def test_a_hidden_reference_is_not_given_away(missing: Callable[..., dict[str, Any]]) -> None:
    """Neither by what is asked of the record that it leads to."""
    assert missing("known")["text"] == "how they found us"
    assert missing("known", hidden="contact_id")["text"] == VEILED


class TestWhatALinkedRecordHolds:
    """A requirement is the organisation's: it is judged by what is there, whoever moves."""

    @pytest.fixture
    def deal(self, crm: CRM, firm: Firm) -> Callable[..., str]:
        """`deal(by=firm.owner, source="web")`: the seller's deal, with a contact of somebody's."""

        def made(by: Principal, source: str | None = None) -> str:
            contact = make_contact(crm, by=by, name="Maria", source=source)
            it = make_deal(crm, by=firm.owner, owner_id=firm.seller.id, pipeline="sales", contact_id=contact.id)
            return str(it.id)

        return made

    def test_counts_where_the_mover_may_not_read_the_field(self, crm: CRM, firm: Firm, deal: Any) -> None:
        known, unknown = deal(firm.seller, "web"), deal(firm.seller)
        hide(crm, firm, ("contact", "source"))
        move(crm, firm, known, "known")
        with pytest.raises(RequirementMissing) as refused:
            move(crm, firm, unknown, "known")
        told = {"record": unknown, "row": 0, "text": VEILED}
        assert (str(refused.value), refused.value.details["missing"]) == (f"missing: {VEILED}", [told])

    def test_counts_where_the_mover_may_not_know_of_the_record(self, crm: CRM, firm: Firm, deal: Any) -> None:
        move(crm, firm, deal(firm.owner, "web"), "known")
        with pytest.raises(RequirementMissing, match=f"missing: {VEILED}"):
            move(crm, firm, deal(firm.owner), "known")

    def test_is_not_told_among_the_moves_there_are(self, crm: CRM, firm: Firm, deal: Any) -> None:
        id = deal(firm.seller)
        hide(crm, firm, ("contact", "source"))
        with crm.read(firm.seller) as reader:
            [one] = [it for it in pipelines.offers(reader, Deal, id) if it.to == "known"]
        assert one.missing == ({"text": VEILED},)

    def test_ends_a_promise(self, crm: CRM, firm: Firm, deal: Any) -> None:
        id = deal(firm.seller)
        hide(crm, firm, ("contact", "source"))
        with crm.work(firm.owner) as work:
            records.update(work, [Update(Contact, work.get(Deal, id).contact_id, source="web")])
        with crm.work(firm.seller) as work:
            records.update(work, [Update(Deal, id, title="Bay window")])
        with crm.read(firm.owner) as reader:
            assert [it.state for it in promises.of(reader, Deal, id)] == ["met"]
