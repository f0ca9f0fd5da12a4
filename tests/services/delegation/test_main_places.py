"""The main place of a person, and their head."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opencrm import Create, Membership, Query, Update, User, organisation, records
from opencrm.testing import MONDAY, make_record


@pytest.fixture
def mains(crm, firm):
    """`mains(user)`: the units of the memberships that say they are somebody's main place."""

    def find(user):
        with crm.read(firm.owner) as reader:
            rows = reader.list(Query(Membership, limit=200))
        names = {id: name for name, id in firm.units.items()}
        return sorted(names[row.unit_id] for row in rows if row.user_id == user and row.is_primary)

    return find


def seat(firm, unit, **more):
    return {"unit_id": firm.units[unit], "role_id": firm.roles["firm_viewer"], **more}


def test_the_first_place_is_the_main_one(crm, firm, mains):
    """Of several that are given together, too; a further one is not, unless it says so."""
    user = make_record(crm, User, name="New", memberships=[seat(firm, "north"), seat(firm, "south")])
    make_record(crm, Membership, user_id=user.id, **seat(firm, "HQ"))
    assert mains(user.id) == ["north"]


def test_a_new_main_place_takes_it_from_the_others(crm, firm, mains):
    """In the same act, made or changed."""
    user = make_record(crm, User, name="New", memberships=[seat(firm, "north")])
    other = make_record(crm, Membership, user_id=user.id, is_primary=True, **seat(firm, "south"))
    assert mains(user.id) == ["south"]
    [first] = _seats(crm, firm, user.id, "north")
    with crm.work(firm.owner) as work:
        [line] = records.update(work, [Update(Membership, first.id, is_primary=True)])
    assert mains(user.id) == ["north"]
    with crm.read(firm.owner) as reader:
        assert reader.history(Membership, other.id)[-1].act == line.act


def test_of_two_in_one_batch_the_last_one_is(crm, firm, mains):
    """Whoever says it twice means the last."""
    places = [seat(firm, unit, is_primary=True) for unit in ("north", "south")]
    user = make_record(crm, User, name="New", memberships=places)
    assert mains(user.id) == ["south"]


def test_places_at_other_times_keep_it(crm, firm, mains):
    """At every instant there is one: before and after a move from branch to branch."""
    day = MONDAY + timedelta(days=7)
    user = make_record(crm, User, name="New", memberships=[seat(firm, "north", valid_to=day)])
    make_record(crm, Membership, user_id=user.id, is_primary=True, **seat(firm, "south", valid_from=day))
    assert mains(user.id) == ["north", "south"]


def _seats(crm, firm, user, unit):
    with crm.read(firm.owner) as reader:
        rows = reader.list(Query(Membership, limit=200))
    return [row for row in rows if row.user_id == user and row.unit_id == firm.units[unit]]


def test_a_main_place_is_not_taken_from_another_branch(crm, branch, allowed, refused):
    """It would move the person's home; beside it there may be a further place."""
    about = {"user_id": branch.other.id, "unit_id": branch.units["north"], "role_id": branch.roles["reader"]}
    give = lambda **more: lambda work: records.create(work, [Create(Membership, values={**about, **more})])  # noqa: E731
    assert refused(branch.boss, give(is_primary=True)) == "reach"
    allowed(branch.boss, give())


def head(crm, firm, user):
    with crm.read(firm.owner) as reader:
        return organisation.head_of(reader, user)


def make_head(crm, firm, user, unit, **more):
    return make_record(crm, Membership, user_id=user, is_head=True, **seat(firm, unit, **more))


def test_the_head_is_that_of_the_nearest_unit(crm, firm):
    """Going up from the main place."""
    assert head(crm, firm, firm.seller.id) == firm.head.id
    make_head(crm, firm, firm.lead.id, "north_shop")
    assert head(crm, firm, firm.seller.id) == firm.lead.id
    assert head(crm, firm, firm.fitter.id) == firm.head.id


def test_nobody_is_their_own_head(crm, firm):
    """The head of the north answers to the owner; the owner to nobody."""
    assert head(crm, firm, firm.head.id) == firm.owner.id
    assert head(crm, firm, firm.owner.id) is None


def test_a_head_who_is_not_there_is_passed_over(crm, firm):
    """Disabled, not yet there, or no longer: at the very instant."""
    make_head(crm, firm, firm.lead.id, "north_shop", valid_to=MONDAY + timedelta(hours=1))
    later = MONDAY + timedelta(hours=2)
    make_head(crm, firm, firm.viewer.id, "north_shop", valid_from=later)
    found = []
    for _ in range(3):
        found.append(head(crm, firm, firm.seller.id))
        crm.advance(timedelta(hours=1))
    assert found == [firm.lead.id, firm.head.id, firm.viewer.id]
    with crm.work(firm.owner) as work:
        organisation.disable(work, firm.viewer.id)
    assert head(crm, firm, firm.seller.id) == firm.head.id


def test_whoever_has_no_place_has_no_head(crm, firm):
    """Nor has somebody who is not there."""
    assert head(crm, firm, make_record(crm, User, name="Nobody").id) is None
    assert head(crm, firm, crm.workspace.ids.new()) is None
