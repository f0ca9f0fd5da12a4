"""Boards and reports over REST."""

from __future__ import annotations

from functools import cache

import pytest


@pytest.fixture
def people(as_, firm):
    """`people("seller")`: the client of a person."""
    return cache(lambda name: as_(getattr(firm, name)))


@pytest.fixture
def deals(people):
    """Two deals of the seller's and one of the stranger's."""
    for name, title, amount in (("seller", "a", 10), ("seller", "b", 20), ("stranger", "c", 40)):
        people(name).make("deals", title=title, amount=amount)


@pytest.mark.parametrize("who, worth", [("owner", "70.00"), ("head", "30.00"), ("stranger", "40.00")])
def test_everybody_has_a_board_and_a_report_of_their_own(people, deals, who, worth):
    """Three principals, three answers."""
    board = people(who).get("/v1/boards/windows").json
    [new] = [stage for stage in board["stages"] if stage["key"] == "new"]
    assert new["sums"] == [{"amount": worth, "currency": "EUR"}]
    report = people(who).get("/v1/reports?entity=deal&by=stage&measure=sum:amount").json
    assert report["rows"] == [{"stage": "new", "sum:amount": [{"amount": worth, "currency": "EUR"}]}]


def test_a_board_takes_filters_a_sort_fields_and_a_number_of_cards(people, deals):
    """As the list does."""
    path = "/v1/boards/windows?amount[gte]=15 EUR&cards=1&sort=amount&fields=title"
    board = people("owner").get(path.replace(" ", "%20")).json
    [new] = [stage for stage in board["stages"] if stage["count"]]
    assert (new["key"], new["count"], new["more"]) == ("new", 2, False)
    assert [(card["title"], sorted(card)) for card in new["cards"]] == [("b", ["id", "title"])]


def test_a_report_takes_two_groups_and_several_measures(people, deals):
    """Of a period the first day is told; without a measure records are counted."""
    path = "/v1/reports?entity=deal&by=created_at:month&by=stage&measure=count&measure=conversion&title=a"
    assert people("owner").get(path).json == {
        "entity": "deal",
        "group_by": ["created_at:month", "stage"],
        "measures": ["count", "conversion"],
        "rows": [
            {
                "created_at:month": "2026-03-01",
                "stage": "new",
                "count": 1,
                "conversion": {"won": 0, "closed": 0, "records": 1, "rate": "0.00", "win_rate": None},
            }
        ],
    }
    assert people("owner").get("/v1/reports?entity=deals").json["rows"] == [{"count": 3}]


@pytest.mark.parametrize(
    "path, status, field",
    [
        ("/v1/boards/nix", 404, None),
        ("/v1/boards/windows?cards=x", 422, "cards"),
        ("/v1/boards/windows?cards=101", 422, "cards"),
        ("/v1/boards/windows?cards=1&cards=2", 422, "cards"),
        ("/v1/boards/windows?sort=source", 422, "sort"),
        ("/v1/boards/windows?limit=3", 422, "limit"),
        ("/v1/boards/windows?nix=3", 422, "nix"),
        ("/v1/reports", 422, "entity"),
        ("/v1/reports?entity=deal&entity=task", 422, "entity"),
        ("/v1/reports?entity=nix", 404, None),
        ("/v1/reports?entity=deal&by=nix", 422, "by"),
        ("/v1/reports?entity=deal&measure=nix", 422, "measure"),
        ("/v1/reports?entity=deal&by=stage&by=source&by=title", 422, "by"),
        ("/v1/reports?entity=deal&total=true", 422, "total"),
        ("/v1/reports?entity=deal&sort=title", 422, "sort"),
    ],
)
def test_what_cannot_be_asked_is_refused(people, path, status, field):
    """With the field that was wrong."""
    found = people("owner").get(path)
    assert found.status_code == status
    assert field is None or list(found.json["errors"]) == [field]


def test_groups_are_own_fields(people, deals):
    """The refusal of a path says so."""
    refused = people("owner").get("/v1/reports?entity=deal&by=company.city").json["errors"]
    assert refused == {"by": ["groups are own fields, not those of linked records"]}


def test_a_sort_without_an_index_has_a_code_of_its_own(people, deals, monkeypatch):
    """A program can tell it from a wrong word."""
    from opencrm.services.reading import reader

    monkeypatch.setattr(reader, "MOST_COUNTED", 2)
    refused = people("owner").get("/v1/deals?sort=source")
    assert (refused.status_code, refused.json["code"]) == (422, "sort_not_indexed")
