"""Guards: a plugin's restriction only takes away, from owners too."""

from __future__ import annotations

import pytest

from opencrm import (
    Create,
    Deal,
    DealLine,
    Delete,
    Empty,
    Equal,
    Guard,
    InputError,
    Not,
    NotFound,
    PermissionDenied,
    Query,
    hookimpl,
    records,
    searching,
)
from opencrm.testing import make_deal


class Holds:
    """Keeps deals that are held from being deleted, and secret ones from being seen."""

    name = "holds"

    @hookimpl
    def opencrm_register_guards(self):
        yield Guard(entity="deal", actions=["delete"], condition=Empty("lost_reason"), reason="a legal hold")
        yield Guard(entity="deal", actions=["*"], condition=Not(Equal("source", "secret")), reason="a secret")


@pytest.fixture
def crm_plugins():
    """Adds the plugin to the workspace."""
    return [Holds()]


@pytest.mark.parametrize("who", ["owner", "lead"])
def test_it_binds_owners_too(crm, firm, who):
    """What is held is not deleted, and the refusal says why; without the hold it is."""
    held = make_deal(crm, by=firm.seller, lost_reason="a law suit")
    free = make_deal(crm, by=firm.seller)
    with crm.work(getattr(firm, who)) as work, pytest.raises(PermissionDenied, match="a legal hold"):
        records.delete(work, [Delete(Deal, held.id)])
    with crm.work(getattr(firm, who)) as work:
        records.delete(work, [Delete(Deal, free.id)])


@pytest.mark.parametrize("who", ["owner", "lead", "seller"])
def test_it_hides_from_every_way_of_reading(crm, firm, who):
    """List, count, search and the look at one, and the history: none knows of it."""
    hidden = make_deal(crm, by=firm.seller, title="Hidden")
    open_one = make_deal(crm, by=firm.seller, title="Open")
    table = Deal.__table__
    with crm.database.write() as tx:
        tx.run(
            "hide",
            lambda: table.update().where(table.c.title == "Hidden").values(source="secret", source_key="secret"),
            [{}],
        )
    with crm.read(getattr(firm, who)) as reader:
        assert [row.id for row in reader.list(Query(Deal))] == [open_one.id]
        assert reader.count(Deal) == 1
        assert [hit.id for hit in searching.search(reader, "hidden")] == []
        assert [hit.id for hit in searching.search(reader, "open")] == [open_one.id]
        for ask in (reader.get, reader.history):
            with pytest.raises(NotFound):
                ask(Deal, hidden.id)


def test_it_adds_nothing(crm, firm):
    """Invariant 3: a restriction never lets anybody do more."""
    deal = make_deal(crm, by=firm.seller)
    with crm.work(firm.stranger) as work, pytest.raises(NotFound):
        records.delete(work, [Delete(Deal, deal.id)])


def test_nobody_brings_one_about_their_own(crm, firm):
    """Nobody writes what would then be hidden from themselves: it must hold before and after."""
    with pytest.raises(PermissionDenied, match="a secret"):
        make_deal(crm, by=firm.seller, source="secret")


def test_it_holds_for_parts_too(crm, firm):
    """What a restricted deal is made of is not changed by an owner either."""
    deal = make_deal(crm, by=firm.seller, lines=[{"title": "Frame", "price": "5"}])
    table = Deal.__table__
    with crm.database.write() as tx:
        tx.run("hide", lambda: table.update().values(source="secret", source_key="secret"), [{}])
    with crm.read(firm.owner) as reader:
        assert reader.count(DealLine) == 0
    with crm.work(firm.owner) as work, pytest.raises((InputError, PermissionDenied)):
        records.create(work, [Create(DealLine, deal_id=deal.id, title="Glass", price="5")])
