"""Own, team, subtree, all: whom a grant reaches, for lists and for single records alike."""

from __future__ import annotations

import pytest

from opencrm import (
    Contact,
    ContactPoint,
    Create,
    Deal,
    DealLine,
    Delete,
    ExternalRef,
    Grant,
    Membership,
    NotFound,
    PermissionDenied,
    Product,
    Query,
    Role,
    Scope,
    Tag,
    Tagging,
    Update,
    records,
)
from opencrm.embed import grant_rows
from opencrm.testing import make_company, make_contact, make_deal, make_product, make_record

SEEN = {
    "owner": {"seller", "fitter", "stranger", "lead", "nobody"},
    "head": {"seller", "fitter", "lead"},
    "lead": {"seller", "lead"},
    "seller": {"seller"},
    "stranger": {"stranger"},
    "viewer": {"seller", "fitter", "stranger", "lead", "nobody"},
}


@pytest.fixture
def deals(crm, firm):
    """One deal of each of some people, and one of nobody's, made by the owner."""
    named = {
        name: make_deal(crm, by=getattr(firm, name), title=name) for name in ("seller", "fitter", "stranger", "lead")
    }
    return named | {"nobody": make_deal(crm, title="nobody", owner_id=None)}


def seen(crm, principal, entity=Deal, field="title"):
    with crm.read(principal) as reader:
        return {row[field] for row in reader.list(Query(entity))}


@pytest.mark.parametrize("who", SEEN)
def test_each_sees_what_their_scope_reaches(crm, firm, deals, who):
    """The list, the count and the look at each record agree."""
    principal = getattr(firm, who)
    with crm.read(principal) as reader:
        assert {row.title for row in reader.list(Query(Deal))} == SEEN[who]
        assert reader.count(Deal) == len(SEEN[who])
        for title, deal in deals.items():
            if title in SEEN[who]:
                assert reader.get(Deal, deal.id).title == title
            else:
                with pytest.raises(NotFound):
                    reader.get(Deal, deal.id)


def test_what_i_created_and_nobody_owns_is_mine(crm, firm):
    """Until somebody gets it; then it is theirs alone."""
    from opencrm import Assign, assigning

    deal = make_deal(crm, by=firm.seller, title="left", owner_id=None, unit_id=firm.units["north_shop"])
    assert seen(crm, firm.seller) == {"left"}
    with crm.work(firm.owner) as work:
        assigning.assign(work, [Assign(Deal, deal.id, owner=firm.stranger.id)])
    assert seen(crm, firm.seller) == set()


def test_a_record_is_measured_by_its_own_unit(crm, firm):
    """The seller's deal in a southern unit is not the northern head's to see."""
    make_deal(crm, title="south", owner_id=firm.seller.id, unit_id=firm.units["south"])
    assert seen(crm, firm.seller) == {"south"}
    assert seen(crm, firm.head) == set()


@pytest.mark.parametrize("act", ["update", "delete"])
def test_who_sees_and_may_not_is_denied_who_does_not_see_finds_nothing(crm, firm, act):
    """The viewer gets a reason, the stranger the answer of a record that is not there."""
    deal = make_deal(crm, by=firm.seller)
    service, command = {
        "update": (records.update, Update(Deal, deal.id, title="x")),
        "delete": (records.delete, Delete(Deal, deal.id)),
    }[act]
    with crm.work(firm.viewer) as work, pytest.raises(PermissionDenied) as refused:
        service(work, [command])
    assert (refused.value.action, refused.value.principal) == (f"deal.{act}", f"user:{firm.viewer.id}")
    with crm.work(firm.stranger) as work, pytest.raises(NotFound):
        service(work, [command])


def test_no_grant_is_no_access(crm, firm):
    """Deny by default: without a seat nothing is seen and nothing made."""
    from opencrm import User

    lone = make_record(crm, User, name="lone")
    from opencrm import Principal

    with crm.read(Principal.user(lone.id)) as reader:
        assert reader.list(Query(Deal)).rows == ()
    with pytest.raises(PermissionDenied):
        make_deal(crm, by=Principal.user(lone.id))


def test_anonymous_sees_nothing(crm, firm, deals):
    """Somebody who did not sign in is granted nothing."""
    from opencrm import Principal

    with crm.read(Principal.anonymous()) as reader:
        assert reader.list(Query(Deal)).rows == ()
        assert reader.count(Contact) == 0


def test_parts_follow_their_whole(crm, firm):
    """Points, lines and references are seen and changed with the record that they are parts of."""
    make_contact(crm, by=firm.seller, points=[{"kind": "email", "value": "a@example.com"}])
    make_deal(crm, by=firm.seller, lines=[{"title": "frame"}], refs=[{"system": "s", "key": "k"}])
    for entity in (ContactPoint, DealLine, ExternalRef):
        assert len(seen(crm, firm.seller, entity, "id")) == 1
        assert len(seen(crm, firm.head, entity, "id")) == 1
        [part] = seen(crm, firm.viewer, entity, "id")
        assert seen(crm, firm.stranger, entity, "id") == set()
        with crm.work(firm.stranger) as work, pytest.raises(NotFound):
            records.delete(work, [Delete(entity, part)])
        with crm.work(firm.viewer) as work, pytest.raises(PermissionDenied):
            records.delete(work, [Delete(entity, part)])
        with crm.work(firm.head) as work:
            records.delete(work, [Delete(entity, part)])


def test_a_part_is_made_only_for_a_record_that_one_may_change(crm, firm):
    """Whoever may update the deal may add a line; who only reads it may not; who cannot see it finds none."""
    from opencrm import InputError

    deal = make_deal(crm, by=firm.seller)
    make_record(crm, DealLine, by=firm.seller, deal_id=deal.id)
    with pytest.raises(PermissionDenied):
        make_record(crm, DealLine, by=firm.viewer, deal_id=deal.id)
    with pytest.raises(InputError):
        make_record(crm, DealLine, by=firm.stranger, deal_id=deal.id)


def test_a_part_cannot_be_carried_to_a_record_out_of_reach(crm, firm):
    """Moving a contact point onto a stranger's contact is refused as if that were not there."""
    from opencrm import InputError

    mine = make_contact(crm, by=firm.seller, points=[{"kind": "email", "value": "a@example.com"}])
    theirs = make_contact(crm, by=firm.stranger)
    with crm.read(firm.seller) as reader:
        [point] = reader.list(Query(ContactPoint))
    with crm.work(firm.seller) as work, pytest.raises(InputError):
        records.update(work, [Update(ContactPoint, point.id, contact_id=theirs.id)])
    assert mine.id == point.contact_id


def test_tags_are_seen_with_what_they_hang_on(crm, firm):
    """A tagging of a deal follows the deal; one of a contact the contact."""
    tag = make_record(crm, Tag, name="vip")
    deal, contact = make_deal(crm, by=firm.seller), make_contact(crm, by=firm.stranger)
    for entity, record, by in (("deal", deal, firm.seller), ("contact", contact, firm.stranger)):
        make_record(crm, Tagging, by=by, tag_id=tag.id, entity=entity, record_id=record.id)
    assert seen(crm, firm.seller, Tagging, "record_id") == {deal.id}
    assert seen(crm, firm.stranger, Tagging, "record_id") == {contact.id}
    assert seen(crm, firm.owner, Tagging, "record_id") == {deal.id, contact.id}


def test_a_tagging_that_lies_about_its_entity_is_refused(crm, firm):
    """The id is looked up among the records of the entity that is named."""
    from opencrm import InputError

    tag = make_record(crm, Tag, name="vip")
    deal = make_deal(crm, by=firm.seller)
    for entity in ("contact", "nonsense", "tagging"):
        with pytest.raises(InputError):
            make_record(crm, Tagging, by=firm.seller, tag_id=tag.id, entity=entity, record_id=deal.id)


def test_a_grant_may_have_a_condition(crm, firm):
    """`when` narrows a grant, before and after the change."""
    from opencrm import Equal

    small = [
        Grant("deal", "read", Scope.ALL),
        Grant("deal", "update", Scope.ALL, Equal("source", "web")),
    ]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_viewer"], grants=grant_rows(small))])
    web, other = make_deal(crm, source="web"), make_deal(crm, source="fair")
    with crm.work(firm.viewer) as work:
        records.update(work, [Update(Deal, web.id, title="x")])
        with pytest.raises(PermissionDenied):
            records.update(work, [Update(Deal, other.id, title="x")])
        with pytest.raises(PermissionDenied):
            records.update(work, [Update(Deal, web.id, source="fair")])


def test_a_scope_is_measured_from_the_seat_that_carries_it(crm, firm):
    """Head of the north and seller in the south: no subtree over the south."""
    make_record(crm, Membership, user_id=firm.head.id, unit_id=firm.units["south"], role_id=firm.roles["firm_seller"])
    make_deal(crm, by=firm.stranger, title="south")
    make_deal(crm, by=firm.seller, title="north")
    assert seen(crm, firm.head) == {"north"}


def test_one_more_grant_never_takes_away(crm, firm, deals):
    """Two seats reach the union of what each reaches."""
    make_record(
        crm, Membership, user_id=firm.seller.id, unit_id=firm.units["south_shop"], role_id=firm.roles["firm_lead"]
    )
    assert seen(crm, firm.seller) == {"seller", "stranger"}


def test_exporting_needs_its_own_grant(crm, firm, deals):
    """Reading a record is not yet permission to export it."""
    with crm.read(firm.viewer) as reader:
        assert len(list(reader.stream(Query(Deal)))) == 5
        assert list(reader.stream(Query(Deal), action="export")) == []
    with crm.read(firm.head) as reader:
        assert {row.title for row in reader.stream(Query(Deal), action="export")} == SEEN["head"]


def test_catalogue_is_read_by_all_and_written_by_few(crm, firm):
    """Sellers see products and make none."""
    make_product(crm)
    assert seen(crm, firm.seller, Product, "name") == {"Window 60 x 90"}
    with pytest.raises(PermissionDenied):
        make_product(crm, by=firm.seller)


def test_an_unknown_entity_is_not_found(crm, firm):
    """A workspace knows the entities of its own plugins, and no other."""
    with crm.read(firm.owner) as reader, pytest.raises(NotFound):
        reader.entity("spaceship")
    with crm.work(firm.owner) as work, pytest.raises(NotFound):
        records.create(work, [Create(work.entity("spaceship"))])


@pytest.fixture
def shared_point(crm, firm):
    """A contact point of the seller's contact and of the stranger's company."""
    contact, company = make_contact(crm, by=firm.seller), make_company(crm, by=firm.stranger)
    return make_record(
        crm, ContactPoint, contact_id=contact.id, company_id=company.id, kind="email", value="a@example.com"
    )


def test_a_part_of_two_is_read_by_who_reads_either(crm, firm, shared_point):
    """One of the wholes suffices, in a list and for the single record."""
    for who in (firm.seller, firm.stranger, firm.viewer):
        assert seen(crm, who, ContactPoint, "id") == {shared_point.id}
        with crm.read(who) as reader:
            assert reader.get(ContactPoint, shared_point.id).value == "a@example.com"
    assert seen(crm, firm.fitter, ContactPoint, "id") == set()


@pytest.mark.parametrize("act", ["update", "delete", "part"])
@pytest.mark.parametrize("who", ["seller", "stranger", "viewer"])
def test_a_part_of_two_is_written_by_who_may_write_both(crm, firm, shared_point, who, act):
    """Whoever may change one of them only is refused."""
    by = getattr(firm, who)
    acts = {
        "update": lambda work: records.update(work, [Update(ContactPoint, shared_point.id, label="x")]),
        "delete": lambda work: records.delete(work, [Delete(ContactPoint, shared_point.id)]),
        "part": lambda work: records.update(work, [Update(ContactPoint, shared_point.id, company_id=None)]),
    }
    with pytest.raises(PermissionDenied), crm.work(by) as work:
        acts[act](work)
    with crm.work(firm.owner) as work:
        acts[act](work)


def test_a_part_of_two_is_written_by_whom_both_are(crm, firm):
    """By who holds both wholes, and a part of one is written by who holds that one."""
    contact, company = make_contact(crm, by=firm.seller), make_company(crm, by=firm.seller)
    for wholes in ({"contact_id": contact.id, "company_id": company.id}, {"company_id": company.id}):
        point = make_record(crm, ContactPoint, by=firm.seller, kind="email", value="b@example.com", **wholes)
        with crm.work(firm.seller) as work:
            records.update(work, [Update(ContactPoint, point.id, label="x")])
            records.delete(work, [Delete(ContactPoint, point.id)])


def test_a_part_is_not_hung_on_a_second_whole_that_one_only_reads(crm, firm):
    """Neither when it is made nor later."""
    grants = [*(Grant("contact", act, Scope.ALL) for act in ("read", "update")), Grant("company", "read", Scope.ALL)]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_viewer"], grants=grant_rows(grants))])
    contact, company = make_contact(crm), make_company(crm)
    fields = {"contact_id": contact.id, "kind": "email", "value": "a@example.com"}
    point = make_record(crm, ContactPoint, by=firm.viewer, **fields)
    with pytest.raises(PermissionDenied):
        make_record(crm, ContactPoint, by=firm.viewer, company_id=company.id, **fields)
    with pytest.raises(PermissionDenied), crm.work(firm.viewer) as work:
        records.update(work, [Update(ContactPoint, point.id, company_id=company.id)])


def test_a_grant_of_nothing_opens_nothing(crm, firm, deals):
    """Scope NONE gives no record, no part and no act."""
    grants = [Grant("*", "*", Scope.NONE)]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_viewer"], grants=grant_rows(grants))])
    assert seen(crm, firm.viewer) == set()
    with pytest.raises(PermissionDenied):
        make_deal(crm, by=firm.viewer)
