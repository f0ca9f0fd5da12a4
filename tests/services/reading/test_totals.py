"""Counts that say where they stop, totals of lists, and sums by currency."""

from __future__ import annotations

from decimal import Decimal

import pytest

from opencrm import Create, Deal, Equal, InputError, Money, Query, records
from opencrm.services.reading import reader as reading


@pytest.fixture
def deals(crm, firm):
    """Six deals in two currencies, one without an amount."""
    amounts = ["1 EUR", "2.50 EUR", "7 USD", None, "-4 USD", "99999999999999 EUR"]
    with crm.work(firm.seller) as work:
        records.create(work, [Create(Deal, values=_values(at, text)) for at, text in enumerate(amounts)])


def _values(at, text):
    amount, _, currency = (text or "").partition(" ")
    return {"title": f"D{at}", "amount": amount or None, "currency": currency or None}


def test_a_count_says_that_it_stopped(crm, firm, deals, monkeypatch):
    """Beyond the limit there are only more."""
    with crm.read(firm.head) as reader:
        whole = reader.count(Deal)
        assert (whole, whole.capped, str(whole), f"{whole}") == (6, False, "6", "6")
        monkeypatch.setattr(reading, "MOST_COUNTED", 5)
        capped = reader.count(Deal)
        assert (capped > 5, capped.capped, str(capped)) == (True, True, "more than 5")


@pytest.mark.parametrize("limit", [2, 6, 50])
def test_a_list_tells_its_total_on_every_page(crm, firm, deals, limit):
    """Of all pages, however long they are."""
    cursor, totals = None, []
    with crm.read(firm.head) as reader:
        while True:
            page = reader.list(Query(Deal, limit=limit, total=True, cursor=cursor))
            totals.append(page.total)
            cursor = page.next
            if cursor is None:
                break
        assert reader.list(Query(Deal)).total is None
    assert set(totals) == {6}


def test_the_only_page_is_its_own_total(crm, firm, deals, statements):
    """No second statement; and one for a total of several pages."""
    with crm.read(firm.head) as reader:
        reader.list(Query(Deal, limit=2, total=True))
        statements.clear()
        reader.list(Query(Deal, total=True))
        assert len(statements) == 1
        statements.clear()
        reader.list(Query(Deal, limit=2, total=True))
        assert len(statements) == 2


def test_sums_come_by_currency_and_stay_exact(crm, firm, deals):
    """Money of two currencies is never added, and no sum overflows."""
    with crm.read(firm.head) as reader:
        assert reader.sums(Deal, "amount") == (Money(Decimal("100000000000002.50"), "EUR"), Money(Decimal(3), "USD"))
        assert reader.sums(Deal, "amount", Equal("title", "D3")) == ()
    with crm.read(firm.stranger) as reader:
        assert reader.sums(Deal, "amount") == ()


def test_a_sum_beyond_sixty_four_bits_is_no_error(crm, firm):
    """Twenty of the largest amounts, of both signs in between."""
    with crm.work(firm.seller) as work:
        records.create(work, [Create(Deal, title=f"D{at}", amount="99999999999999.99") for at in range(20)])
        records.create(work, [Create(Deal, title="back", amount="-0.01")])
    with crm.read(firm.seller) as reader:
        assert reader.sums(Deal, "amount") == (Money(Decimal("1999999999999999.79"), "EUR"),)


@pytest.mark.parametrize("field", ["title", "currency", "nonsense", "version"])
def test_only_money_that_may_be_read_is_summed(crm, firm, field):
    """Anything else is no amount."""
    with crm.read(firm.head) as reader, pytest.raises(InputError):
        reader.sums(Deal, field)
