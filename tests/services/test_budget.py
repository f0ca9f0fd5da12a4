"""How many statements an act costs: round trips are what a server's time goes into. The lists are printed.

What changes add to the counters is one more: on PostgreSQL a row or two of each table go in one statement, and with
them the question whether the stage is still there, and the word to workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from opencrm import Assign, Contact, Create, Deal, Delete, Move, Query, Update, assigning, pipelines, records
from opencrm.testing import make_contact, make_deal


@contextmanager
def at_most(statements, number: int) -> Iterator[None]:
    statements.clear()
    yield
    print(statements)
    assert len(statements) <= number, f"{len(statements)} statements instead of {number}:\n{statements}"


@pytest.fixture
def counter(crm):
    """What a row or two for the counters cost."""
    return 1 if crm.database.sqlite else 0


@pytest.fixture(autouse=True)
def _warm(crm, firm):
    """The first block of a process reads the configuration."""
    with crm.read(firm.seller), crm.work(firm.seller):
        pass


def test_creating_a_deal(crm, firm, statements):
    """Eight and the counters, with BEGIN and COMMIT; five on PostgreSQL."""
    contact = make_contact(crm, by=firm.seller)
    with at_most(statements, 9 if crm.database.sqlite else 5), crm.work(firm.seller) as work:
        records.create(work, [Create(Deal, title="A", contact_id=contact.id, amount=3)])


def test_creating_a_deal_with_lines(crm, firm, statements):
    """One more."""
    contact = make_contact(crm, by=firm.seller)
    with at_most(statements, 10 if crm.database.sqlite else 6), crm.work(firm.seller) as work:
        records.create(work, [Create(Deal, title="A", contact_id=contact.id, lines=[{"price": 1}, {"price": 2}])])


def test_creating_many_costs_what_one_costs(crm, firm, statements, counter):
    """The number of records does not matter."""
    with at_most(statements, 8 + counter), crm.work(firm.seller) as work:
        records.create(work, [Create(Deal, title=f"D{at}") for at in range(200)])


def test_changing_a_deal(crm, firm, statements):
    """Seven: begin, principal, state, update, what search holds of it, journal, commit."""
    deal = make_deal(crm, by=firm.seller)
    with at_most(statements, 7), crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, deal.id, title="B")])


def test_changing_an_amount(crm, firm, statements, counter):
    """One more, that asks whether the amount follows lines."""
    deal = make_deal(crm, by=firm.seller, amount=1)
    with at_most(statements, 7 + counter), crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, deal.id, amount=2)])


def test_changing_many_costs_what_one_costs(crm, firm, statements):
    """Where the same fields change."""
    with crm.work(firm.seller) as work:
        made = records.create(work, [Create(Deal, title=f"D{at}") for at in range(200)])
    with at_most(statements, 6), crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, entry.record_id, source="web") for entry in made])


def test_moving_a_deal(crm, firm, statements):
    """Eight: one more for the log of stages; six on PostgreSQL."""
    deal = make_deal(crm, by=firm.seller)
    with at_most(statements, 8 if crm.database.sqlite else 6), crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, deal.id, to="offer")])


def test_assigning_a_deal(crm, firm, statements, counter):
    """Eight: where the new owner sits, and whether they are in reach."""
    deal = make_deal(crm, by=firm.seller)
    with at_most(statements, 8 + counter), crm.work(firm.head) as work:
        assigning.assign(work, [Assign(Deal, deal.id, owner=firm.fitter.id)])


def test_deleting_a_deal(crm, firm, statements, counter):
    """Eight: one more than a change, that asks for its open tasks, which go with it."""
    deal = make_deal(crm, by=firm.seller)
    with at_most(statements, 8 + counter), crm.work(firm.seller) as work:
        records.delete(work, [Delete(Deal, deal.id)])


@pytest.mark.parametrize("who", ["owner", "head", "seller"])
def test_a_page_of_a_list(crm, firm, statements, who):
    """BEGIN, the principal, one statement for the page, and the end."""
    for _ in range(60):
        make_deal(crm, by=firm.seller)
    with at_most(statements, 4), crm.read(getattr(firm, who)) as reader:
        page = reader.list(Query(Deal, limit=50))
        assert len(page) == 50


def test_getting_a_record(crm, firm, statements):
    """One statement, after the principal."""
    contact = make_contact(crm, by=firm.seller)
    with at_most(statements, 4), crm.read(firm.seller) as reader:
        reader.get(Contact, contact.id)


def test_asking_again_compiles_nothing_new(crm, firm):
    """A list of the same shape with other values finds its statement ready."""
    from opencrm import Equal

    def kept(source):
        with crm.read(firm.head) as reader:
            reader.list(Query(Deal, where=Equal("source", source)))
        return len(crm.database.statements._kept)

    first = kept("web")
    assert [kept(f"s{at}") for at in range(5)] == [first] * 5
