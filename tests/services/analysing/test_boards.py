"""Boards: what stands in each stage of a pipeline, in at most three statements."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from opencrm import (
    Create,
    Deal,
    Equal,
    FieldRule,
    InputError,
    Money,
    NotFound,
    Role,
    Update,
    at_least,
    boards,
    records,
)


@pytest.fixture
def deals(crm, firm):
    """Four deals of the seller's, one of the stranger's and one outside the pipeline's stages."""
    made = [
        ("a", firm.seller, "new", "1 EUR"),
        ("b", firm.seller, "new", "2 USD"),
        ("c", firm.seller, "new", None),
        ("d", firm.fitter, "won", "8 EUR"),
        ("e", firm.stranger, "new", "100 EUR"),
    ]
    for title, owner, stage, money in made:
        amount, _, currency = (money or "").partition(" ")
        values = {"title": title, "owner_id": owner.id, "stage": stage, "amount": amount or None}
        values |= {"currency": currency} if currency else {}
        with crm.work(firm.owner) as work:
            records.create(work, [Create(Deal, values=values)])
        crm.advance("1m")


def told(board):
    """Return count, sums and cards of the stages where something stands."""
    return {
        column.stage.key: (int(column.count), column.sums, [card.title for card in column.cards])
        for column in board.columns
        if column.count
    }


def euros(number):
    return Money(Decimal(number), "EUR")


def test_a_board_shows_each_stage_with_counts_sums_and_cards(crm, firm, deals):
    """In the pipeline's order; of each stage the newest first, and money by currency."""
    with crm.read(firm.head) as reader:
        board = boards.board(reader, "windows")
    assert [column.stage.key for column in board.columns] == ["new", "measuring", "offer", "waiting", "won", "lost"]
    assert told(board) == {
        "new": (3, (euros(1), Money(Decimal(2), "USD")), ["c", "b", "a"]),
        "won": (1, (euros(8),), ["d"]),
    }


def test_everybody_sees_a_board_of_their_own(crm, firm, deals):
    """The scope is within the statements."""
    with crm.read(firm.owner) as reader:
        assert told(boards.board(reader, "windows"))["new"][0] == 4
    with crm.read(firm.stranger) as reader:
        assert told(boards.board(reader, "windows")) == {"new": (1, (euros(100),), ["e"])}


def test_a_board_can_be_filtered_sorted_and_cut(crm, firm, deals):
    """By any condition, an indexed sort, a number of cards, and fields."""
    with crm.read(firm.head) as reader:
        board = boards.board(reader, "windows", where=at_least("amount", "1 EUR"), sort="amount", fields=["title"])
        assert told(board) == {"new": (1, (euros(1),), ["a"]), "won": (1, (euros(8),), ["d"])}
        assert board.columns[0].cards[0].fields == ("id", "title")
        cut = boards.board(reader, "windows", cards=1, sort="created_at")
        assert told(cut)["new"] == (3, (euros(1), Money(Decimal(2), "USD")), ["a"])
        assert told(boards.board(reader, "windows", cards=0))["new"][2] == []


def test_counts_of_a_board_are_capped(crm, firm, deals, monkeypatch):
    """As every count is."""
    monkeypatch.setattr(boards, "MOST_COUNTED", 2)
    with crm.read(firm.head) as reader:
        assert str(boards.board(reader, "windows").columns[0].count) == "more than 2"


@pytest.mark.parametrize("who", ["owner", "head", "seller", "stranger"])
def test_a_board_takes_three_statements_at_most(crm, firm, deals, statements, who):
    """Totals, cards, and once more cards where a walk found too few; then none is tried for a minute."""
    with crm.read(getattr(firm, who)) as reader:
        for most in (3, 2):
            statements.clear()
            boards.board(reader, "windows", cards=2)
            assert len(statements) <= most, str(statements)


@pytest.mark.parametrize(
    "wrong",
    [
        {"where": Equal("nonsense", 1)},
        {"sort": "source"},
        {"sort": "nonsense"},
        {"cards": -1},
        {"cards": 101},
        {"fields": ["nonsense"]},
    ],
)
def test_what_cannot_be_asked_of_a_board_is_refused(crm, firm, wrong):
    """Before the database is asked."""
    with crm.read(firm.head) as reader, pytest.raises(InputError):
        boards.board(reader, "windows", **wrong)


def test_a_pipeline_that_is_not_there_has_no_board(crm, firm):
    """The answer names those that there are."""
    with crm.read(firm.head) as reader, pytest.raises(NotFound, match="windows"):
        boards.board(reader, "doors")


def hide(crm, firm, name):
    rule = attrs.asdict(FieldRule("deal", name, read=False, write=False))
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_head"], field_rules=[rule])])


@pytest.mark.parametrize("hidden", ["amount", "currency"])
def test_a_hidden_amount_is_not_added_up(crm, firm, deals, hidden):
    """Nor is one whose currency is hidden."""
    hide(crm, firm, hidden)
    with crm.read(firm.head) as reader:
        assert told(boards.board(reader, "windows"))["new"] == (3, (), ["c", "b", "a"])


@pytest.mark.parametrize("hidden", ["stage", "pipeline"])
def test_without_stages_there_is_no_board(crm, firm, deals, hidden):
    """A field that may not be read does not exist."""
    hide(crm, firm, hidden)
    with crm.read(firm.head) as reader, pytest.raises(InputError, match=f"{hidden}: deal has no"):
        boards.board(reader, "windows")
