"""Who lets somebody stand in for whom."""

from __future__ import annotations

from opencrm import Create, Delete, Deputy, Membership, Principal, Query, Update, User, records

END = "2026-04-01T00:00:00Z"


def make(of, to, **more):
    return lambda work: records.create(work, [Create(Deputy, of_id=of.id, to_id=to.id, valid_to=END, **more)])


def second(crm, branch, role="reader"):
    """One more person of the shop."""
    place = {"unit_id": branch.units["north_shop"], "role_id": branch.roles[role]}
    with crm.work(branch.owner) as work:
        [made] = records.create(work, [Create(User, name="Second", memberships=[place])])
    return Principal.user(made.record_id)


def test_somebody_below_stands_in_for_somebody_below(crm, branch, allowed):
    """In one's branch; it is ended as it was made."""
    [made] = allowed(branch.boss, make(branch.clerk, second(crm, branch)))
    allowed(branch.boss, lambda work: records.update(work, [Update(Deputy, made.record_id, entities=["deal"])]))
    allowed(branch.boss, lambda work: records.delete(work, [Delete(Deputy, made.record_id)]))


def test_somebody_below_stands_in_for_oneself_in_what_may_be_handed_on(crm, branch, allowed, refused):
    """The boss exports deals and may not hand that on; tags they do nothing with."""
    assert refused(branch.boss, make(branch.boss, branch.clerk)) == "delegable"
    assert refused(branch.boss, make(branch.boss, branch.clerk, entities=["deal"])) == "delegable"
    allowed(branch.boss, make(branch.boss, branch.clerk, entities=["contact"]))


def test_nobody_stands_in_for_somebody_out_of_reach_or_higher(crm, branch, refused):
    """Neither for a peer, nor for another branch, nor does one of those."""
    helper = second(crm, branch)
    assert refused(branch.boss, make(branch.other, helper)) == "reach"
    assert refused(branch.boss, make(helper, branch.other)) == "reach"
    assert refused(branch.boss, make(branch.owner, helper)) == "reach"
    assert refused(branch.boss, make(branch.peer, helper)) == "rank"
    assert refused(branch.boss, make(helper, branch.peer)) == "target"
    assert refused(branch.boss, make(helper, branch.boss)) == "target"


def test_nobody_lends_more_than_they_hand_on(crm, branch, refused):
    """A clerk with a wide role is no way around rule 3."""
    assert refused(branch.boss, make(second(crm, branch, "wide"), branch.clerk)) == "delegable"


def test_owners_are_free(crm, branch, allowed):
    """For whom and whom they like, themselves too."""
    allowed(branch.owner, make(branch.owner, branch.top))
    with crm.read(branch.owner) as reader:
        assert reader.count(Deputy) == 1
        assert reader.list(Query(Membership))


def test_somebody_without_a_place_stands_in_for_nobody(crm, branch, allowed, refused, seat_of):
    """They might be given their own place again; what is somebody else's they are not."""
    helper = second(crm, branch)
    allowed(branch.boss, lambda work: records.delete(work, [Delete(Membership, seat_of(helper))]))
    assert refused(branch.boss, make(branch.clerk, helper)) == "reach"
