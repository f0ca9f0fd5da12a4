"""Giving and taking places: each of the five rules, kept and broken."""

from __future__ import annotations

import pytest

from opencrm import Create, Delete, InputError, Membership, Query, Restore, Update, User, records


def give(user, unit, role, **more):
    return lambda work: records.create(
        work, [Create(Membership, user_id=user, unit_id=unit, role_id=role, **{"is_primary": False, **more})]
    )


def change(seat, **fields):
    return lambda work: records.update(work, [Update(Membership, seat, **fields)])


@pytest.mark.parametrize("unit", ["north", "north_shop", "north_field"])
def test_a_lower_role_is_given_anywhere_in_ones_branch(branch, allowed, unit):
    """In the boss's own unit and below it."""
    allowed(branch.boss, give(branch.clerk.id, branch.units[unit], branch.roles["reader"]))


@pytest.mark.parametrize(
    "role, unit, rule",
    [
        ("reader", "HQ", "reach"),
        ("reader", "south", "reach"),
        ("reader", "south_shop", "reach"),
        ("equal", "north_shop", "rank"),
        ("boss", "north_shop", "rank"),
        ("top", "north_shop", "rank"),
        ("owner", "north_shop", "rank"),
        ("exporter", "north_shop", "delegable"),
        ("wide", "north_shop", "delegable"),
        ("of_shop", "north", "home"),
        ("of_shop", "north_field", "home"),
        ("of_south", "north", "home"),
    ],
)
def test_a_role_that_may_not_be_given_there(branch, refused, role, unit, rule):
    """Another branch, a rank that is not lower, more than may be handed on, a role that is at home elsewhere."""
    assert refused(branch.boss, give(branch.clerk.id, branch.units[unit], branch.roles[role])) == rule


def test_a_role_is_given_at_its_home_and_below(branch, allowed):
    """The role of the shop, in the shop."""
    allowed(branch.boss, give(branch.clerk.id, branch.units["north_shop"], branch.roles["of_shop"]))


@pytest.mark.parametrize("who", ["boss", "peer", "top", "owner"])
def test_nobody_gives_a_place_to_themselves_or_to_somebody_of_their_rank(branch, refused, who):
    """Not a lower one either: it would move what they may do."""
    act = give(getattr(branch, who).id, branch.units["north_shop"], branch.roles["reader"])
    assert refused(branch.boss, act) == "target"


def test_an_owner_changes_everybody_but_themselves(crm, branch, allowed, refused, seat_of):
    """Rule 4 is for all."""
    seat = seat_of(branch.owner)
    for act in (
        change(seat, is_head=False),
        change(seat, valid_to="2027-01-01T00:00:00Z"),
        lambda work: records.delete(work, [Delete(Membership, seat)]),
        give(branch.owner.id, branch.units["south"], branch.roles["reader"]),
    ):
        assert refused(branch.owner, act) == "target"
    allowed(branch.owner, change(seat_of(branch.top), unit_id=branch.units["south"]))


def test_taking_is_bound_as_giving_is(branch, allowed, refused, seat_of):
    """In one's branch, of those below; and what was taken there may be given again."""
    take = lambda person: lambda work: records.delete(work, [Delete(Membership, seat_of(person))])  # noqa: E731
    assert refused(branch.boss, take(branch.other)) == "reach"
    assert refused(branch.boss, take(branch.peer)) == "rank"
    assert refused(branch.boss, take(branch.boss)) == "rank"
    seat = seat_of(branch.clerk)
    allowed(branch.boss, take(branch.clerk))
    restore = lambda work: records.restore(work, [Restore(Membership, seat)])  # noqa: E731
    allowed(branch.boss, restore)


def test_a_move_is_judged_before_and_after(branch, allowed, refused, seat_of):
    """Nobody is pulled out of another branch, pushed into one, or raised."""
    clerk, other = seat_of(branch.clerk), seat_of(branch.other)
    assert refused(branch.boss, change(other, unit_id=branch.units["north"])) == "reach"
    assert refused(branch.boss, change(clerk, unit_id=branch.units["south"])) == "reach"
    assert refused(branch.boss, change(clerk, role_id=branch.roles["equal"])) == "rank"
    assert refused(branch.boss, change(clerk, role_id=branch.roles["wide"])) == "delegable"
    assert refused(branch.boss, change(clerk, user_id=branch.peer.id)) == "target"
    assert refused(branch.boss, change(clerk, role_id=branch.roles["of_south"])) == "home"
    allowed(branch.boss, change(clerk, unit_id=branch.units["north_field"], role_id=branch.roles["reader"]))


def test_a_role_with_too_much_is_not_taken_either(branch, allowed, refused, seat_of):
    """What an owner gave beyond what the boss hands on stays the owner's to take."""
    allowed(branch.owner, change(seat_of(branch.clerk), role_id=branch.roles["wide"]))
    assert refused(branch.boss, change(seat_of(branch.clerk), role_id=branch.roles["reader"])) == "delegable"


def test_one_seat_must_allow_all_of_it(crm, branch, allowed, refused):
    """Boss in the north, and reader in the south: the reach of the one and the power of the other are not added."""
    allowed(branch.owner, give(branch.boss.id, branch.units["south"], branch.roles["clerk"]))
    assert refused(branch.boss, give(branch.clerk.id, branch.units["south_shop"], branch.roles["reader"])) == "reach"


def test_the_seat_that_comes_furthest_tells(branch, allowed, refused):
    """A second seat that grants nothing does not hide what the first one lacks."""
    allowed(branch.owner, give(branch.boss.id, branch.units["south"], branch.roles["clerk"]))
    assert refused(branch.boss, give(branch.clerk.id, branch.units["north"], branch.roles["wide"])) == "delegable"


def test_somebody_who_will_be_higher_is_not_touched(crm, branch, allowed, refused, seat_of):
    """A place that begins next week counts already, and one that is over does not any more."""
    high = give(branch.clerk.id, branch.units["north"], branch.roles["equal"], valid_from="2026-03-09T00:00:00Z")
    allowed(branch.owner, high)
    assert refused(branch.boss, change(seat_of_role(crm, branch, "clerk"), is_head=True)) == "target"


def seat_of_role(crm, branch, role):
    with crm.read(branch.owner) as reader:
        rows = reader.list(Query(Membership, limit=200))
    return next(it.id for it in rows if it.user_id == branch.clerk.id and it.role_id == branch.roles[role])


def test_a_place_that_is_over_does_not_protect(branch, allowed, seat_of):
    """Whoever was of the boss's rank last week is not today."""
    place = seat_of(branch.peer)
    allowed(branch.owner, give(branch.peer.id, branch.units["north_shop"], branch.roles["reader"]))
    allowed(branch.owner, change(place, valid_to="2026-03-01T00:00:00Z"))
    allowed(branch.boss, give(branch.peer.id, branch.units["north"], branch.roles["reader"]))


def test_a_batch_is_judged_as_its_acts_one_after_the_other(branch, allowed, refused):
    """What the first act makes, the second may use; and none of it is done when the last is refused."""

    def both(*roles):
        def act(work):
            [user] = records.create(work, [Create(User, name="New")])
            places = [
                Create(Membership, user_id=user.record_id, unit_id=branch.units["north"], role_id=branch.roles[role])
                for role in roles
            ]
            return records.create(work, places)

        return act

    allowed(branch.boss, both("reader", "clerk"))
    assert refused(branch.boss, both("reader", "wide")) == "delegable"


def test_the_reason_names_what_was_out_of_bounds(crm, branch):
    """In words that a manager understands."""
    from opencrm import PermissionDenied

    with pytest.raises(PermissionDenied) as caught, crm.work(branch.boss) as work:
        give(branch.clerk.id, branch.units["north"], branch.roles["wide"])(work)
    assert caught.value.action == "membership.create"
    assert caught.value.reason == (
        'rule "delegable": Wide holds deal.read (subtree), which as Boss in north you may not hand on'
    )


def test_what_may_not_be_read_is_not_told(crm, branch, allowed):
    """Neither the names of units nor what a role grants."""
    from opencrm import FieldRule, PermissionDenied, Role

    rules = [FieldRule("role", "grants", read=False, write=False), FieldRule("role", "name", read=False, write=False)]
    with crm.read(branch.owner) as reader:
        grants = reader.get(Role, branch.roles["boss"]).grants
    fewer = [it for it in grants if it["entity"] != "role" or it["action"] == "read"]
    about = {"field_rules": rules, "grants": fewer}
    allowed(branch.owner, lambda work: records.update(work, [Update(Role, branch.roles["boss"], **about)]))
    with pytest.raises(PermissionDenied) as caught, crm.work(branch.boss) as work:
        give(branch.clerk.id, branch.units["north"], branch.roles["wide"])(work)
    assert caught.value.reason == (
        'rule "delegable": the role holds something, which in your role in north you may not hand on'
    )


def test_a_hidden_field_is_no_field(branch, allowed, crm):
    """A role that may not read `is_head` does not learn that there is one."""
    from opencrm import FieldRule, Role

    rules = [FieldRule("membership", "is_head", read=False, write=False)]
    allowed(branch.owner, lambda work: records.update(work, [Update(Role, branch.roles["boss"], field_rules=rules)]))
    with pytest.raises(InputError), crm.work(branch.boss) as work:
        give(branch.clerk.id, branch.units["north"], branch.roles["reader"], is_head=True)(work)
