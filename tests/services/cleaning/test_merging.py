"""Records merged: nothing is lost, nothing dangles, nothing hidden is told, and all of it is undone."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, select

from opencrm import (
    Activity,
    Company,
    Contact,
    ContactPoint,
    Create,
    CustomField,
    Deal,
    DealLine,
    Delete,
    Duplicate,
    Employment,
    ExternalRef,
    InputError,
    NotFound,
    Objected,
    Objection,
    OpenCRMError,
    PermissionDenied,
    Product,
    Query,
    Restore,
    Role,
    Tag,
    Tagging,
    Task,
    Undo,
    UndoRefused,
    Unit,
    Update,
    User,
    hookimpl,
    records,
    undoing,
)
from opencrm.core.access.grants import Grant, Scope, grant_rows
from opencrm.services.cleaning import merging
from opencrm.services.cleaning.merging import Merge
from opencrm.testing import make_company, make_contact, make_deal, make_product
from opencrm.testing.factories import make_record

NOBODY = "0190a000-0000-7000-8000-000000000000"
SILENT = ("version", "updated_at")


@pytest.fixture(autouse=True)
def _mergers(request):
    """Head and seller may merge within their reach."""
    if "firm" not in request.fixturenames:
        return
    crm, firm = request.getfixturevalue("crm"), request.getfixturevalue("firm")
    for role, scope in (("firm_head", Scope.SUBTREE), ("firm_seller", Scope.OWN)):
        with crm.work(firm.owner) as work:
            grants = work.get(Role, firm.roles[role]).grants
            more = grant_rows([Grant(name, "merge", scope) for name in ("contact", "company", "deal")])
            records.update(work, [Update(Role, firm.roles[role], grants=[*grants, *more])])


def merge(crm, by, entity, keep, others, values=None):
    with crm.work(by) as work:
        return merging.merge(work, Merge(entity, keep, others, values))


def undo(crm, by, act):
    with crm.work(by) as work:
        return undoing.undo(work, [Undo(act=act)])


def everything(crm):
    """Return all rows of all entities, but for what every write touches."""
    found = {}
    with crm.database.read() as tx:
        for spec in crm.catalogue.entities.values():
            table: Table = spec.table
            rows = tx.query(("all", table.name), lambda table=table: select(table).order_by(table.c.id), {})
            found[spec.name] = [{k: v for k, v in row.items() if k not in SILENT} for row in rows]
    return found


def get(crm, by, entity, id):
    with crm.read(by) as reader:
        return reader.get(entity, id)


def listed(crm, by, entity, *fields):
    with crm.read(by) as reader:
        return sorted(tuple(row[name] for name in fields) for row in reader.list(Query(entity)))


def points(*addresses):
    return [{"kind": "email", "value": address} for address in addresses]


def test_every_reference_leads_to_the_kept_record(crm, firm):
    """Deals, tasks, activities, positions, tags, keys and ways to reach somebody."""
    company = make_company(crm)
    tag = make_record(crm, Tag, name="VIP")
    one = make_contact(crm, points=points("a@example.com"), taggings=[{"tag_id": tag.id}])
    two = make_contact(
        crm,
        points=points("A@example.com", "b@example.com"),
        taggings=[{"tag_id": tag.id}],
        refs=[{"system": "old", "key": "2"}],
        employments=[{"company_id": company.id, "position": "Buyer"}],
    )
    three = make_contact(crm, points=points("b@example.com", "c@example.com"), refs=[{"system": "old", "key": "3"}])
    deal = make_deal(crm, contact_id=two.id)
    task = make_record(crm, Task, title="Call", contact_id=three.id)
    activity = make_record(crm, Activity, subject="Called", contact_id=two.id)
    done = merge(crm, firm.owner, Contact, one.id, [two.id, three.id])
    for entity, id in ((Deal, deal.id), (Task, task.id), (Activity, activity.id)):
        assert get(crm, firm.owner, entity, id).contact_id == one.id
    assert listed(crm, firm.owner, ContactPoint, "key", "contact_id") == [
        (f"{name}@example.com", one.id) for name in "abc"
    ]
    assert listed(crm, firm.owner, Tagging, "record_id") == [(one.id,)]
    assert listed(crm, firm.owner, ExternalRef, "key", "record_id") == [("2", one.id), ("3", one.id)]
    assert listed(crm, firm.owner, Employment, "position", "contact_id") == [("Buyer", one.id)]
    assert listed(crm, firm.owner, Contact, "id") == [(one.id,)]
    assert done.gone == (two.id, three.id)
    assert done.followed == {
        "contact_point": 4,
        "deal": 1,
        "task": 1,
        "activity": 1,
        "tagging": 1,
        "external_ref": 2,
        "employment": 1,
    }


def test_an_undo_brings_everything_back(crm, firm):
    """Every field of every row is as it was; an undo of the undo merges again."""
    one, two = make_contact(crm, points=points("a@example.com")), make_contact(crm, points=points("a@example.com"))
    make_deal(crm, contact_id=two.id)
    make_contact(crm, name="Somebody else")
    before = everything(crm)
    done = merge(crm, firm.owner, Contact, one.id, [two.id], {"source": "web"})
    after = everything(crm)
    crm.advance("1h")
    with crm.work(firm.owner) as work:
        undoing.undo(work, [Undo(act=done.act)])
        again = work.act
    assert everything(crm) == before
    with crm.read(firm.owner) as reader:
        assert merging.successor(reader, Contact, two.id) is None
    crm.advance("1h")
    undo(crm, firm.owner, again)
    late = everything(crm)
    assert {name: len(rows) for name, rows in late.items()} == {name: len(rows) for name, rows in after.items()}
    with crm.read(firm.owner) as reader:
        assert merging.successor(reader, Contact, two.id) == one.id
        assert [row.contact_id for row in reader.list(Query(Deal))] == [one.id]


def test_a_rehearsal_writes_nothing_and_foretells(crm, firm, sizes):
    """The same figures, and not a row."""
    one, two = make_contact(crm), make_contact(crm, source="web")
    make_deal(crm, contact_id=two.id)
    before, held = sizes(), everything(crm)
    told = merging.rehearse(lambda: crm.work(firm.owner), Merge(Contact, one.id, [two.id]))
    assert (sizes(), everything(crm)) == (before, held)
    done = merge(crm, firm.owner, Contact, one.id, [two.id])
    assert told.act is None
    assert (told.followed, told.gone, dict(told.after)) == (done.followed, done.gone, dict(done.after))
    assert done.followed == {"deal": 1}


def test_what_the_kept_record_lacks_is_taken_from_the_others(crm, firm):
    """Its own values stay, the best of the others fills in, and what is said decides."""
    one = make_contact(crm, source="web")
    two = make_contact(crm, first_name="Carla", source="fair", description="Two")
    three = make_contact(crm, first_name="Karla", last_name="Client", description="Three")
    merge(crm, firm.owner, Contact, one.id, [two.id, three.id], {"description": "Three", "last_name": None})
    now = get(crm, firm.owner, Contact, one.id)
    assert (now.source, now.first_name, now.last_name, now.description) == ("web", "Carla", None, "Three")


def test_an_amount_comes_with_its_currency_or_not_at_all(crm, firm):
    """5 dollars never become 5 euros."""
    euros = make_company(crm, currency="EUR")
    dollars = make_company(crm, revenue="5", currency="USD")
    pence = make_company(crm, revenue="7", currency="EUR")
    merge(crm, firm.owner, Company, euros.id, [dollars.id, pence.id])
    now = get(crm, firm.owner, Company, euros.id)
    assert (now.revenue, now.currency) == (Decimal(7), "EUR")


def hide(crm, firm, *fields):
    """Hide fields of some entities from the seller: `"deal.amount"`."""
    rules = [dict(zip(("entity", "field"), each.split("."), strict=True), read=False, write=False) for each in fields]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=rules)])


def test_a_hidden_currency_decides_nothing(crm, firm):
    """An amount is not taken where its currency may not be read: else it would tell whether the two are the same."""
    one = make_company(crm, by=firm.seller, currency="EUR")
    several = [make_company(crm, by=firm.seller, revenue="5", currency=code) for code in ("EUR", "USD")]
    hide(crm, firm, "company.currency")
    with crm.read(firm.seller) as reader:
        offered = [
            [offer.chosen for offer in merging.propose(reader, Company, [one.id, other.id]) if offer.field == "revenue"]
            for other in several
        ]
    assert offered[0] == offered[1]


def test_a_hidden_reference_that_follows_is_not_counted(crm, firm):
    """Though the record, and another field that may refer to the same records, are seen."""
    with crm.work(firm.owner) as work:
        values = {"entity": "deal", "key": "partner", "label": "Partner", "kind": "reference"}
        records.create(work, [Create(CustomField, values={**values, "reference_to": "company"})])
    one, two, three = (make_company(crm, by=firm.seller) for _ in range(3))
    make_deal(crm, by=firm.seller, company_id=two.id)
    deal = make_deal(crm, by=firm.seller, company_id=three.id)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, deal.id, partner=two.id)])
    hide(crm, firm, "deal.partner")
    assert merge(crm, firm.seller, Company, one.id, [two.id]).followed == {"deal": 1}
    assert get(crm, firm.owner, Deal, deal.id)["partner"] == one.id


def test_what_to_choose_from_is_proposed(crm, firm):
    """Of each field that differs; the first record's value unless it has none."""
    one = make_contact(crm, by=firm.seller, name="Carla", source="web")
    two = make_contact(crm, by=firm.seller, name="Karla", description="Tall")
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Contact, two.id, birthday="1990-01-01")])
    with crm.read(firm.seller) as reader:
        found = {offer.field: offer for offer in merging.propose(reader, Contact, [one.id, two.id])}
    assert set(found) == {"name", "description"}
    assert found["name"].values == (("Carla", (one.id,)), ("Karla", (two.id,)))
    assert (found["name"].chosen, found["description"].chosen) == ("Carla", "Tall")
    with crm.read(firm.stranger) as reader, pytest.raises(NotFound):
        merging.propose(reader, Contact, [one.id, two.id])


def test_an_opt_out_survives(crm, firm):
    """Whoever withdrew consent at one of two equal addresses has withdrawn it."""
    one = make_contact(crm, points=[{"kind": "email", "value": "a@example.com", "consent": "given"}])
    two = make_contact(crm, points=[{"kind": "email", "value": "a@example.com", "consent": "withdrawn"}])
    merge(crm, firm.owner, Contact, one.id, [two.id])
    assert listed(crm, firm.owner, ContactPoint, "contact_id", "consent") == [(one.id, "withdrawn")]


def test_an_opt_out_survives_between_those_that_go(crm, firm):
    """The same, where the kept contact has no such address."""
    one = make_contact(crm)
    two = make_contact(crm, points=[{"kind": "email", "value": "a@example.com", "consent": "unknown"}])
    three = make_contact(crm, points=[{"kind": "email", "value": "a@example.com", "consent": "withdrawn"}])
    merge(crm, firm.owner, Contact, one.id, [two.id, three.id])
    assert listed(crm, firm.owner, ContactPoint, "contact_id", "consent") == [(one.id, "withdrawn")]


def test_lines_of_merged_deals(crm, firm):
    """Lines that both have are one, others go over; equal lines within a deal stay; the sum follows; undo restores."""
    same = {"title": "Frame", "price": 5}
    one = make_deal(crm, by=firm.seller, lines=[same])
    two = make_deal(crm, by=firm.seller, lines=[same, same, {"title": "Glass", "price": 7}])
    before = everything(crm)
    done = merge(crm, firm.seller, Deal, one.id, [two.id])
    assert listed(crm, firm.owner, DealLine, "title", "deal_id") == [
        ("Frame", one.id),
        ("Frame", one.id),
        ("Glass", one.id),
    ]
    assert get(crm, firm.owner, Deal, one.id).amount == Decimal(17)
    undo(crm, firm.seller, done.act)
    assert everything(crm) == before


def test_a_unique_value_of_those_that_go_may_be_kept(crm, firm):
    """It is free once they are gone, and goes back by an undo."""
    one, two = make_product(crm), make_product(crm, sku="W-2")
    before = everything(crm)
    done = merge(crm, firm.owner, Product, one.id, [two.id])
    assert get(crm, firm.owner, Product, one.id).sku == "W-2"
    undo(crm, firm.owner, done.act)
    assert everything(crm) == before
    make_product(crm, sku="W-3")
    held = everything(crm)
    with pytest.raises(Duplicate):
        merge(crm, firm.owner, Product, one.id, [two.id], {"sku": "W-3"})
    assert everything(crm) == held


def test_nothing_comes_to_refer_to_itself(crm, firm):
    """A company whose parent goes into it has none; its other daughters come along."""
    parent = make_company(crm)
    child = make_company(crm, parent_id=parent.id)
    other = make_company(crm, parent_id=parent.id)
    before = everything(crm)
    done = merge(crm, firm.owner, Company, child.id, [parent.id])
    assert get(crm, firm.owner, Company, child.id).parent_id is None
    assert get(crm, firm.owner, Company, other.id).parent_id == child.id
    undo(crm, firm.owner, done.act)
    assert everything(crm) == before


def test_deleted_records_follow_too(crm, firm):
    """Restored later, they lead to the kept record; undone, they are as they were."""
    one, two = make_contact(crm), make_contact(crm)
    deal = make_deal(crm, contact_id=two.id)
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Deal, deal.id)])
    before = everything(crm)
    done = merge(crm, firm.owner, Contact, one.id, [two.id])
    undo(crm, firm.owner, done.act)
    assert everything(crm) == before
    merge(crm, firm.owner, Contact, one.id, [two.id])
    with crm.work(firm.owner) as work:
        records.restore(work, [Restore(Deal, deal.id)])
        assert work.get(Deal, deal.id).contact_id == one.id


def hidden_reference(crm, firm, two):
    """A deal of somebody else's about a contact of the seller's."""
    with crm.work(firm.owner) as work:
        [line] = records.create(work, [Create(Deal, title="Secret", contact_id=two, owner_id=firm.stranger.id)])
    return line.record_id


def told(done):
    return (done.kept, done.gone, dict(done.before), dict(done.after), done.followed)


def test_hidden_references_follow_and_are_not_told(crm, firm):
    """The answer is the same with and without them, and so is that of the undo."""
    one, two = make_contact(crm, by=firm.seller), make_contact(crm, by=firm.seller, source="web")
    make_deal(crm, by=firm.seller, contact_id=two.id)
    before = everything(crm)
    plain = merge(crm, firm.seller, Contact, one.id, [two.id])
    first = undo(crm, firm.seller, plain.act)
    assert everything(crm) == before
    secret = hidden_reference(crm, firm, two.id)
    before = everything(crm)
    done = merge(crm, firm.seller, Contact, one.id, [two.id])
    assert told(done) == told(plain)
    assert get(crm, firm.owner, Deal, secret).contact_id == one.id
    with crm.read(firm.owner) as reader:
        line = reader.history(Deal, secret)[-1]
    assert (line.principal, line.acting_as, line.origin) == (f"user:{firm.seller.id}", "system", "system: merge")
    second = undo(crm, firm.seller, done.act)
    assert [(line.entity, line.record_id, line.kind) for line in second] == [
        (line.entity, line.record_id, line.kind) for line in first
    ]
    assert everything(crm) == before


def test_hidden_work_since_does_not_hinder_an_undo(crm, firm):
    """What somebody else did with a hidden record since stays; nothing is told of it."""
    one, two, three = (make_contact(crm, by=firm.seller) for _ in range(3))
    secret = hidden_reference(crm, firm, two.id)
    done = merge(crm, firm.seller, Contact, one.id, [two.id])
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, secret, contact_id=three.id)])
    undo(crm, firm.seller, done.act)
    assert get(crm, firm.owner, Deal, secret).contact_id == three.id
    assert get(crm, firm.seller, Contact, two.id)


def test_known_work_since_refuses_an_undo(crm, firm):
    """An undo never writes over what somebody did later."""
    one, two, three = (make_contact(crm, by=firm.seller) for _ in range(3))
    deal = make_deal(crm, by=firm.seller, contact_id=two.id)
    done = merge(crm, firm.seller, Contact, one.id, [two.id])
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, deal.id, contact_id=three.id)])
    with pytest.raises(UndoRefused) as refused:
        undo(crm, firm.seller, done.act)
    assert refused.value.details["fields"] == ["contact_id"]


def test_what_followed_goes_back_with_the_whole_only(crm, firm):
    """Whoever may not undo the merge may not undo what it entailed, by its line or by its act."""
    one, two = make_contact(crm, by=firm.seller), make_contact(crm, by=firm.seller)
    secret = hidden_reference(crm, firm, two.id)
    done = merge(crm, firm.seller, Contact, one.id, [two.id])
    with crm.read(firm.owner) as reader:
        line = reader.history(Deal, secret)[-1]
    for by in (firm.fitter, firm.stranger):
        with pytest.raises(NotFound):
            undo(crm, by, done.act)
    with crm.work(firm.seller) as work, pytest.raises(NotFound):
        undoing.undo(work, [Undo(entry=line.entry_id)])
    with pytest.raises(PermissionDenied):
        undo(crm, firm.viewer, done.act)


class Watch:
    """Objects to a change of what is secret, and says why."""

    @hookimpl
    def opencrm_check_change(self, changes, door):
        for change in changes:
            if change.entity == "deal" and change.before and change.after["title"] == "Secret":
                yield Objection(change.id, "secret", "the Secret deal must not change")


def test_an_objection_to_a_hidden_record_tells_nothing_of_it(make_crm):
    """The merge is refused without the record, its words or its number."""
    from opencrm.testing.firm import firm_of

    crm = make_crm(plugins=[Watch()])
    firm = firm_of(crm)
    with crm.work(firm.owner) as work:
        grants = work.get(Role, firm.roles["firm_seller"]).grants
        more = grant_rows([Grant("contact", "merge", Scope.OWN)])
        records.update(work, [Update(Role, firm.roles["firm_seller"], grants=[*grants, *more])])
    one, two = make_contact(crm, by=firm.seller), make_contact(crm, by=firm.seller)
    secret = hidden_reference(crm, firm, two.id)
    with pytest.raises(Objected) as refused:
        merge(crm, firm.seller, Contact, one.id, [two.id])
    assert "Secret" not in str(refused.value)
    assert secret not in str(refused.value.details)
    with pytest.raises(Objected, match="Secret"):
        merge(crm, firm.owner, Contact, one.id, [two.id])


@pytest.mark.parametrize("lacks", ["merge", "update", "delete"])
def test_merging_takes_three_grants(crm, firm, lacks):
    """Without one of them nothing happens."""
    one, two = make_contact(crm, by=firm.seller), make_contact(crm, by=firm.seller)
    with crm.work(firm.owner) as work:
        grants = [it for it in work.get(Role, firm.roles["firm_seller"]).grants if it["action"] != lacks]
        records.update(work, [Update(Role, firm.roles["firm_seller"], grants=grants)])
    before = everything(crm)
    with pytest.raises(PermissionDenied) as denied:
        merge(crm, firm.seller, Contact, one.id, [two.id])
    assert denied.value.action == f"contact.{lacks}"
    assert everything(crm) == before


def test_wrong_roles_cannot_merge(crm, firm):
    """A viewer is denied; for somebody else the contacts are not there."""
    one, two = make_contact(crm, by=firm.seller), make_contact(crm, by=firm.seller)
    with pytest.raises(PermissionDenied):
        merge(crm, firm.viewer, Contact, one.id, [two.id])
    with pytest.raises(NotFound):
        merge(crm, firm.stranger, Contact, one.id, [two.id])
    foreign = make_contact(crm, by=firm.stranger)
    with pytest.raises(NotFound):
        merge(crm, firm.seller, Contact, one.id, [foreign.id])


def test_what_cannot_be_merged(crm, firm):
    """Itself, nothing, too many, what is deleted, of another entity or never was, people and units."""
    one, two = make_contact(crm), make_contact(crm)
    company = make_company(crm)
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Contact, two.id)])
    before = everything(crm)
    for others in ([one.id], [one.id, company.id], [], [NOBODY] * 1 + [f"{at}" for at in range(100)]):
        with pytest.raises(InputError):
            merge(crm, firm.owner, Contact, one.id, others)
    for keep, others in ((one.id, [two.id]), (one.id, [company.id]), (NOBODY, [one.id]), (one.id, ["nonsense"])):
        with pytest.raises(NotFound):
            merge(crm, firm.owner, Contact, keep, others)
    with pytest.raises(InputError):
        merge(crm, firm.owner, User, firm.seller.id, [firm.fitter.id])
    with pytest.raises(InputError):
        merge(crm, firm.owner, Unit, firm.units["north"], [firm.units["south"]])
    other = make_contact(crm)
    for values in ({"nonsense": 1}, {"owner_id": None}, {"name": None}):
        with pytest.raises(InputError):
            merge(crm, firm.owner, Contact, one.id, [other.id], values)
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Contact, other.id)])
    assert len(everything(crm)["contact"]) == len(before["contact"]) + 1


def test_a_merged_record_leads_to_where_it_went(crm, firm):
    """Through several merges, for those who may see it there and as it was; after an undo it leads nowhere."""
    a, b, c = (make_contact(crm, by=firm.seller) for _ in range(3))
    merge(crm, firm.seller, Contact, b.id, [a.id])
    second = merge(crm, firm.seller, Contact, c.id, [b.id])
    with crm.read(firm.seller) as reader:
        assert merging.successor(reader, Contact, a.id) == c.id
        assert merging.successor(reader, Contact, c.id) is None
        assert merging.successor(reader, Contact, NOBODY) is None
        assert merging.successor(reader, Contact, "nonsense") is None
        assert merging.successor(reader, Deal, a.id) is None
    with crm.read(firm.stranger) as reader:
        assert merging.successor(reader, Contact, a.id) is None
    undo(crm, firm.seller, second.act)
    with crm.read(firm.seller) as reader:
        assert merging.successor(reader, Contact, a.id) == b.id
    crm.advance("1m")
    with crm.work(firm.seller) as work:
        records.delete(work, [Delete(Contact, b.id)])
    with crm.read(firm.seller) as reader:
        assert merging.successor(reader, Contact, b.id) is None


def test_a_hidden_record_that_was_merged_into_ones_own_leads_nowhere(crm, firm):
    """That there was one is not told to whom it was hidden."""
    mine, theirs = make_contact(crm, by=firm.seller), make_contact(crm, by=firm.stranger)
    merge(crm, firm.owner, Contact, mine.id, [theirs.id])
    for who, found in ((firm.owner, mine.id), (firm.seller, None), (firm.stranger, None)):
        with crm.read(who) as reader:
            assert merging.successor(reader, Contact, theirs.id) == found


@pytest.mark.parametrize("crossed", [True, False])
def test_of_two_merges_at_once_one_finds_nothing(crm, firm, crossed):
    """Never do two records go into each other, or one into two."""
    one, two, three = (make_contact(crm) for _ in range(3))
    for at in range(5):
        make_deal(crm, title=f"D{at}", contact_id=two.id)
    wishes = [(one.id, [two.id]), (two.id, [one.id]) if crossed else (three.id, [two.id])]
    outcomes, start = [], threading.Barrier(2)

    def run(keep, others):
        start.wait()
        try:
            outcomes.append(merge(crm, firm.owner, Contact, keep, others).kept)
        except OpenCRMError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=run, args=wish) for wish in wishes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = [it for it in outcomes if it not in ("not_found", "conflict")]
    assert len(kept) == 1
    assert listed(crm, firm.owner, Deal, "contact_id") == [(kept[0],)] * 5


PLACES = st.integers(0, 2)
CONSENTS = st.sampled_from(["unknown", "withdrawn"])
WORLDS = st.fixed_dictionaries(
    {
        "points": st.lists(
            st.tuples(PLACES, st.sampled_from("abc"), st.sampled_from(["unknown", "withdrawn"])), max_size=6
        ),
        "deals": st.lists(PLACES, max_size=4),
        "refs": st.lists(PLACES, max_size=3),
        "sources": st.lists(st.sampled_from([None, "web", "fair"]), min_size=3, max_size=3),
        "deleted": st.booleans(),
    }
)


@settings(max_examples=15)
@given(world=WORLDS)
def test_whatever_hangs_on_records_survives_and_comes_back(crm, firm, world):
    """After a merge nothing refers to what is gone, no address or opt-out is lost; after an undo all is as it was."""
    with crm.work(firm.owner) as work:
        lines = records.create(work, [Create(Contact, name="C", source=source) for source in world["sources"]])
        ids = [line.record_id for line in lines]
        for at, name, consent in world["points"]:
            values = {"kind": "email", "value": f"{name}@example.com", "consent": consent}
            records.create(work, [Create(ContactPoint, contact_id=ids[at], **values)])
        deals = [
            records.create(work, [Create(Deal, title="D", contact_id=ids[at])])[0].record_id for at in world["deals"]
        ]
        for number, at in enumerate(world["refs"]):
            values = {"system": work.act, "key": str(number), "entity": "contact", "record_id": ids[at]}
            records.create(work, [Create(ExternalRef, **values)])
        if deals and world["deleted"]:
            records.delete(work, [Delete(Deal, deals[0])])
    before = everything(crm)
    done = merge(crm, firm.owner, Contact, ids[0], ids[1:])
    after = everything(crm)
    for rows in after.values():
        for row in rows:
            gone = row.get("deleted_at") is not None
            assert gone or not {row.get("contact_id"), row.get("record_id")} & set(ids[1:])
    mine = [row for row in after["contact_point"] if row["contact_id"] == ids[0] and row["deleted_at"] is None]
    assert {row["key"] for row in mine} == {f"{name}@example.com" for _, name, _ in world["points"]}
    for name in {name for _, name, consent in world["points"] if consent == "withdrawn"}:
        assert "withdrawn" in {row["consent"] for row in mine if row["key"] == f"{name}@example.com"}
    undo(crm, firm.owner, done.act)
    assert everything(crm) == before
