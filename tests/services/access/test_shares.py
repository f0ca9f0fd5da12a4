"""Shares: somebody lets another person work with a record, as far as they may themselves at that moment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opencrm import (
    Contact,
    ContactPoint,
    Create,
    Deal,
    Delete,
    Duplicate,
    Grant,
    InputError,
    Membership,
    Move,
    NotFound,
    PermissionDenied,
    Query,
    Role,
    Scope,
    Share,
    Update,
    User,
    pipelines,
    records,
)
from opencrm.embed import grant_rows
from opencrm.testing import MONDAY, make_company, make_contact, make_deal, make_task


@pytest.fixture
def deal(crm, firm):
    """A deal of the seller."""
    return make_deal(crm, by=firm.seller, title="Windows")


def test_a_shared_record_can_be_read(crm, firm, deal, share, sees):
    """Who it is shared with sees it, with its history; nobody else."""
    assert not sees(firm.stranger, deal)
    share(firm.seller, deal, firm.stranger, "read")
    assert sees(firm.stranger, deal)
    assert not sees(firm.fitter, deal)
    with crm.read(firm.stranger) as reader:
        assert [line.kind for line in reader.history(Deal, deal.id)] == ["created"]


def test_it_carries_no_more_than_it_says(crm, firm, deal, share, change):
    """Reading is not changing; changing is, once it is carried too."""
    share(firm.seller, deal, firm.stranger, "read")
    with pytest.raises(PermissionDenied):
        change(firm.stranger, deal, title="Doors")
    share(firm.lead, deal, firm.stranger, "update")
    assert change(firm.stranger, deal, title="Doors").after["title"] == "Doors"


def test_moves_are_shared_by_stage(crm, firm, deal, share):
    """A share may carry the moves to one stage, or to all."""
    share(firm.seller, deal, firm.stranger, "move:windows.measuring")
    with crm.work(firm.stranger) as work:
        pipelines.move(work, [Move(Deal, deal.id, to="measuring")])
    with crm.work(firm.stranger) as work, pytest.raises(PermissionDenied):
        pipelines.move(work, [Move(Deal, deal.id, to="offer")])
    share(firm.lead, deal, firm.stranger, "move:windows.*")
    with crm.work(firm.stranger) as work:
        pipelines.move(work, [Move(Deal, deal.id, to="offer")])


def test_nobody_shares_what_they_may_not_do(crm, firm, deal, share):
    """Invariant 14: neither an action that one lacks, nor a record that one may not know of."""
    with crm.work(firm.owner) as work:
        grants = [Grant("deal", action, Scope.OWN) for action in ("create", "read", "share")]
        grants = grant_rows([*grants, Grant("user", "read", Scope.ALL)])
        records.update(work, [Update(Role, firm.roles["firm_seller"], grants=grants)])
    with pytest.raises(PermissionDenied, match="share bound"):
        share(firm.seller, deal, firm.stranger, "update")
    with pytest.raises(InputError, match="no record that you may read"):
        share(firm.stranger, deal, firm.fitter, "read")
    with pytest.raises(PermissionDenied):
        share(firm.viewer, deal, firm.fitter, "read")
    share(firm.seller, deal, firm.stranger, "read")


def test_it_ends_when_the_sharer_loses_the_right(crm, firm, deal, share, sees):
    """Invariant 14: at once, and it comes back with the right."""
    share(firm.seller, deal, firm.stranger, "read")
    with crm.work(firm.owner) as work:
        records.update(work, [Update(User, firm.seller.id, active=False)])
    assert not sees(firm.stranger, deal)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(User, firm.seller.id, active=True)])
    assert sees(firm.stranger, deal)


def test_it_ends_in_time(crm, firm, deal, share, sees):
    """Invariant 20: at `until` it is over, with nothing having to run."""
    share(firm.seller, deal, firm.stranger, "read", until=MONDAY + timedelta(hours=1))
    assert sees(firm.stranger, deal)
    crm.advance(timedelta(hours=1) - timedelta(microseconds=1))
    assert sees(firm.stranger, deal)
    crm.advance(timedelta(microseconds=1))
    assert not sees(firm.stranger, deal)


def test_it_can_be_taken_back(crm, firm, deal, share, sees):
    """Whoever may share the record may end a share of it; who it is shared with may not share on."""
    shared = share(firm.seller, deal, firm.stranger, "read")
    with crm.work(firm.stranger) as work, pytest.raises(PermissionDenied):
        records.delete(work, [Delete(Share, shared)])
    with pytest.raises(PermissionDenied):
        share(firm.stranger, deal, firm.fitter, "read")
    with crm.work(firm.lead) as work:
        records.delete(work, [Delete(Share, shared)])
    assert not sees(firm.stranger, deal)


def test_it_can_be_passed_on(crm, firm, deal, share, sees):
    """Sharing itself may be shared; the end of the first share ends the second."""
    first = share(firm.seller, deal, firm.stranger, "read", "share")
    share(firm.stranger, deal, firm.fitter, "read")
    assert sees(firm.fitter, deal)
    with crm.work(firm.seller) as work:
        records.delete(work, [Delete(Share, first)])
    assert not sees(firm.fitter, deal)


def test_two_who_share_with_each_other_keep_nothing_alive(crm, firm, deal, share, sees):
    """A circle of shares holds nobody up once its root is gone."""
    first = share(firm.seller, deal, firm.stranger, "read", "share")
    share(firm.stranger, deal, firm.fitter, "read", "share")
    share(firm.fitter, deal, firm.stranger, "read", "share")
    with crm.work(firm.seller) as work:
        records.delete(work, [Delete(Share, first)])
    assert not sees(firm.stranger, deal)
    assert not sees(firm.fitter, deal)


@pytest.mark.parametrize(
    "wrong, field",
    [
        ({"actions": []}, "actions"),
        ({"actions": ["*"]}, "actions"),
        ({"actions": ["fly"]}, "actions"),
        ({"actions": ["move:windows.nowhere"]}, "actions"),
        ({"actions": ["move:windows"]}, "actions"),
        ({"entity": "tag"}, "record_id"),
        ({"entity": "nothing"}, "record_id"),
    ],
)
def test_what_is_no_share_is_refused(crm, firm, deal, wrong, field):
    """The field is named; nothing is stored."""
    given = {"entity": "deal", "record_id": deal.id, "user_id": firm.stranger.id, "actions": ["read"]}
    with crm.work(firm.owner) as work, pytest.raises(InputError) as caught:
        records.create(work, [Create(Share, values=given | wrong)])
    assert field in caught.value.fields
    with crm.read(firm.owner) as reader:
        assert reader.count(Share) == 0


def test_it_goes_along_with_the_record(crm, firm, share):
    """Parts of the record, and what its links carry, can be read too, one step far; nothing else that is linked."""
    company = make_company(crm, by=firm.seller)
    other = make_contact(crm, by=firm.seller, name="Other")
    contact = make_contact(crm, by=firm.seller, points=[{"kind": "email", "value": "carla@example.com"}])
    deal = make_deal(crm, by=firm.seller, contact_id=contact.id, company_id=company.id)
    task = make_task(crm, by=firm.seller, deal_id=deal.id)
    share(firm.seller, deal, firm.stranger, "read")
    with crm.read(firm.stranger) as reader:
        assert reader.get(Contact, contact.id).name == contact.name
        assert [row.value for row in reader.list(Query(ContactPoint))] == ["carla@example.com"]
        assert reader.get(company.entity, company.id).name == company.name
        for hidden in (other, task):
            with pytest.raises(NotFound):
                reader.get(hidden.entity, hidden.id)


def test_what_is_carried_cannot_be_changed(crm, firm, share, change):
    """Links carry reading alone."""
    contact = make_contact(crm, by=firm.seller)
    deal = make_deal(crm, by=firm.seller, contact_id=contact.id)
    share(firm.seller, deal, firm.stranger, "read", "update")
    with pytest.raises(PermissionDenied):
        change(firm.stranger, contact, name="Somebody")
    assert change(firm.stranger, deal, title="Doors").after["title"] == "Doors"


def test_no_field_is_read_that_a_role_is_denied(crm, firm, deal, share):
    """Invariant 11: who reaches records by no role sees only what the company denies to nobody."""
    reads = grant_rows([Grant("tag", "read", Scope.ALL)])
    hides = [{"entity": "deal", "field": "amount", "read": False, "write": False}]
    with crm.work(firm.owner) as work:
        [role] = records.create(work, [Create(Role, key="guest", name="Guest", grants=reads)])
        [guest] = records.create(work, [Create(User, name="Guest")])
        place = {"unit_id": firm.units["south"], "role_id": role.record_id}
        records.create(work, [Create(Membership, user_id=guest.record_id, **place)])
        records.update(work, [Update(Role, firm.roles["firm_lead"], field_rules=hides)])
    person = type(firm.stranger).user(guest.record_id)
    share(firm.seller, deal, person, "read")
    with crm.read(person) as reader:
        row = reader.get(Deal, deal.id)
        assert "title" in row.fields
        assert "amount" not in row.fields


def test_it_is_shared_once(crm, firm, deal, share):
    """A second share of the same by the same is refused: change the first."""
    share(firm.seller, deal, firm.stranger, "read")
    with pytest.raises(Duplicate):
        share(firm.seller, deal, firm.stranger, "read", "update")


def test_shares_follow_a_merge(crm, firm, share, sees):
    """Of two records that were shared with the same person by the same, one share is left, and it works."""
    from opencrm import Merge, merging

    one, other = make_contact(crm, by=firm.seller, name="One"), make_contact(crm, by=firm.seller, name="Other")
    for contact in (one, other):
        share(firm.seller, contact, firm.stranger, "read")
    share(firm.seller, other, firm.fitter, "read")
    with crm.work(firm.owner) as work:
        merging.merge(work, Merge(Contact, one.id, others=(other.id,)))
    assert sees(firm.stranger, one)
    assert sees(firm.fitter, one)


def test_it_carries_no_more_than_the_sharer_reads(crm, firm, share):
    """Invariant 8: a client whom the sharer may not read does not come along."""
    contact = make_contact(crm, by=firm.stranger)
    with crm.work(firm.owner) as work:
        [line] = records.create(
            work,
            [Create(Deal, title="D", contact_id=contact.id, owner_id=firm.seller.id, unit_id=firm.units["north_shop"])],
        )
        deal = work.get(Deal, line.record_id)
    share(firm.seller, deal, firm.fitter, "read")
    with crm.read(firm.fitter) as reader:
        assert reader.get(Deal, deal.id).contact_id == contact.id
        with pytest.raises(NotFound):
            reader.get(Contact, contact.id)
