"""Changing, deleting and restoring records."""

from __future__ import annotations

from decimal import Decimal

import pytest

from opencrm import (
    ConflictError,
    Contact,
    Create,
    Deal,
    Delete,
    Duplicate,
    InputError,
    Kind,
    NotFound,
    PermissionDenied,
    Product,
    Query,
    Restore,
    Role,
    Update,
    records,
)
from opencrm.testing import MONDAY, make_contact, make_deal, make_product


def change(crm, by, *commands):
    with crm.work(by) as work:
        return records.update(work, commands)


def test_an_update_changes_what_it_names(crm, firm):
    """The other fields stay, and `updated_at` says when."""
    deal = make_deal(crm, by=firm.seller, source="web")
    crm.advance("1h")
    [entry] = change(crm, firm.seller, Update(Deal, deal.id, title="Doors", amount="5"))
    with crm.read(firm.seller) as reader:
        now = reader.get(Deal, deal.id)
    assert (now.title, now.source, now.amount, now.created_at) == ("Doors", "web", Decimal(5), MONDAY)
    assert (now.updated_at - now.created_at).total_seconds() == 3600
    assert (entry.kind, entry.before["title"], entry.after["title"]) == (Kind.CHANGED, "Windows", "Doors")


def test_a_field_may_be_emptied(crm, firm):
    """None, and text of nothing, take a value away."""
    deal = make_deal(crm, source="web", lost_reason="price")
    change(crm, firm.owner, Update(Deal, deal.id, source=None, lost_reason=""))
    with crm.read(firm.owner) as reader:
        now = reader.get(Deal, deal.id)
    assert (now.source, now.lost_reason) == (None, None)


def test_a_required_field_cannot_be_emptied(crm, firm):
    """A record never loses what it must have."""
    deal = make_deal(crm)
    with pytest.raises(InputError) as refused:
        change(crm, firm.owner, Update(Deal, deal.id, title=None))
    assert list(refused.value.fields) == ["title"]


def test_an_update_that_changes_nothing_writes_nothing(crm, firm, sizes):
    """Neither the record nor the journal is touched, and the answer says so."""
    deal = make_deal(crm, by=firm.seller)
    before = sizes()
    crm.advance("1h")
    [entry] = change(crm, firm.seller, Update(Deal, deal.id, title="Windows"))
    assert dict(entry.after) == {}
    assert sizes() == before
    with crm.read(firm.seller) as reader:
        assert reader.get(Deal, deal.id).updated_at == MONDAY


def test_no_update_moves_or_assigns(crm, firm):
    """Stage and owner have their own acts; the generic route refuses them by name."""
    deal = make_deal(crm)
    for name, value in {"stage": "won", "pipeline": "windows", "owner_id": firm.seller.id, "unit_id": None}.items():
        with pytest.raises(InputError) as refused:
            change(crm, firm.owner, Update(Deal, deal.id, values={name: value}))
        assert list(refused.value.fields) == [name]


def test_many_are_changed_as_one(crm, firm):
    """A batch may set different fields of different records."""
    deals = [make_deal(crm, by=firm.seller) for _ in range(3)]
    commands = [
        Update(Deal, deals[0].id, title="A"),
        Update(Deal, deals[1].id, source="web"),
        Update(Deal, deals[2].id, title="Windows"),
    ]
    entries = change(crm, firm.seller, *commands)
    assert [dict(entry.after) for entry in entries] == [{"title": "A"}, {"source": "web"}, {}]


def test_a_batch_names_each_record_once(crm, firm):
    """Two changes of one record in one batch would not know of each other."""
    deal = make_deal(crm)
    with pytest.raises(InputError):
        change(crm, firm.owner, Update(Deal, deal.id, title="A"), Update(Deal, deal.id, title="B"))


def test_a_stale_writer_is_told(crm, firm):
    """With the tag of what was read, a change in between is a conflict."""
    deal = make_deal(crm, by=firm.seller)
    with crm.read(firm.seller) as reader:
        tag = reader.etag(Deal, reader.get(Deal, deal.id))
    change(crm, firm.head, Update(Deal, deal.id, title="Doors"))
    with pytest.raises(ConflictError):
        change(crm, firm.seller, Update(Deal, deal.id, source="web", if_match=tag))
    with crm.read(firm.seller) as reader:
        fresh = reader.etag(Deal, reader.get(Deal, deal.id))
    change(crm, firm.seller, Update(Deal, deal.id, source="web", if_match=fresh))


def test_a_hidden_change_makes_nobody_stale(crm, firm):
    """The seller may not read birthdays, so a change of one is none to them, and their write goes on."""
    contact = make_contact(crm, by=firm.seller)
    with crm.read(firm.seller) as reader:
        tag = reader.etag(Contact, reader.get(Contact, contact.id))
    change(crm, firm.owner, Update(Contact, contact.id, birthday="1990-01-01"))
    with crm.read(firm.seller) as reader:
        assert reader.etag(Contact, reader.get(Contact, contact.id)) == tag
    change(crm, firm.seller, Update(Contact, contact.id, source="web", if_match=tag))
    with crm.read(firm.owner) as reader:
        now = reader.get(Contact, contact.id)
    assert (now.source, str(now.birthday)) == ("web", "1990-01-01")


@pytest.mark.parametrize("act", ["delete", "move", "assign"])
def test_every_act_honours_the_tag(crm, firm, act):
    """Not only updates: a stale tag refuses a deletion, a move and an assignment."""
    from opencrm import Assign, Move, assigning, pipelines

    deal = make_deal(crm)
    with crm.work(firm.owner) as work, pytest.raises(ConflictError):
        if act == "delete":
            records.delete(work, [Delete(Deal, deal.id, if_match="stale")])
        elif act == "move":
            pipelines.move(work, [Move(Deal, deal.id, to="offer", if_match="stale")])
        else:
            assigning.assign(work, [Assign(Deal, deal.id, owner=firm.seller.id, if_match="stale")])


def test_a_deleted_record_is_gone_and_comes_back(crm, firm):
    """Deleting hides a record from reads and lists; restoring brings back all of it."""
    deal = make_deal(crm, by=firm.seller, source="web")
    with crm.work(firm.seller) as work:
        [gone] = records.delete(work, [Delete(Deal, deal.id)])
    assert gone.kind is Kind.DELETED
    with crm.read(firm.seller) as reader:
        with pytest.raises(NotFound):
            reader.get(Deal, deal.id)
        assert reader.list(Query(Deal)).rows == ()
        assert [row.id for row in reader.list(Query(Deal, deleted=True))] == [deal.id]
        assert reader.get_deleted(Deal, deal.id).source == "web"
    with crm.work(firm.seller) as work:
        [back] = records.restore(work, [Restore(Deal, deal.id)])
    assert back.kind is Kind.RESTORED
    with crm.read(firm.seller) as reader:
        assert reader.get(Deal, deal.id).source == "web"


def test_only_the_deleted_is_restored_and_only_the_living_deleted(crm, firm):
    """Each act looks for records in the state that it ends."""
    deal = make_deal(crm)
    with crm.work(firm.owner) as work, pytest.raises(NotFound):
        records.restore(work, [Restore(Deal, deal.id)])
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Deal, deal.id)])
    with crm.work(firm.owner) as work, pytest.raises(NotFound):
        records.delete(work, [Delete(Deal, deal.id)])


def test_a_unique_value_is_taken_once(crm):
    """The error names the field, and nothing of the other record."""
    make_product(crm, name="First window", sku="W-1")
    with pytest.raises(Duplicate) as refused:
        make_product(crm, name="Second", sku="W-1")
    assert refused.value.details == {"fields": ["sku"]}
    assert "First" not in str(refused.value)


def test_changing_into_a_taken_value_is_a_duplicate(crm, firm):
    """Not only creation: an update meets the same wall."""
    make_product(crm, sku="W-1")
    other = make_product(crm, sku="W-2")
    with pytest.raises(Duplicate):
        change(crm, firm.owner, Update(Product, other.id, sku="W-1"))


def test_a_deleted_records_value_is_free_until_it_comes_back(crm, firm):
    """Restoring into a value that was taken meanwhile is a duplicate, and changes nothing."""
    product = make_product(crm, sku="W-1")
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Product, product.id)])
    make_product(crm, sku="W-1")
    with pytest.raises(Duplicate), crm.work(firm.owner) as work:
        records.restore(work, [Restore(Product, product.id)])
    with crm.read(firm.owner) as reader:
        assert len(reader.list(Query(Product))) == 1


def test_a_key_is_compared_exactly_but_names_fold(crm, firm):
    """SKUs differ by case; looking a name up does not."""
    make_product(crm, sku="w-1", name="Größe")
    make_product(crm, sku="W-1", name="Other")
    with crm.read(firm.owner) as reader:
        assert len(reader.lookup(Product.spec, "name", ["GROSSE "])["GROSSE "]) == 1


def test_changing_a_role_takes_an_owner(crm, firm):
    """The organisation is nobody else's to write, whatever their grants say."""
    with pytest.raises(PermissionDenied):
        change(crm, firm.head, Update(Role, firm.roles["firm_seller"], rank=1))


@pytest.mark.parametrize("id", ["nonsense", "x" * 36, "", None, 7, "0190a000-0000-7000-8000-000000000000"])
def test_an_id_that_is_none_is_not_found(crm, firm, id):
    """Nonsense, and a well-formed id of nothing, get one answer on both databases."""
    with crm.read(firm.owner) as reader, pytest.raises(NotFound):
        reader.get(Deal, id)
    with crm.work(firm.owner) as work, pytest.raises(NotFound):
        records.update(work, [Update(Deal, id, title="x")])
    with crm.work(firm.owner) as work, pytest.raises(NotFound):
        records.delete(work, [Delete(Deal, id)])


def test_derived_values_follow_an_update(crm, firm):
    """A contact point's normal form changes with its value."""
    from opencrm import ContactPoint

    contact = make_contact(crm, points=[{"kind": "email", "value": "a@example.com"}])
    with crm.work(firm.owner) as work:
        [point] = work.list(Query(ContactPoint))
        records.update(work, [Update(ContactPoint, point.id, value="B@example.com")])
        assert work.get(ContactPoint, point.id).key == "b@example.com"
    assert contact.id == point.contact_id


def test_reads_inside_a_work_see_its_writes(crm, firm):
    """One transaction sees its own doing."""
    with crm.work(firm.seller) as work:
        [made] = records.create(work, [Create(Deal, title="Inside")])
        records.update(work, [Update(Deal, made.record_id, title="Still inside")])
        assert work.get(Deal, made.record_id).title == "Still inside"


def test_a_change_that_changes_nothing_is_judged_all_the_same(crm, firm):
    """Who may read a record and not change it is refused, whatever they send."""
    product = make_product(crm, name="Frame")
    with crm.work(firm.seller) as work, pytest.raises(PermissionDenied):
        records.update(work, [Update(Product, product.id, name="Frame")])
