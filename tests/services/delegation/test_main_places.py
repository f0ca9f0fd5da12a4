"""The main place of a person, and their head."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opencrm import (
    Create,
    Delete,
    Membership,
    PermissionDenied,
    Principal,
    Query,
    Undo,
    Update,
    User,
    organisation,
    records,
    undoing,
)
from opencrm.testing import MONDAY, make_deal, make_record

DAY = timedelta(days=1)


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


@pytest.fixture
def main(crm, firm):
    """`main(user)`: the unit that counts as somebody's main place now; whoever asks for it gets the same."""
    names = {id: name for name, id in firm.units.items()}

    def find(user):
        with crm.read(Principal.user(user)) as reader:
            [home] = [seat.unit_id for seat in reader.rights.seats if seat.is_primary]
            assert reader.rights.home == home
        assert make_deal(crm, by=firm.owner, owner_id=user).unit_id == home
        return names[home]

    return find


def test_where_the_marked_place_is_over_the_first_counts(crm, firm, mains, main):
    """At the very instant, without anything having run; the mark stays with what is over."""
    user = make_record(crm, User, name="New", memberships=[seat(firm, "north", valid_to=MONDAY + DAY)])
    make_record(crm, Membership, user_id=user.id, **seat(firm, "south", is_head=False))
    make_record(crm, Membership, user_id=user.id, **seat(firm, "HQ"))
    make_head(crm, firm, firm.lead.id, "south")
    assert (main(user.id), head(crm, firm, user.id)) == ("north", firm.head.id)
    crm.advance(DAY)
    assert (main(user.id), head(crm, firm, user.id)) == ("south", firm.lead.id)
    assert mains(user.id) == ["north"]


def test_before_the_marked_place_begins_the_first_counts(crm, firm, main):
    """And the marked one from its first instant on."""
    user = make_record(crm, User, name="New", memberships=[seat(firm, "north", is_primary=False)])
    make_record(crm, Membership, user_id=user.id, is_primary=True, **seat(firm, "HQ", valid_from=MONDAY + DAY))
    make_record(crm, Membership, user_id=user.id, **seat(firm, "south"))
    assert main(user.id) == "north"
    crm.advance(DAY)
    assert main(user.id) == "HQ"


@pytest.mark.parametrize("how", ["deleted", "ended", "unmarked", "put off", "given to another"])
def test_a_main_place_that_is_taken_hands_its_mark_on(crm, firm, mains, main, how):
    """To the one that was made first of those that hold, in the same act; undone, everything is as it was."""
    user = make_record(crm, User, name="New", memberships=[seat(firm, "north")])
    make_record(crm, Membership, user_id=user.id, **seat(firm, "south", valid_to=MONDAY + DAY))
    make_record(crm, Membership, user_id=user.id, **seat(firm, "HQ"))
    make_record(crm, Membership, user_id=user.id, **seat(firm, "north_shop"))
    crm.advance(2 * DAY)
    [first] = _seats(crm, firm, user.id, "north")
    changes = {
        "ended": {"valid_to": MONDAY + 2 * DAY},
        "unmarked": {"is_primary": False},
        "put off": {"valid_from": MONDAY + 9 * DAY},
        "given to another": {"user_id": firm.viewer.id},
    }
    with crm.work(firm.owner) as work:
        if how == "deleted":
            records.delete(work, [Delete(Membership, first.id)])
        else:
            records.update(work, [Update(Membership, first.id, values=changes[how])])
        act = work.act
    assert main(user.id) == "HQ"
    marked = {"put off": ["north"], "ended": ["HQ", "north"]}  # Each keeps its own time for itself.
    assert mains(user.id) == marked.get(how, ["HQ"])
    if how != "given to another":  # There it took the mark of a third person's place, too.
        with crm.work(firm.owner) as work:
            undoing.undo(work, [Undo(act=act)])
        assert (mains(user.id), main(user.id)) == (["north"], "north")


def test_the_last_place_hands_nothing_on(crm, firm, mains, main):
    """And a place that is marked for later keeps its time for itself."""
    user = make_record(crm, User, name="New", memberships=[seat(firm, "north", valid_to=MONDAY + 5 * DAY)])
    with crm.work(firm.owner) as work:
        [first] = _seats(crm, firm, user.id, "north")
        records.update(work, [Update(Membership, first.id, is_primary=False)])
    assert (mains(user.id), main(user.id)) == ([], "north")
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Membership, first.id, is_primary=True)])
    make_record(crm, Membership, user_id=user.id, **seat(firm, "HQ"))
    late = {"valid_from": MONDAY + 5 * DAY, "is_primary": True}
    make_record(crm, Membership, user_id=user.id, **seat(firm, "south", **late))
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Membership, first.id)])
    assert (mains(user.id), main(user.id)) == (["south"], "HQ")
    crm.advance(6 * DAY)
    assert main(user.id) == "south"


def test_the_mark_is_handed_on_beyond_ones_reach(crm, branch, firm, mains, allowed):
    """Whoever takes a place need not reach the person's other ones: it counts as the main place anyhow."""
    place = {"user_id": branch.clerk.id, "unit_id": firm.units["south"], "role_id": branch.roles["reader"]}
    allowed(branch.owner, lambda work: records.create(work, [Create(Membership, values=place)]))
    [first] = _seats(crm, firm, branch.clerk.id, "north_shop")
    act = []

    def take(work):
        records.update(work, [Update(Membership, first.id, is_primary=False)])
        act.append(work.act)

    with pytest.raises(PermissionDenied), crm.work(branch.boss) as work:  # The person has a place in the south.
        records.update(work, [Update(User, branch.clerk.id, name="x")])
    allowed(branch.boss, take)
    assert mains(branch.clerk.id) == ["south"]
    allowed(branch.boss, lambda work: undoing.undo(work, [Undo(act=act[0])]))
    assert mains(branch.clerk.id) == ["north_shop"]


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
