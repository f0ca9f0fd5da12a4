"""The tree: grown and moved within one's branch, and never so that somebody sees more than could be handed to them."""

from __future__ import annotations

import pytest

from opencrm import Create, Delete, InputError, Membership, Restore, Unit, Update, records


def make(branch, parent):
    above = None if parent is None else branch.units[parent]
    return lambda work: records.create(work, [Create(Unit, name="New", parent_id=above)])


def change(branch, unit, **values):
    return lambda work: records.update(work, [Update(Unit, branch.units[unit], values=values)])


def move(branch, unit, parent):
    return change(branch, unit, parent_id=branch.units[parent])


@pytest.mark.parametrize("parent", ["north", "north_shop"])
def test_units_are_made_below_ones_own(branch, allowed, parent):
    """Anywhere in the branch, taken away and brought back."""
    [made] = allowed(branch.boss, make(branch, parent))
    allowed(branch.boss, lambda work: records.delete(work, [Delete(Unit, made.record_id)]))
    allowed(branch.boss, lambda work: records.restore(work, [Restore(Unit, made.record_id)]))


@pytest.mark.parametrize("parent", [None, "HQ", "south", "south_shop"])
def test_units_are_not_made_elsewhere(branch, refused, parent):
    """Nor beside the branch, nor as a company of its own."""
    assert refused(branch.boss, make(branch, parent)) == "reach"


def test_units_are_renamed(branch, allowed, refused):
    """One's own, too; not another branch's."""
    allowed(branch.boss, change(branch, "north", name="Far north"))
    allowed(branch.boss, change(branch, "north_shop", name="Shop"))
    for unit in ("HQ", "south"):
        assert refused(branch.boss, change(branch, unit, name="Mine")) == "reach"


def test_units_are_moved_within_ones_branch(branch, allowed, refused):
    """From below one's unit to below one's unit."""
    [spare] = allowed(branch.boss, make(branch, "north"))
    allowed(branch.boss, change(branch, "north_field", parent_id=spare.record_id))
    allowed(branch.boss, move(branch, "north_field", "north"))
    assert refused(branch.boss, move(branch, "north_field", "south")) == "reach"
    assert refused(branch.boss, move(branch, "south_shop", "north")) == "reach"


def test_nobody_moves_or_takes_away_the_unit_that_they_act_from(branch, refused):
    """Its parent is out of reach; for the top of a tree within one's reach there is the rule itself."""
    assert refused(branch.boss, move(branch, "north", "south")) == "reach"
    assert refused(branch.boss, lambda work: records.delete(work, [Delete(Unit, branch.units["north"])])) == "target"


def test_nobody_comes_to_stand_above_units_who_could_not_be_given_what_they_may_do_there(branch, allowed, refused):
    """A seat above the moved unit sees what is in it: its role must be one that the mover may give."""
    [spare] = allowed(branch.boss, make(branch, "north"))
    below_spare = change(branch, "north_field", parent_id=spare.record_id)
    for role, rule in (("clerk", None), ("wide", "delegable"), ("equal", "rank")):
        seat = {"user_id": branch.other.id, "unit_id": spare.record_id, "role_id": branch.roles[role]}
        allowed(branch.owner, lambda work, seat=seat: records.create(work, [Create(Membership, values=seat)]))
        if rule is not None:
            assert refused(branch.boss, below_spare) == rule
        else:
            allowed(branch.boss, below_spare)
            allowed(branch.boss, move(branch, "north_field", "north"))
    allowed(branch.owner, below_spare)
    allowed(branch.boss, move(branch, "north_field", "north"))


def test_a_circle_is_refused_to_everybody(crm, branch):
    """With the field that makes it."""
    for who in (branch.owner, branch.top, branch.boss):
        with pytest.raises(InputError) as caught, crm.work(who) as work:
            move(branch, "north_field", "north_field")(work)
        assert list(caught.value.fields) == ["parent_id"]
