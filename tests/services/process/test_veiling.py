"""What a requirement asks for is told to those who may know of every field that it looks at, however it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from opencrm import (
    CRM,
    Deal,
    Empty,
    Form,
    Move,
    Not,
    Pipeline,
    Requirement,
    RequirementMissing,
    Role,
    Stage,
    Update,
    hookimpl,
    pipelines,
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


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Sales()]


@pytest.fixture
def missing(crm: CRM, firm: Firm) -> Callable[..., dict[str, Any]]:
    """`missing("agreed", hidden="amount")`: what the seller is told is missing, from whom a field is hidden."""
    contact = make_contact(crm, by=firm.seller, name="Maria")
    deal = make_deal(crm, by=firm.seller, pipeline="sales", contact_id=contact.id)

    def told(to: str, *, hidden: str | None = None) -> dict[str, Any]:
        rules = [{"entity": "deal", "field": hidden, "read": False, "write": False}] if hidden else []
        with crm.work(firm.owner) as work:
            records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=rules)])
        with pytest.raises(RequirementMissing) as refused, crm.work(firm.seller) as work:
            pipelines.move(work, [Move(Deal, deal.id, to=to)])
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
