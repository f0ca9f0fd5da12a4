"""Acts of any size are taken back, in as many transactions as it takes."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from opencrm import All, ConflictError, Contact, Create, Deal, DealLine, NotFound, UndoRefused, Update, records
from opencrm.services.cleaning import editing, merging, taking_back
from opencrm.services.cleaning.merging import Merge
from opencrm.services.cleaning.pacing import Pace
from opencrm.services.cleaning.steps import MassEdit
from opencrm.storage import tables
from opencrm.testing import make_contact, make_deal

NOBODY = "0190a000-0000-7000-8000-000000000000"
FEW = Pace(most=5, first=4)


class Torn(Exception):
    """The process was killed."""


def deals(crm, by, number):
    with crm.work(by) as work:
        lines = records.create(work, [Create(Deal, title=f"D{at}", lines=[{"price": at}]) for at in range(number)])
        return work.act, [line.record_id for line in lines]


def back(crm, by, act, **more):
    return taking_back.run(lambda: crm.work(by), act, pace=FEW, **more)


def states(crm):
    found = []
    with crm.database.read() as tx:
        for table in (Deal.__table__, DealLine.__table__, Contact.__table__):
            rows = tx.query(("test", table.name), lambda table=table: select(table).order_by(table.c.id), {})
            found += [{k: v for k, v in row.items() if k not in ("version", "updated_at")} for row in rows]
    return found


def acts_of(crm, act):
    with crm.database.read() as tx:
        return tx.query("of act", lambda: select(tables.journal).where(tables.journal.c.act == act), {})


def test_an_act_of_many_is_taken_back_piece_by_piece(crm, firm):
    """Everything is as it was, in one act, which can be taken back in turn."""
    deals(crm, firm.seller, 13)
    before, told = states(crm), []
    done = editing.run(lambda: crm.work(firm.seller), MassEdit(Deal, where=All(), set={"source": "x"}), pace=FEW)
    after = states(crm)
    found = back(crm, firm.seller, done.act, tell=told.append)
    assert (states(crm), found.lines) == (before, 13)
    assert len(told) >= 3
    assert {it.act for it in told} == {found.act}
    again = back(crm, firm.seller, found.act)
    assert (states(crm), again.lines) == (after, 13)


def test_creations_with_parts_are_taken_back(crm, firm):
    """Wherever the pieces end."""
    act, _ = deals(crm, firm.seller, 7)
    assert back(crm, firm.seller, act).lines == 14
    assert all(row["deleted_at"] is not None for row in states(crm))


def test_what_was_broken_off_goes_on(crm, firm):
    """Each line is taken back once."""
    deals(crm, firm.owner, 13)
    before = states(crm)
    done = editing.run(lambda: crm.work(firm.owner), MassEdit(Deal, where=All(), set={"source": "x"}))
    told = []

    def tell(so_far):
        told.append(so_far.act)
        if len(told) == 2:
            raise Torn

    with pytest.raises(Torn):
        back(crm, firm.owner, done.act, tell=tell)
    assert states(crm) != before
    found = back(crm, firm.owner, done.act, into=told[0])
    assert found.act == told[0]
    assert states(crm) == before
    assert len(acts_of(crm, found.act)) == 13
    for into in (done.act, NOBODY, "nonsense"):
        with pytest.raises(NotFound):
            back(crm, firm.seller, done.act, into=into)


class Crowded:
    """A door at which every other transaction meets somebody else's."""

    def __init__(self, crm, who):
        self._crm, self._who, self.calls = crm, who, 0

    def __call__(self):
        self.calls += 1
        if self.calls % 2:
            raise ConflictError("somebody else writes here")
        return self._crm.work(self._who)


def test_conflicts_on_the_way_are_no_reason_to_give_up(crm, firm):
    """Nor is any number of them: tries are counted for each transaction by itself."""
    deals(crm, firm.owner, 40)
    before, door = states(crm), Crowded(crm, firm.owner)
    slow = Pace(most=5, first=5)
    done = editing.run(door, MassEdit(Deal, where=All(), set={"source": "x"}), pace=slow)
    assert (done.changed, door.calls >= 16) == (40, True)
    assert taking_back.run(door, done.act, pace=slow).lines == 40
    assert states(crm) == before


def test_a_merge_is_taken_back_at_once(crm, firm):
    """Of what follows a merge no half is kept."""
    one, two = make_contact(crm), make_contact(crm)
    for _ in range(9):
        make_deal(crm, contact_id=two.id)
    before = states(crm)
    with crm.work(firm.owner) as work:
        done = merging.merge(work, Merge(Contact, one.id, [two.id]))
    told = []
    back(crm, firm.owner, done.act, tell=told.append)
    assert states(crm) == before
    assert len(told) == 1


def test_a_refusal_half_way_keeps_what_was_taken_back(crm, firm):
    """It can go on once the reason is gone."""
    _, ids = deals(crm, firm.owner, 13)
    done = editing.run(lambda: crm.work(firm.owner), MassEdit(Deal, ids=ids, set={"source": "x"}))
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, ids[0], source="mine")])
    with pytest.raises(UndoRefused):
        back(crm, firm.owner, done.act)
    sources = [row["source"] for row in states(crm) if "source" in row and "stage" in row]
    assert sources.count(None) in range(4, 13)
    assert sources.count("mine") == 1


@pytest.mark.parametrize("act", [NOBODY, "nonsense"])
def test_what_never_happened_is_not_found(crm, firm, act):
    with pytest.raises(NotFound):
        back(crm, firm.owner, act)


def test_what_may_not_be_known_is_not_found(crm, firm):
    """Somebody else's act does not exist."""
    act, _ = deals(crm, firm.seller, 6)
    with pytest.raises(NotFound):
        back(crm, firm.stranger, act)
