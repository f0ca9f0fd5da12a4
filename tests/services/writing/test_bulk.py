"""A hundred thousand rows go the same way as one."""

from __future__ import annotations

import os

from opencrm import Contact, Create, Deal, Query, Undo, Update, records, undoing
from opencrm.testing import make_contact

ROWS = int(os.environ.get("OPENCRM_TEST_BULK_ROWS", "20000"))


def test_many_rows_through_the_one_function(crm, firm, statements):
    """Every row has its owner, its journal line and its stage; the number of statements does not grow."""
    commands = [Create(Deal, title=f"Deal {at}", amount=at % 100) for at in range(ROWS)]
    statements.clear()
    with crm.work(firm.seller, origin="file big.csv") as work:
        entries = records.create(work, commands)
    assert len(statements) <= 8
    assert len({entry.record_id for entry in entries}) == ROWS
    with crm.read(firm.seller) as reader:
        assert reader.count(Deal) == min(ROWS, 10_001)
        assert sum(1 for _ in reader.stream(Query(Deal, fields=["id"]))) == ROWS
        [line] = reader.history(Deal, entries[-1].record_id)
        assert (line.origin, line.after["stage"]) == ("file big.csv", "new")


def test_many_rows_that_each_refer_to_another(crm, firm):
    """References of a batch are looked up whatever their number; no database's limit is met."""
    size = 3 * ROWS // 4
    with crm.work(firm.seller) as work:
        contacts = records.create(work, [Create(Contact, name=f"C{at}") for at in range(size)])
    with crm.work(firm.seller) as work:
        deals = records.create(work, [Create(Deal, title="D", contact_id=each.record_id) for each in contacts])
        records.update(work, [Update(Deal, deal.record_id, source="web") for deal in deals])
    with crm.read(firm.seller) as reader:
        assert reader.get(Deal, deals[-1].record_id).contact_id == contacts[-1].record_id


def test_an_import_is_taken_back_as_a_whole(crm, firm):
    """One act of some hundreds of records, undone in one."""
    kept = make_contact(crm, by=firm.seller, name="kept")
    with crm.work(firm.seller) as work:
        records.create(work, [Create(Contact, name=f"C{at}") for at in range(300)])
        act = work.act
    with crm.work(firm.seller) as work:
        assert len(undoing.undo(work, [Undo(act=act)])) == 300
    with crm.read(firm.seller) as reader:
        assert [row.id for row in reader.list(Query(Contact))] == [kept.id]
