"""Deal lines, and the amount that follows them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from opencrm import (
    Create,
    Deal,
    DealLine,
    Delete,
    FieldRule,
    Grant,
    InputError,
    Less,
    NotFound,
    PermissionDenied,
    Query,
    Restore,
    Role,
    Scope,
    Undo,
    Update,
    records,
    undoing,
)
from opencrm.embed import grant_rows
from opencrm.testing import make_deal


def amount(crm, by, deal):
    with crm.read(by) as reader:
        found = reader.get(Deal, deal.id)
        return found.amount, found.amount_from


def line_of(crm, by):
    with crm.read(by) as reader:
        return reader.list(Query(DealLine)).rows[0]


def test_a_deal_made_with_lines_has_their_sum(crm):
    """Quantity, price and discount make a line's total; the totals make the amount."""
    deal = make_deal(crm, lines=[{"price": "10", "quantity": 3}, {"price": "99.99", "discount": 10}])
    assert (deal.amount, deal.currency, deal.amount_from) == (Decimal("119.99"), "EUR", "lines")


def test_an_amount_by_hand_stays(crm, firm):
    """Whoever names an amount keeps it, lines or not."""
    deal = make_deal(crm, amount=5, lines=[{"price": "10"}])
    with crm.work(firm.owner) as work:
        records.create(work, [Create(DealLine, deal_id=deal.id, price=1)])
    assert amount(crm, firm.owner, deal) == (Decimal(5), "hand")


def test_the_sum_follows_every_change_of_a_line(crm, firm):
    """Added, changed, deleted, restored: the amount is always right, and told in the deal's history."""
    deal = make_deal(crm, by=firm.seller, lines=[{"price": 10}])
    line = line_of(crm, firm.seller)
    steps = [
        (lambda work: records.create(work, [Create(DealLine, deal_id=deal.id, price=5)]), 15),
        (lambda work: records.update(work, [Update(DealLine, line.id, quantity=2)]), 25),
        (lambda work: records.delete(work, [Delete(DealLine, line.id)]), 5),
        (lambda work: records.restore(work, [Restore(DealLine, line.id)]), 25),
    ]
    for step, total in steps:
        with crm.work(firm.seller) as work:
            step(work)
        assert amount(crm, firm.seller, deal) == (Decimal(total), "lines")
    with crm.read(firm.seller) as reader:
        assert [entry.after.get("amount") for entry in reader.history(Deal, deal.id)] == [10, 15, 25, 5, 25]


def test_an_amount_that_follows_lines_is_not_overwritten(crm, firm):
    """The sum wins over an amount typed in while the amount is the sum."""
    deal = make_deal(crm, lines=[{"price": 10}])
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, deal.id, amount=3)])
    assert amount(crm, firm.owner, deal) == (Decimal(10), "lines")


def test_an_amount_may_change_its_mind(crm, firm):
    """Switched to the lines it becomes their sum; switched back it stays until somebody types."""
    deal = make_deal(crm, amount=3, lines=[{"price": 10}])
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, deal.id, amount_from="lines")])
    assert amount(crm, firm.owner, deal) == (Decimal(10), "lines")
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, deal.id, amount_from="hand", amount=4)])
    assert amount(crm, firm.owner, deal) == (Decimal(4), "hand")


def test_two_currencies_are_never_added(crm, firm):
    """Lines in another currency than the deal's are refused, at creation and later."""
    with pytest.raises(InputError):
        make_deal(crm, lines=[{"price": 1, "currency": "USD"}, {"price": 1, "currency": "GBP"}])
    deal = make_deal(crm, lines=[{"price": 1, "currency": "USD"}])
    assert deal.currency == "USD"
    with pytest.raises(InputError), crm.work(firm.owner) as work:
        records.create(work, [Create(DealLine, deal_id=deal.id, price=1, currency="GBP")])


def test_a_line_stays_with_its_deal(crm, firm):
    """A line cannot go over to another deal."""
    make_deal(crm, lines=[{"price": 1}])
    other = make_deal(crm)
    with crm.work(firm.owner) as work, pytest.raises(InputError):
        records.update(work, [Update(DealLine, line_of(crm, firm.owner).id, deal_id=other.id)])


@pytest.mark.parametrize("wrong", [{"discount": 101}, {"discount": -1}, {"quantity": "1e13", "price": "1e13"}])
def test_a_line_must_make_sense(crm, wrong):
    """No discount beyond the price, no total that cannot be kept."""
    with pytest.raises(InputError):
        make_deal(crm, lines=[wrong])


def test_lines_of_many_deals_are_summed_in_one_act(crm, firm):
    """A batch over several deals gives each its own sum."""
    deals = [make_deal(crm, lines=[{"price": 1}]) for _ in range(3)]
    with crm.work(firm.owner) as work:
        records.create(work, [Create(DealLine, deal_id=deal.id, price=at) for at, deal in enumerate(deals)])
    assert [amount(crm, firm.owner, deal)[0] for deal in deals] == [1, 2, 3]


def test_totals_round_to_the_currency(crm):
    """A yen has no hundredth."""
    deal = make_deal(crm, currency="JPY", lines=[{"price": 10, "quantity": "0.25", "currency": "JPY"}])
    assert deal.amount == Decimal(2)


def test_lines_follow_their_deal_out_of_sight(crm, firm):
    """Who does not see the deal sees no line of it."""
    make_deal(crm, by=firm.seller, lines=[{"price": 1}])
    line = line_of(crm, firm.seller)
    with crm.read(firm.stranger) as reader:
        assert reader.list(Query(DealLine)).rows == ()
        with pytest.raises(NotFound):
            reader.get(DealLine, line.id)


def line_acts(deal, line):
    """The ways to a larger amount that name no amount."""
    return {
        "create": lambda work: records.create(work, [Create(DealLine, deal_id=deal.id, price=5000)]),
        "update": lambda work: records.update(work, [Update(DealLine, line.id, quantity=5000)]),
        "delete": lambda work: records.delete(work, [Delete(DealLine, line.id)]),
    }


@pytest.mark.parametrize("act", ["create", "update", "delete"])
def test_an_amount_that_may_not_be_written_is_not_written_through_lines(crm, firm, act):
    """A closed field stays closed, whatever follows from what: nothing of the block is kept."""
    deal = make_deal(crm, owner_id=firm.seller.id, lines=[{"price": 10}])
    line = line_of(crm, firm.seller)
    close_amount(crm, firm)
    with pytest.raises(PermissionDenied), crm.work(firm.seller) as work:
        line_acts(deal, line)[act](work)
    assert amount(crm, firm.owner, deal) == (Decimal(10), "lines")
    assert line_of(crm, firm.owner).quantity == 1


def test_an_amount_that_may_not_be_written_is_not_taken_back_through_lines(crm, firm):
    """Nor by undoing what was done to a line."""
    deal = make_deal(crm, owner_id=firm.seller.id, lines=[{"price": 10}])
    with crm.work(firm.seller) as work:
        records.create(work, [Create(DealLine, deal_id=deal.id, price=5)])
        act = work.act
    close_amount(crm, firm)
    with pytest.raises(PermissionDenied), crm.work(firm.seller) as work:
        undoing.undo(work, [Undo(act=act)])
    assert amount(crm, firm.owner, deal) == (Decimal(15), "lines")


def test_an_amount_that_may_not_be_written_is_not_switched_to_the_lines(crm, firm):
    """Nor at creation, where lines alone would make it."""
    deal = make_deal(crm, owner_id=firm.seller.id, amount=3, lines=[{"price": 10}])
    close_amount(crm, firm)
    with pytest.raises(PermissionDenied), crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, deal.id, amount_from="lines")])
    with pytest.raises(PermissionDenied):
        make_deal(crm, by=firm.seller, lines=[{"price": 10}])
    assert amount(crm, firm.owner, deal) == (Decimal(3), "hand")


def test_lines_that_change_no_closed_amount_are_free(crm, firm):
    """Where the amount was entered by hand, or stays what it is, nobody writes it."""
    deal = make_deal(crm, owner_id=firm.seller.id, amount=3, lines=[{"price": 10}])
    close_amount(crm, firm)
    with crm.work(firm.seller) as work:
        records.create(work, [Create(DealLine, deal_id=deal.id, price=5)])
    follows = make_deal(crm, owner_id=firm.seller.id, lines=[{"price": 10}])
    with crm.work(firm.seller) as work:
        records.create(work, [Create(DealLine, deal_id=follows.id, price=0)])
    assert [amount(crm, firm.owner, each)[0] for each in (deal, follows)] == [3, 10]


@pytest.mark.parametrize("act", ["create", "update"])
def test_a_condition_over_the_amount_holds_through_lines(crm, firm, act):
    """Who may change small deals makes no large one of them by a line."""
    deal = make_deal(crm, owner_id=firm.seller.id, lines=[{"price": 10}])
    line = line_of(crm, firm.seller)
    small_deals_only(crm, firm)
    with pytest.raises(PermissionDenied), crm.work(firm.seller) as work:
        line_acts(deal, line)[act](work)
    assert amount(crm, firm.owner, deal) == (Decimal(10), "lines")
    with crm.work(firm.seller) as work:
        records.create(work, [Create(DealLine, deal_id=deal.id, price=20)])
    assert amount(crm, firm.owner, deal) == (Decimal(30), "lines")


def test_a_condition_over_the_amount_holds_through_a_change_of_mind(crm, firm):
    """Nor by letting the amount follow lines that are worth more."""
    deal = make_deal(crm, owner_id=firm.seller.id, amount=3, lines=[{"price": 5000}])
    small_deals_only(crm, firm)
    with pytest.raises(PermissionDenied), crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, deal.id, amount_from="lines")])
    assert amount(crm, firm.owner, deal) == (Decimal(3), "hand")


def close_amount(crm, firm):
    rule = FieldRule("deal", "amount", read=True, write=False)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=[rule])])


def small_deals_only(crm, firm):
    grants = [Grant("deal", "read", Scope.ALL), Grant("deal", "update", Scope.ALL, Less("amount", 1000))]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], grants=grant_rows(grants))])
