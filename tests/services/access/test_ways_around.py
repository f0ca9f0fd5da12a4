"""Ways around the end of somebody's rights that an adversary tried, each of them closed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opencrm import (
    Contact,
    Create,
    Customer,
    Deal,
    Delete,
    Deputy,
    DomainError,
    Grant,
    InputError,
    Membership,
    NotFound,
    PermissionDenied,
    Query,
    Restore,
    Role,
    Scope,
    Share,
    Task,
    Undo,
    Unit,
    Update,
    User,
    explaining,
    records,
    undoing,
)
from opencrm.core.access.rights import Rights
from opencrm.embed import grant_rows, issue_token, principal_of
from opencrm.testing import MONDAY, make_contact, make_deal, make_task

LATER = MONDAY + timedelta(days=1)


@pytest.fixture
def deal(crm, firm):
    """A deal of the seller, with a client."""
    return make_deal(crm, by=firm.seller, contact_id=make_contact(crm, by=firm.seller).id)


def test_whom_it_is_shared_with_does_not_prolong_a_share(crm, firm, deal, share):
    """Not even with the right to share: they end shares, and change their own."""
    shared = share(firm.seller, deal, firm.stranger, "read", "share", until=LATER)
    with crm.work(firm.stranger) as work, pytest.raises(PermissionDenied, match="share bound"):
        records.update(work, [Update(Share, shared, until=None)])


def test_nobody_takes_back_that_a_share_was_shortened_or_withdrawn(crm, firm, deal, share):
    """Neither by undoing it nor by restoring it."""
    shared = share(firm.lead, deal, firm.stranger, "read", "share")
    share(firm.seller, deal, firm.stranger, "read", "share")
    with crm.work(firm.lead) as work:
        records.update(work, [Update(Share, shared, until=LATER)])
        act = work.act
    with crm.work(firm.stranger) as work, pytest.raises(PermissionDenied, match="share bound"):
        undoing.undo(work, [Undo(act=act)])
    with crm.work(firm.lead) as work:
        records.delete(work, [Delete(Share, shared)])
    with crm.work(firm.stranger) as work, pytest.raises(PermissionDenied, match="share bound"):
        records.restore(work, [Restore(Share, shared)])
    with crm.work(firm.lead) as work:
        records.restore(work, [Restore(Share, shared)])


def test_a_closed_task_is_not_opened_again_into_reach(crm, firm, deal, sees, change):
    """Who reads a record only through a task reads it no more once it is closed, and does not open it again."""
    task = make_task(crm, by=firm.head, deal_id=deal.id, owner_id=firm.fitter.id)
    change(firm.head, task, state="done")
    with pytest.raises(InputError, match="deal_id: refers to no record that you may read"):
        change(firm.fitter, task, state="open")
    with crm.work(firm.head) as work:
        records.delete(work, [Delete(Task, task.id)])
    assert not sees(firm.fitter, deal)
    change_back = make_task(crm, by=firm.head, deal_id=deal.id, owner_id=firm.fitter.id)
    change(firm.head, change_back, state="done")
    change(firm.head, change_back, state="open")
    assert sees(firm.fitter, deal)


def test_a_narrowed_key_narrows_what_links_carry(crm, firm, deal, share):
    """A key for deals reads no contact of a shared deal."""
    share(firm.seller, deal, firm.stranger, "read")
    with crm.work(firm.owner) as work:
        key = principal_of(issue_token(work, firm.stranger.id, label="k", scopes=["deal.read"]))
    with crm.read(key) as reader:
        assert reader.get(Deal, deal.id).contact_id == deal.contact_id
        with pytest.raises(NotFound):
            reader.get(Contact, deal.contact_id)


def test_a_customer_stands_in_for_nobody(crm, firm, deal, sees):
    """Whatever others make them: they reach what is linked to their contact."""
    other = make_contact(crm, name="Other")
    with crm.work(firm.owner) as work:
        records.create(work, [Create(Customer, user_id=firm.stranger.id, contact_id=other.id)])
        records.create(work, [Create(Deputy, of_id=firm.seller.id, to_id=firm.stranger.id, valid_to=LATER)])
    assert not sees(firm.stranger, deal)


def test_the_last_owner_does_not_become_a_customer(crm, firm):
    """Invariant 10: an owner remains."""
    contact = make_contact(crm)
    with pytest.raises(DomainError, match="an active owner must remain"), crm.work(firm.owner) as work:
        records.create(work, [Create(Customer, user_id=firm.owner.id, contact_id=contact.id)])


def test_an_explanation_names_no_role_that_one_may_not_read(crm, firm, deal):
    """Invariant 11: who reads no memberships is told the kind of a reason alone; of themselves they are told all."""
    with crm.work(firm.owner) as work:
        grants = grant_rows([Grant("deal", "read", Scope.ALL), Grant("user", "read", Scope.ALL)])
        records.update(work, [Update(Role, firm.roles["firm_viewer"], grants=grants)])
    with crm.read(firm.viewer) as reader:
        found = explaining.explain(reader, Deal, deal.id, user=firm.lead.id)
        mine = explaining.explain(reader, Deal, deal.id, user=firm.viewer.id)
    assert found.allowed
    assert all(it.role is None and it.membership is None and it.unit is None for it in found.reasons)
    assert "firm_lead" not in found.reason
    assert mine.reasons[0].role == "firm_viewer"


def test_anybody_may_ask_about_themselves(crm, firm, deal):
    """Even who may read no users."""
    with crm.work(firm.owner) as work:
        grants = grant_rows([Grant("deal", "read", Scope.ALL)])
        records.update(work, [Update(Role, firm.roles["firm_viewer"], grants=grants)])
    with crm.read(firm.viewer) as reader:
        assert explaining.explain(reader, Deal, deal.id, user=firm.viewer.id).allowed
        assert firm.viewer.id in {it.user_id for it in explaining.who(reader, Deal, deal.id)}
        with pytest.raises(NotFound):
            explaining.explain(reader, Deal, deal.id, user=firm.lead.id)


def test_a_role_that_reads_nothing_takes_no_field_from_others(crm, firm, deal):
    """A field rule counts for those who read the entity by that role."""
    closes = [{"entity": "deal", "field": "title", "read": False, "write": False}]
    with crm.work(firm.owner) as work:
        grants = grant_rows([Grant("tag", "read", Scope.ALL)])
        [role] = records.create(work, [Create(Role, key="guest", name="Guest", grants=grants)])
        records.create(work, [Create(Role, key="other", name="Other", field_rules=closes)])
        [guest] = records.create(work, [Create(User, name="Guest")])
        place = {"unit_id": firm.units["south"], "role_id": role.record_id}
        records.create(work, [Create(Membership, user_id=guest.record_id, **place)])
        records.create(work, [Create(Task, title="Call", deal_id=deal.id, owner_id=guest.record_id)])
    with crm.read(type(firm.owner).user(guest.record_id)) as reader:
        assert reader.get(Deal, deal.id).title == deal.title


def test_a_unit_with_records_is_not_taken_away(crm, firm, deal):
    """They would vanish from under its managers; nor is one that is the home of a role."""
    with crm.work(firm.owner) as work:
        [empty] = records.create(work, [Create(Unit, name="Empty", parent_id=firm.units["south"])])
        [used] = records.create(work, [Create(Unit, name="Used", parent_id=firm.units["south"])])
        records.create(work, [Create(Deal, title="There", owner_id=None, unit_id=used.record_id)])
        [home] = records.create(work, [Create(Unit, name="Home", parent_id=firm.units["south"])])
        records.create(work, [Create(Role, key="r", name="R", home_unit_id=home.record_id)])
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Unit, empty.record_id)])
    for unit, what in ((used, "deals"), (home, "roles")):
        with pytest.raises(DomainError, match=f"it still has {what}"), crm.work(firm.owner) as work:
            records.delete(work, [Delete(Unit, unit.record_id)])


@pytest.mark.parametrize("entities", [["frob"], []])
def test_a_deputy_is_for_entities_that_are_there(crm, firm, entities):
    """And for at least one, or for all."""
    given = {"of_id": firm.seller.id, "to_id": firm.stranger.id, "valid_to": LATER, "entities": entities}
    with crm.work(firm.owner) as work, pytest.raises(InputError, match="entities"):
        records.create(work, [Create(Deputy, values=given)])


def test_a_membership_ends_after_it_begins(crm, firm):
    """The field is named."""
    place = {"user_id": firm.seller.id, "unit_id": firm.units["south"], "role_id": firm.roles["firm_viewer"]}
    with crm.work(firm.owner) as work, pytest.raises(InputError, match="valid_to"):
        records.create(work, [Create(Membership, values=place | {"valid_from": LATER, "valid_to": MONDAY})])


def test_rights_say_what_they_are_without_standing_in(crm, firm, stand_in):
    """What somebody may do themselves is known apart from what they may for another."""
    stand_in(firm.seller, firm.stranger)
    with crm.read(firm.stranger) as reader:
        assert isinstance(reader.rights, Rights)
        assert reader.rights.standing_in
        assert not reader.rights.alone.standing_in
        assert len(reader.list(Query(Deal)).rows) == 0
