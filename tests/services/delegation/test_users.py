"""Making, changing and disabling people: in one's branch, below one's rank."""

from __future__ import annotations

import pytest

from opencrm import Create, Delete, Membership, Principal, Query, Restore, Update, User, organisation, records


def change(user, **fields):
    return lambda work: records.update(work, [Update(User, user.id, **fields)])


def place(branch, unit, role):
    return {"unit_id": branch.units[unit], "role_id": branch.roles[role]}


def make(*places):
    return lambda work: records.create(work, [Create(User, name="New", memberships=list(places))])


def test_a_boss_adds_a_person_with_a_place_in_one_act(crm, branch, allowed):
    """The user and the membership, one journal act."""
    [made] = allowed(branch.boss, make(place(branch, "north_shop", "clerk")))
    with crm.read(branch.boss) as reader:
        [seat] = [row for row in reader.list(Query(Membership, limit=200)) if row.user_id == made.record_id]
        [line] = reader.history(Membership, seat.id)
    assert seat.is_primary
    assert line.act == made.act


@pytest.mark.parametrize(
    "unit, role, rule",
    [
        ("south", "clerk", "reach"),
        ("HQ", "clerk", "reach"),
        ("north", "boss", "rank"),
        ("north", "owner", "rank"),
        ("north", "exporter", "delegable"),
        ("north", "of_south", "home"),
    ],
)
def test_with_a_place_that_may_not_be_given_nobody_is_made(crm, branch, refused, unit, role, rule):
    """All or nothing."""
    with crm.read(branch.owner) as reader:
        before = reader.count(User)
    assert refused(branch.boss, make(place(branch, unit, role))) == rule
    with crm.read(branch.owner) as reader:
        assert reader.count(User) == before


def test_add_user_is_for_bosses_too(crm, branch, allowed, refused):
    """By the names of the role and the unit."""
    add = lambda role, unit: lambda work: organisation.add_user(work, "New", email=None, role=role, unit=unit)  # noqa: E731
    made = allowed(branch.boss, add("x_clerk", "north_shop"))
    assert crm.principal(made).id == made
    assert refused(branch.boss, add("x_clerk", "south")) == "reach"
    assert refused(branch.boss, add("x_equal", "north")) == "rank"


def test_a_person_without_a_place_is_their_makers(crm, branch, allowed, refused):
    """Whoever made them gives the first place, or takes them away; the boss next door does not."""
    [made] = allowed(branch.boss, make())
    new = Principal.user(made.record_id)
    allowed(branch.boss, change(new, name="Newer"))
    [theirs] = allowed(branch.top, make())
    assert refused(branch.boss, change(Principal.user(theirs.record_id), name="Mine")) == "reach"
    allowed(branch.boss, lambda work: records.delete(work, [Delete(User, new.id)]))
    allowed(branch.boss, lambda work: records.restore(work, [Restore(User, new.id)]))


@pytest.mark.parametrize("fields", [{"name": "x"}, {"active": False}, {"email": "x@example.com"}, {"language": "de"}])
def test_people_below_in_ones_branch_are_changed(branch, allowed, refused, fields):
    """Name, address, access: all alike."""
    allowed(branch.boss, change(branch.clerk, **fields))
    assert refused(branch.boss, change(branch.other, **fields)) == "reach"
    assert refused(branch.boss, change(branch.peer, **fields)) == "target"
    assert refused(branch.boss, change(branch.boss, **fields)) == "target"
    assert refused(branch.boss, change(branch.owner, **fields)) == "reach"


def test_somebody_with_a_place_elsewhere_too_is_out_of_reach(branch, allowed, refused):
    """One branch does not disable another one's people."""
    allowed(branch.top, lambda work: records.create(work, [_south(branch)]))
    assert refused(branch.boss, change(branch.clerk, active=False)) == "reach"
    allowed(branch.top, change(branch.clerk, active=False))


def _south(branch):
    return Create(Membership, user_id=branch.clerk.id, **place(branch, "south", "clerk"))


def test_an_owner_is_above_every_number(branch, allowed, refused):
    """A role that may do everything makes an owner, whatever its rank says."""
    from opencrm import Grant, Role, Scope

    role = {"key": "low_owner", "name": "Low", "rank": 1, "grants": [Grant("*", "*", Scope.ALL)]}
    [made] = allowed(branch.owner, lambda work: records.create(work, [Create(Role, values=role)]))
    given = {"unit_id": branch.units["north_shop"], "role_id": made.record_id, "user_id": branch.clerk.id}
    assert refused(branch.top, lambda work: records.create(work, [Create(Membership, values=given)])) == "rank"
    allowed(branch.owner, lambda work: records.create(work, [Create(Membership, values=given)]))
    assert refused(branch.top, change(branch.clerk, active=False)) == "target"


def test_nobody_shuts_themselves_out(branch, allowed, refused):
    """Not even an owner; their name is theirs to write."""
    assert refused(branch.owner, change(branch.owner, active=False)) == "target"
    assert refused(branch.owner, lambda work: records.delete(work, [Delete(User, branch.owner.id)])) == "target"
    allowed(branch.owner, change(branch.owner, name="Boss of all"))


def test_who_was_granted_nothing_is_told_by_rule(branch, refused):
    """Clerks administer nothing, nor does somebody without a place."""
    assert refused(branch.clerk, make()) == "reach"
    assert refused(branch.other, change(branch.clerk, name="x")) == "reach"


def test_opencrm_itself_is_free(crm, branch):
    """It sets up and recovers: nobody is above it."""
    with crm.work(Principal.system("set people up")) as work:
        for user in (branch.peer, branch.owner):
            [line] = change(user, name="By the system")(work)
            assert line.after["name"] == "By the system"
