"""Taking back."""

from __future__ import annotations

import pytest

from opencrm import (
    Assign,
    Contact,
    Create,
    Deal,
    DealLine,
    Delete,
    Duplicate,
    InputError,
    Kind,
    Move,
    NotFound,
    PermissionDenied,
    Product,
    Query,
    Role,
    Undo,
    UndoRefused,
    Update,
    assigning,
    pipelines,
    records,
    undoing,
)
from opencrm.testing import make_contact, make_deal, make_product


def undo(crm, by, **what):
    with crm.work(by) as work:
        return undoing.undo(work, [Undo(**what)])


def update(crm, by, entity, id, **values):
    with crm.work(by) as work:
        [entry] = records.update(work, [Update(entity, id, values=values)])
        return entry


def test_an_update_is_taken_back_field_by_field(crm, firm):
    """What the line changed is as it was; what others changed elsewhere stays."""
    deal = make_deal(crm, by=firm.seller)
    entry = update(crm, firm.seller, Deal, deal.id, title="Doors", source="web")
    update(crm, firm.seller, Deal, deal.id, lost_reason="price")
    [taken] = undo(crm, firm.seller, entry=entry.entry_id)
    with crm.read(firm.seller) as reader:
        now = reader.get(Deal, deal.id)
    assert (now.title, now.source, now.lost_reason) == ("Windows", None, "price")
    assert (taken.kind, dict(taken.before)) == (Kind.CHANGED, {"title": "Doors", "source": "web"})


def test_an_undo_is_refused_where_the_field_changed_since(crm, firm, sizes):
    """The refusal names the field, and nothing changes."""
    deal = make_deal(crm)
    entry = update(crm, firm.owner, Deal, deal.id, title="Doors")
    update(crm, firm.owner, Deal, deal.id, title="Gates")
    before = sizes()
    with pytest.raises(UndoRefused) as refused:
        undo(crm, firm.owner, entry=entry.entry_id)
    assert refused.value.details["fields"] == ["title"]
    assert sizes() == before


def test_changing_there_and_back_is_a_change_since(crm, firm):
    """Equal values do not hide that somebody worked on the field."""
    deal = make_deal(crm)
    entry = update(crm, firm.owner, Deal, deal.id, title="Doors")
    update(crm, firm.owner, Deal, deal.id, title="Gates")
    update(crm, firm.owner, Deal, deal.id, title="Doors")
    with pytest.raises(UndoRefused):
        undo(crm, firm.owner, entry=entry.entry_id)


def test_a_creation_is_taken_back_by_deleting(crm, firm):
    """The record is gone for everybody, and can be restored."""
    deal = make_deal(crm, by=firm.seller)
    with crm.read(firm.seller) as reader:
        [entry] = reader.history(Deal, deal.id)
    [taken] = undo(crm, firm.seller, entry=entry.entry_id)
    assert taken.kind is Kind.DELETED
    with crm.read(firm.owner) as reader, pytest.raises(NotFound):
        reader.get(Deal, deal.id)


def test_a_deletion_is_taken_back_by_restoring(crm, firm):
    """The record is as it was."""
    deal = make_deal(crm, by=firm.seller)
    with crm.work(firm.seller) as work:
        [entry] = records.delete(work, [Delete(Deal, deal.id)])
    [taken] = undo(crm, firm.seller, entry=entry.entry_id)
    assert taken.kind is Kind.RESTORED
    with crm.read(firm.seller) as reader:
        assert reader.get(Deal, deal.id).title == "Windows"


def test_nothing_is_taken_back_twice(crm, firm):
    """After an undo the line's own doing is changed since."""
    deal = make_deal(crm)
    entry = update(crm, firm.owner, Deal, deal.id, title="Doors")
    undo(crm, firm.owner, entry=entry.entry_id)
    with pytest.raises(UndoRefused):
        undo(crm, firm.owner, entry=entry.entry_id)


def test_an_undo_can_be_undone(crm, firm):
    """It is a write like any other."""
    deal = make_deal(crm)
    entry = update(crm, firm.owner, Deal, deal.id, title="Doors")
    [taken] = undo(crm, firm.owner, entry=entry.entry_id)
    undo(crm, firm.owner, entry=taken.entry_id)
    with crm.read(firm.owner) as reader:
        assert reader.get(Deal, deal.id).title == "Doors"


def test_an_assignment_is_taken_back(crm, firm):
    """Owner and unit are as they were."""
    deal = make_deal(crm, by=firm.seller)
    with crm.work(firm.head) as work:
        [entry] = assigning.assign(work, [Assign(Deal, deal.id, owner=firm.fitter.id)])
    undo(crm, firm.head, entry=entry.entry_id)
    with crm.read(firm.head) as reader:
        now = reader.get(Deal, deal.id)
    assert (now.owner_id, now.unit_id) == (firm.seller.id, firm.units["north_shop"])


def test_a_whole_act_is_taken_back_newest_first(crm, firm):
    """A record made, changed and given lines in one act is gone, lines and all."""
    with crm.work(firm.seller) as work:
        [deal] = records.create(work, [Create(Deal, title="A", lines=[{"price": 5}, {"price": 7}])])
        records.create(work, [Create(DealLine, deal_id=deal.record_id, price=8)])
        records.update(work, [Update(Deal, deal.record_id, title="B")])
        act = work.act
    undo(crm, firm.seller, act=act)
    with crm.read(firm.owner) as reader:
        assert reader.list(Query(Deal)).rows == ()
        assert reader.list(Query(DealLine)).rows == ()


def test_an_act_is_taken_back_whole_or_not_at_all(crm, firm):
    """One record of the act was changed since, so none is taken back."""
    with crm.work(firm.seller) as work:
        entries = records.create(work, [Create(Deal, title="A"), Create(Deal, title="B")])
        act = work.act
    update(crm, firm.seller, Deal, entries[0].record_id, title="C")
    with crm.work(firm.seller) as work:
        records.delete(work, [Delete(Deal, entries[0].record_id)])
    with pytest.raises(UndoRefused):
        undo(crm, firm.seller, act=act)
    with crm.read(firm.seller) as reader:
        assert [row.title for row in reader.list(Query(Deal))] == ["B"]


def test_undoing_a_line_follows_into_the_sum(crm, firm):
    """The deal's amount is the sum of the lines that are left."""
    deal = make_deal(crm, by=firm.seller, lines=[{"price": 5}])
    with crm.work(firm.seller) as work:
        records.create(work, [Create(DealLine, deal_id=deal.id, price=8)])
        act = work.act
    with crm.read(firm.seller) as reader:
        assert reader.get(Deal, deal.id).amount == 13
    undo(crm, firm.seller, act=act)
    with crm.read(firm.seller) as reader:
        assert reader.get(Deal, deal.id).amount == 5


def test_undo_is_judged_as_the_undoers_act(crm, firm):
    """Who may not change the deal may not take back a change; who may not see it finds no line."""
    deal = make_deal(crm, by=firm.seller)
    entry = update(crm, firm.seller, Deal, deal.id, title="Doors")
    with pytest.raises(PermissionDenied):
        undo(crm, firm.viewer, entry=entry.entry_id)
    with pytest.raises(NotFound):
        undo(crm, firm.stranger, entry=entry.entry_id)


def test_undo_into_a_taken_key_is_a_duplicate(crm, firm):
    """Somebody took the SKU meanwhile."""
    product = make_product(crm, sku="W-1")
    entry = update(crm, firm.owner, Product, product.id, sku="W-2")
    make_product(crm, sku="W-1")
    with pytest.raises(Duplicate):
        undo(crm, firm.owner, entry=entry.entry_id)


def test_a_hidden_change_does_not_exist_for_the_undoer(crm, firm):
    """The seller takes back what they see of a line; the birthday in it stays, and is not named."""
    contact = make_contact(crm, by=firm.seller)
    entry = update(crm, firm.owner, Contact, contact.id, birthday="1990-01-01", source="web")
    [taken] = undo(crm, firm.seller, entry=entry.entry_id)
    assert dict(taken.before) == {"source": "web"}
    with crm.read(firm.owner) as reader:
        assert str(reader.get(Contact, contact.id).birthday) == "1990-01-01"


def test_a_wholly_hidden_line_is_not_found(crm, firm):
    """A line of which nothing may be read does not exist."""
    contact = make_contact(crm, by=firm.seller)
    entry = update(crm, firm.owner, Contact, contact.id, birthday="1990-01-01")
    with pytest.raises(NotFound):
        undo(crm, firm.seller, entry=entry.entry_id)


@pytest.mark.parametrize("what", [{}, {"entry": "x", "act": "y"}])
def test_either_an_entry_or_an_act_is_named(crm, firm, what):
    """Nothing, or both, is bad input."""
    with pytest.raises(InputError):
        undo(crm, firm.owner, **what)


@pytest.mark.parametrize("id", ["x", "x" * 36, "0190a000-0000-7000-8000-000000000000"])
def test_what_never_happened_is_not_found(crm, firm, id):
    """Nonsense and unknown ids alike."""
    with pytest.raises(NotFound):
        undo(crm, firm.owner, entry=id)
    with pytest.raises(NotFound):
        undo(crm, firm.owner, act=id)


def moved(crm, by, deal, to):
    with crm.work(by) as work:
        [entry] = pipelines.move(work, [Move(Deal, deal.id, to=to)])
        return entry


@pytest.mark.parametrize("how", ["change", "move", "assign", "line"])
def test_a_creation_is_not_taken_back_over_somebodys_work(crm, firm, how):
    """Whoever changed the record since would lose what they did."""
    deal = make_deal(crm, by=firm.seller, lines=[{"price": 1}])
    with crm.read(firm.seller) as reader:
        [entry] = reader.history(Deal, deal.id)
    crm.advance("1h")
    with crm.work(firm.head) as work:
        {
            "change": lambda: records.update(work, [Update(Deal, deal.id, source="web")]),
            "move": lambda: pipelines.move(work, [Move(Deal, deal.id, to="offer")]),
            "assign": lambda: assigning.assign(work, [Assign(Deal, deal.id, owner=firm.head.id)]),
            "line": lambda: records.create(work, [Create(DealLine, deal_id=deal.id, price=2)]),
        }[how]()
    with pytest.raises(UndoRefused):
        undo(crm, firm.head, entry=entry.entry_id)
    with crm.read(firm.head) as reader:
        assert reader.get(Deal, deal.id)


def test_a_hidden_change_keeps_a_creation_and_is_not_named(crm, firm):
    """The refusal tells nothing of a field that the undoer may not read."""
    contact = make_contact(crm, by=firm.seller)
    with crm.read(firm.seller) as reader:
        [entry] = reader.history(Contact, contact.id)
    update(crm, firm.owner, Contact, contact.id, birthday="1990-01-01")
    with pytest.raises(UndoRefused) as refused:
        undo(crm, firm.seller, entry=entry.entry_id)
    assert refused.value.details["fields"] == []
    assert "birthday" not in str(refused.value)


@pytest.mark.parametrize("hidden", ["closed_at", "pipeline"])
def test_an_undone_move_takes_its_own_fields_along(crm, firm, hidden):
    """Who may not read when a deal was closed opens it again all the same, and is not told."""
    deal = make_deal(crm, by=firm.seller)
    crm.advance("1h")
    entry = moved(crm, firm.seller, deal, "lost")
    rule = {"entity": "deal", "field": hidden, "read": False, "write": False}
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=[rule])])
    [taken] = undo(crm, firm.seller, entry=entry.entry_id)
    assert hidden not in {**taken.after, **(taken.before or {})}
    with crm.read(firm.owner) as reader:
        now = reader.get(Deal, deal.id)
    assert (now.pipeline, now.stage, now.closed_at) == ("windows", "new", None)
