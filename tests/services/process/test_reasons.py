"""Reasons for losing: those that a stage knows are asked for, kept by their keys and read by their labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from opencrm import (
    CRM,
    Create,
    Deal,
    History,
    InputError,
    Move,
    Pipeline,
    Principal,
    Report,
    RequirementMissing,
    Stage,
    Update,
    hookimpl,
    inbox,
    notify,
    owner,
    pipelines,
    records,
    reports,
    required,
)
from opencrm.services.reading.rows import Record
from opencrm.testing import MONDAY, Firm, make_deal

REASONS = {"price": "Too expensive", "rival": "Went to a rival"}
SALES = Pipeline(
    "sales",
    [
        Stage("request"),
        Stage(
            "lost",
            kind="lost",
            reasons=REASONS,
            enter=[required("lost_reason")],
            do=[notify(owner, "Lost: {lost_reason}")],
        ),
    ],
    moves={("request", "lost"), ("lost", "request")},
)
FREE = Pipeline(
    "free", [Stage("request"), Stage("lost", kind="lost", enter=[required("lost_reason")])], moves={("*", "lost")}
)


class Sales:
    """Brings a pipeline with reasons, and one without."""

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield from (SALES, FREE)


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Sales()]


@pytest.fixture
def lose(crm: CRM, firm: Firm) -> Callable[..., Record]:
    """`lose(deal, "price")` moves a deal to its lost stage."""

    def lost(id: str, reason: str | None) -> None:
        values = {} if reason is None else {"lost_reason": reason}
        with crm.work(firm.seller) as work:
            pipelines.move(work, [Move(Deal, id, to="lost", values=values)])

    return lost


def reason(crm: CRM, by: Principal, id: str) -> Any:
    with crm.read(by) as reader:
        return reader.get(Deal, id).lost_reason


def test_one_of_them_is_asked_for(crm: CRM, firm: Firm, lose: Any) -> None:
    deal = make_deal(crm, by=firm.seller, pipeline="sales")
    with pytest.raises(RequirementMissing) as refused:
        lose(deal.id, None)
    [missing] = refused.value.details["missing"]
    schema = missing["form"]["schema"]
    assert (missing["text"], schema["required"]) == ("Lost reason", ["lost_reason"])
    assert schema["properties"]["lost_reason"] == {
        "title": "Lost reason",
        "type": "string",
        "enum": ["price", "rival"],
        "oneOf": [{"const": key, "title": label} for key, label in REASONS.items()],
    }
    lose(deal.id, "price")
    assert reason(crm, firm.seller, deal.id) == "price"


def test_another_one_is_named(crm: CRM, firm: Firm, lose: Any) -> None:
    deal = make_deal(crm, by=firm.seller, pipeline="sales")
    with pytest.raises(RequirementMissing, match="'weather' is none of price, rival"):
        lose(deal.id, "weather")
    lose(deal.id, "rival")
    with pytest.raises(InputError, match="'weather' is none of price, rival"), crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, deal.id, lost_reason="weather")])
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, deal.id, lost_reason="price")])
    assert reason(crm, firm.seller, deal.id) == "price"


def test_any_text_will_do_where_none_is_declared(crm: CRM, firm: Firm, lose: Any) -> None:
    deal = make_deal(crm, by=firm.seller, pipeline="free")
    lose(deal.id, "the weather")
    assert reason(crm, firm.seller, deal.id) == "the weather"


def test_people_read_the_label(crm: CRM, firm: Firm, lose: Any) -> None:
    deal = make_deal(crm, by=firm.seller, pipeline="sales")
    lose(deal.id, "price")
    with crm.read(firm.seller) as reader:
        assert [it.text for it in inbox.page(reader).items] == ["Lost: Too expensive"]


def test_a_report_counts_by_it(crm: CRM, firm: Firm, lose: Any) -> None:
    for why in ("price", "price", "rival"):
        lose(make_deal(crm, by=firm.seller, pipeline="sales").id, why)
    with crm.read(firm.seller) as reader:
        table = reports.run(reader, Report(Deal, "lost_reason"))
        assert table.rows == (("price", 2), ("rival", 1))
        assert reports.names(reader, table) == REASONS


def test_what_history_tells_is_kept_as_it_is(crm: CRM, firm: Firm) -> None:
    """A record that comes from somewhere else has the reason that it had there; what is missing is reported."""
    past = History(created_at=MONDAY - timedelta(days=9), moves=[("lost", MONDAY - timedelta(days=2))])
    values = {"title": "Old", "pipeline": "sales", "stage": "lost", "lost_reason": "Weather"}
    with crm.work(firm.owner, origin="import") as work:
        [made] = records.create(work, [Create(Deal, values=values, history=past)])
        assert [it["text"] for it in work.reported] == ["Lost reason: 'Weather' is none of price, rival"]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, made.record_id, title="Older")])
    assert reason(crm, firm.owner, made.record_id) == "Weather"
