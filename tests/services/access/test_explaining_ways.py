"""Invariant 18, way by way: explain names what lets somebody do it, and without that they may not."""

from __future__ import annotations

import pytest

from opencrm import (
    Assign,
    Contact,
    ContactPoint,
    Create,
    Customer,
    Deal,
    DealLine,
    Delete,
    Deputy,
    Empty,
    Grant,
    Guard,
    Membership,
    PermissionDenied,
    Principal,
    Role,
    SavedView,
    Scope,
    Tag,
    Tagging,
    Task,
    Update,
    User,
    assigning,
    explaining,
    hookimpl,
    records,
)
from opencrm.embed import grant_rows
from opencrm.testing import make_company, make_contact, make_deal, make_record, make_task


class Holds:
    """Keeps deals that are held from being changed."""

    name = "holds"

    @hookimpl
    def opencrm_register_guards(self):
        yield Guard(entity="deal", actions=["update"], condition=Empty("lost_reason"), reason="a legal hold")


@pytest.fixture
def crm_plugins():
    """Adds the plugin to the workspace."""
    return [Holds()]


@pytest.fixture
def deal(crm, firm):
    """A deal of the seller with a client, of one line."""
    contact = make_contact(crm, by=firm.seller)
    return make_deal(crm, by=firm.seller, contact_id=contact.id, lines=[{"title": "Frame", "price": "5"}])


@pytest.fixture
def line(crm, deal):
    """The deal's line."""
    with crm.read(Principal.system("a test")) as reader:
        [id] = reader.lookup(DealLine, "deal_id", [deal.id])[deal.id]
        return reader.get(DealLine, id)


@pytest.fixture
def told(crm, firm):
    """`told(record, person, "read", by=...)`: what explain tells an owner, or somebody else."""

    def ask(record, person, action="read", by=None):
        with crm.read(by or firm.owner) as reader:
            return explaining.explain(reader, record.entity, record.id, user=person.id, action=action)

    return ask


@pytest.fixture
def only(told):
    """`only(record, person)`: the only reason for which somebody may, which is the sentence that is told."""

    def ask(record, person, action="read"):
        found = told(record, person, action)
        [reason] = found.reasons
        assert (found.allowed, found.reason) == (True, reason.text)
        return reason

    return ask


@pytest.fixture
def end(crm, firm):
    """`end(Membership, id)`: delete a record as the owner."""

    def delete(entity, id):
        with crm.work(Principal.system("a test takes a reason away")) as work:
            records.delete(work, [Delete(entity, id)])

    return delete


def steps(explanation):
    return [step.name for step in explanation.paths[0]]


def membership_of(crm, person):
    with crm.read(Principal.system("a test")) as reader:
        [id] = reader.lookup(Membership, "user_id", [person.id])[person.id]
        return id


@pytest.mark.parametrize("person, path", [("seller", ["north_shop"]), ("head", ["north_shop", "north"])])
def test_a_grant(crm, firm, deal, told, only, end, person, path):
    """One's own, or the unit's: the membership, its role and the grant, and the units up to it."""
    somebody = getattr(firm, person)
    reason = only(deal, somebody)
    assert (reason.way, reason.membership) == ("grant", membership_of(crm, somebody))
    assert (reason.role, reason.grant.action) == (f"firm_{person}", "read")
    assert steps(told(deal, somebody)) == path
    end(Membership, reason.membership)
    assert not told(deal, somebody).allowed


def test_what_is_ones_own_by_an_owner_who_is_gone(crm, firm, deal, told):
    """The grant of one's own says no more once the record is another's."""
    with crm.work(firm.owner) as work:
        assigning.assign(work, [Assign(Deal, deal.id, owner=firm.stranger.id)])
    assert not told(deal, firm.seller).allowed


def test_an_owner(crm, firm, deal, told, only, end):
    """The membership that makes an owner; there must be another one before it can go."""
    with crm.work(firm.owner) as work:
        place = {"user_id": firm.stranger.id, "unit_id": firm.units["HQ"], "role_id": firm.roles["owner"]}
        records.create(work, [Create(Membership, values=place)])
    reason = only(deal, firm.stranger)
    assert (reason.way, reason.role, reason.unit) == ("owner", "owner", firm.units["HQ"])
    assert steps(told(deal, firm.stranger)) == ["north_shop", "north", "HQ"]
    end(Membership, reason.membership)
    assert not told(deal, firm.stranger).allowed


def test_a_share(crm, firm, deal, told, only, share, end):
    """Who shares, and by what right: it ends with the share, and with the sharer's right."""
    made = share(firm.seller, deal, firm.stranger, "read")
    reason = only(deal, firm.stranger)
    assert (reason.way, reason.person) == ("share", firm.seller.id)
    assert reason.because.membership == membership_of(crm, firm.seller)
    assert steps(told(deal, firm.stranger)) == ["north_shop"]
    end(type_of(crm, "share"), made)
    assert not told(deal, firm.stranger).allowed


def test_a_share_of_somebody_who_lost_the_right(crm, firm, deal, told, share, end):
    """The innermost reason decides as much as the share does."""
    share(firm.seller, deal, firm.stranger, "read")
    [reason] = told(deal, firm.stranger).reasons
    end(Membership, reason.because.membership)
    assert not told(deal, firm.stranger).allowed


def test_a_task(crm, firm, deal, told, only, end):
    """That there is a task, and of which entity; no unit decides."""
    task = make_task(crm, by=firm.head, deal_id=deal.id, owner_id=firm.fitter.id)
    reason = only(deal, firm.fitter)
    assert (reason.way, reason.entity) == ("participation", "task")
    assert steps(told(deal, firm.fitter)) == []
    end(Task, task.id)
    assert not told(deal, firm.fitter).allowed


@pytest.mark.parametrize("way", ["participation", "share"])
def test_a_link_that_carries(crm, firm, deal, told, only, share, end, way):
    """From which entity the link leads, and why that one is reached."""
    contact = read(crm, Contact, deal.contact_id)
    if way == "share":
        gone = type_of(crm, "share"), share(firm.seller, deal, firm.fitter, "read")
    else:
        gone = Task, make_task(crm, by=firm.head, deal_id=deal.id, owner_id=firm.fitter.id).id
    reason = only(contact, firm.fitter)
    assert (reason.way, reason.entity, reason.because.way) == ("carried", "deal", way)
    assert steps(told(contact, firm.fitter)) == []
    end(*gone)
    assert not told(contact, firm.fitter).allowed


def test_a_deputy(crm, firm, deal, told, only, stand_in, end):
    """In whose place, and by which of their memberships."""
    made = stand_in(firm.lead, firm.stranger)
    reason = only(deal, firm.stranger)
    assert (reason.way, reason.person) == ("deputy", firm.lead.id)
    assert (reason.because.membership, reason.because.role) == (membership_of(crm, firm.lead), "firm_lead")
    assert steps(told(deal, firm.stranger)) == ["north_shop"]
    end(Deputy, made)
    assert not told(deal, firm.stranger).allowed


def test_a_customer(crm, firm, deal, told, only, end):
    """That it is what is the client's own, however far the grant would go."""
    grants = grant_rows([Grant("deal", "read", Scope.ALL)])
    with crm.work(firm.owner) as work:
        [role] = records.create(work, [Create(Role, key="portal", name="Portal", grants=grants)])
        [user] = records.create(work, [Create(User, name="Carla Client")])
        place = {"user_id": user.record_id, "unit_id": firm.units["HQ"], "role_id": role.record_id}
        records.create(work, [Create(Membership, values=place)])
        records.create(work, [Create(Customer, user_id=user.record_id, contact_id=deal.contact_id)])
    client = Principal.user(user.record_id)
    reason = only(deal, client)
    assert reason.text.startswith("grant deal.read (the client's own) of role 'portal'")
    assert not told(make_deal(crm, by=firm.seller), client).allowed
    end(Membership, reason.membership)
    assert not told(deal, client).allowed


def test_what_is_personal(crm, firm, end):
    """One's own, or published: by which membership, and the units from there up to where it was published."""
    with crm.work(firm.head) as work:
        given = {"name": "Big ones", "entity": "deal", "published_to_id": firm.units["north"]}
        [made] = records.create(work, [Create(SavedView, values=given)])

    def explained(person):
        with crm.read(firm.owner) as reader:
            return explaining.explain(reader, SavedView, made.record_id, user=person.id)

    [own, published] = explained(firm.head).reasons
    assert (own.text, published.membership) == ("one's own", membership_of(crm, firm.head))
    found = explained(firm.seller)
    [reason] = found.reasons
    assert (reason.way, reason.membership) == ("personal", membership_of(crm, firm.seller))
    assert steps(found) == ["north_shop", "north"]
    end(Membership, reason.membership)
    assert not explained(firm.seller).allowed


def test_a_part(crm, firm, line, told, only, end):
    """Of what it is a part, why that is reached, and the units from the whole's up."""
    reason = only(line, firm.head)
    assert (reason.way, reason.entity, reason.because.way) == ("part", "deal", "grant")
    assert steps(told(line, firm.head)) == ["north_shop", "north"]
    end(Membership, reason.because.membership)
    assert not told(line, firm.head).allowed


@pytest.mark.parametrize("person", ["owner", "head", "seller"])
@pytest.mark.parametrize("action", ["assign", "share", "merge"])
def test_what_is_done_to_wholes_alone(crm, firm, line, told, person, action):
    """Nobody assigns, shares or merges a part, whatever they may do to its whole; who may is nobody."""
    somebody = getattr(firm, person)
    found = told(line, somebody, action)
    reason = "a part is not assigned, shared or merged by itself: that is done with its whole"
    assert (found.allowed, found.reason, found.reasons) == (False, reason, ())
    with crm.read(firm.owner) as reader:
        assert explaining.who(reader, DealLine, line.id, action=action) == ()
    with crm.read(somebody) as reader, pytest.raises(PermissionDenied, match="with its whole"):
        explaining.require(reader, DealLine, line.id, action)


def test_who_may_not_read_a_part_is_told_no_more(firm, line, told):
    """Not that it could be done with its whole."""
    assert told(line, firm.stranger, "share").reason == "no grant of deal.read reaches the record"


@pytest.mark.parametrize("action", ["create", "update", "delete", "restore"])
def test_why_not_names_what_would_have_to_be_granted(crm, firm, told, action):
    """Of a part what is done to its wholes: those that it names."""
    contact, company = make_contact(crm), make_company(crm)
    for owners, names in (
        ({"contact_id": contact.id}, "contact.update"),
        ({"company_id": company.id}, "company.update"),
        ({"contact_id": contact.id, "company_id": company.id}, "contact.update and company.update"),
    ):
        point = make_record(crm, ContactPoint, kind="email", value=f"{len(owners)}{names[:3]}@example.com", **owners)
        assert told(point, firm.viewer, action).reason == f"no grant of {names} reaches the record"
        reads = names.replace("update", "read").replace(" and ", " or ")
        assert told(point, firm.stranger).reason == f"no grant of {reads} reaches the record"


def test_why_not_names_what_a_tag_hangs_on(crm, firm, line):
    """Through a part that is tagged, the whole of that."""
    tag = make_record(crm, Tag, name="vip")
    tagging = make_record(crm, Tagging, tag_id=tag.id, entity="deal_line", record_id=line.id)
    for person, action, named in ((firm.viewer, "delete", "deal.update"), (firm.stranger, "read", "deal.read")):
        with crm.read(firm.owner) as reader:
            found = explaining.explain(reader, Tagging, tagging.id, user=person.id, action=action)
        assert found.reason == f"no grant of {named} reaches the record"


def test_a_part_of_what_one_reaches_for_somebody_else(firm, line, told, stand_in, crm):
    """Of several ways the one that holds, through the deputyship too."""
    stand_in(firm.lead, firm.stranger)
    [reason] = told(line, firm.stranger).reasons
    assert [reason.way, reason.because.way, reason.because.because.way] == ["part", "deputy", "grant"]
    assert reason.because.because.membership == membership_of(crm, firm.lead)


@pytest.mark.parametrize("person", ["owner", "head", "seller"])
def test_a_restriction(crm, firm, deal, told, person):
    """It is named; without it they may."""
    somebody = getattr(firm, person)
    hold(crm, deal, "a law suit")
    found = told(deal, somebody, "update")
    assert (found.allowed, found.reason, found.reasons) == (False, "restricted: a legal hold", ())
    hold(crm, deal, None)
    assert told(deal, somebody, "update").allowed


@pytest.mark.parametrize("person", ["owner", "head", "seller"])
def test_a_restriction_on_the_whole(crm, firm, deal, line, told, person):
    """What binds a deal binds its lines: explain says what the check says, and why; `require` too."""
    somebody = getattr(firm, person)
    assert told(line, somebody, "update").allowed
    hold(crm, deal, "a law suit")
    with crm.work(somebody) as work, pytest.raises(PermissionDenied, match="a legal hold"):
        records.update(work, [Update(DealLine, line.id, title="Door")])
    found = told(line, somebody, "update")
    assert (found.allowed, found.reason, found.reasons) == (False, "restricted: a legal hold", ())
    with crm.read(somebody) as reader, pytest.raises(PermissionDenied, match="a legal hold"):
        explaining.require(reader, DealLine, line.id, "update")


def test_a_restriction_is_not_told_to_whom_it_is_not_about(crm, firm, deal, line, told):
    """Whoever has no way to the deal is refused as if there were none."""
    hold(crm, deal, "a law suit")
    assert told(line, firm.viewer, "update").reason == "no grant of deal.update reaches the record"


def test_what_one_may_not_read_of_others_is_not_told(crm, firm, deal, told, stand_in, share):
    """A deputy learns in whose place, not by which role and membership; what is left of the reason stays."""
    with crm.work(firm.owner) as work:
        seller = work.get(Role, firm.roles["firm_seller"])
        kept = [it for it in seller.grants if it["entity"] != "membership"]
        records.update(work, [Update(Role, seller.id, grants=kept)])
    stand_in(firm.lead, firm.stranger)
    [reason] = told(deal, firm.stranger, by=firm.stranger).reasons
    text = f"on behalf of user:{firm.lead.id}: a grant, of a membership that you may not read"
    assert (reason.way, reason.person, reason.text) == ("deputy", firm.lead.id, text)
    assert (reason.because.membership, reason.because.role, reason.because.grant) == (None, None, None)
    assert "firm_lead" not in str(reason.because)
    [own] = told(deal, firm.seller, by=firm.seller).reasons
    assert own.membership == membership_of(crm, firm.seller)


def hold(crm, deal, reason):
    table = Deal.__table__
    with crm.database.write() as tx:
        tx.run(("hold", reason), lambda: table.update().where(table.c.id == deal.id).values(lost_reason=reason), [{}])


def read(crm, entity, id):
    with crm.read(Principal.system("a test")) as reader:
        return reader.get(entity, id)


def type_of(crm, name):
    return crm.catalogue.entities[name].cls
