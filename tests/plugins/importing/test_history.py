"""History from another system: a deal enters at its stage, with its dates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from opencrm import CRM, Deal, Query, Record
from opencrm.testing import MONDAY, Firm

Bring = Callable[..., object]

DEALS = """
system = "old crm"
zone = "Europe/Berlin"
[[target]]
entity = "deal"
key = "no"
fields.title = "no"
fields.pipeline = { value = "windows" }
fields.stage = "stage"
[target.history]
created_at = "began"
moves = [
    { stage = { value = "measuring" }, at = "began" },
    { stage = "stage", at = "ended" },
]
"""


def deals(crm: CRM, firm: Firm) -> list[Record]:
    with crm.read(firm.owner) as reader:
        return list(reader.stream(Query(Deal, sort="title")))


def test_a_closed_deal_enters_at_its_stage_with_its_dates(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A date is its first instant in the map's zone; the graph of moves is not asked."""
    bring("no,stage,began,ended\n1,won,2024-01-10,2024-07-01\n", DEALS)
    [deal] = deals(crm, firm)
    assert (deal.stage, deal.created_at) == ("won", datetime(2024, 1, 9, 23, tzinfo=UTC))
    assert deal.closed_at == deal.stage_since == datetime(2024, 6, 30, 22, tzinfo=UTC)


def test_an_open_deal_has_the_moves_that_have_dates(bring: Bring, crm: CRM, firm: Firm) -> None:
    """A step without a date is left out; without any, the deal stands where it stands, from now on."""
    bring("no,stage,began,ended\n1,measuring,2024-01-10,\n2,new,,\n", DEALS)
    first, second = deals(crm, firm)
    assert (first.stage, first.stage_since, first.closed_at) == (
        "measuring",
        datetime(2024, 1, 9, 23, tzinfo=UTC),
        None,
    )
    assert (second.stage, second.stage_since) == ("new", MONDAY)


def test_a_stage_without_its_date_is_still_the_deals_stage(bring: Bring, crm: CRM, firm: Firm) -> None:
    """The last known date stands in for it."""
    bring("no,stage,began,ended\n1,lost,2024-01-10,\n", DEALS)
    [deal] = deals(crm, firm)
    assert (deal.stage, deal.closed_at) == ("lost", datetime(2024, 1, 9, 23, tzinfo=UTC))


def test_a_date_that_is_none_rejects_the_row(bring: Bring, crm: CRM, firm: Firm) -> None:
    """The column is named."""
    brought = bring("no,stage,began,ended\n1,won,yesterday,\n", DEALS)
    assert [(row["code"], row["column"]) for row in brought.errors] == [("invalid_input", "began")]
    assert not deals(crm, firm)
