"""Publishing to a unit: who may, who sees it, and until when."""

from __future__ import annotations

import pytest

from opencrm import (
    Delete,
    Grant,
    InputError,
    Membership,
    NotFound,
    PermissionDenied,
    Query,
    Restore,
    Role,
    SavedView,
    Scope,
    Undo,
    Unit,
    Update,
    records,
    undoing,
    views,
)
from opencrm.embed import grant_rows
from opencrm.testing import make_record

EVERYBODY = ("owner", "head", "lead", "seller", "fitter", "stranger", "viewer")


def seers(crm, firm, view):
    """Return who may open a view: the list, the look and the opening agree."""
    found = set()
    for who in EVERYBODY:
        with crm.read(getattr(firm, who)) as reader:
            listed = [row.id for row in reader.list(Query(SavedView))]
            assert reader.count(SavedView) == len(listed)
            if view in listed:
                assert views.open(reader, view).entity.name == "deal"
                found.add(who)
            else:
                with pytest.raises(NotFound):
                    views.open(reader, view)
    return found


@pytest.mark.parametrize(
    "by, unit, more",
    [
        ("seller", None, set()),
        ("seller", "north_shop", {"lead"}),
        ("head", "north", {"lead", "seller", "fitter"}),
        ("head", "north_field", {"fitter"}),
        ("viewer", "HQ", {"head", "lead", "seller", "fitter", "stranger"}),
        ("owner", "south", {"stranger"}),
    ],
)
def test_a_unit_and_all_below_it_see_what_is_published_to_it(crm, firm, save, by, unit, more):
    """Beside whoever published it, and the workspace's owner."""
    view = save(getattr(firm, by), published_to_id=firm.units[unit] if unit else None)
    assert seers(crm, firm, view) == {by, "owner"} | more


@pytest.mark.parametrize(
    "by, unit, allowed",
    [
        ("owner", "HQ", True),
        ("head", "north", True),
        ("head", "north_shop", True),
        ("head", "HQ", False),
        ("head", "south_shop", False),
        ("lead", "north_shop", True),
        ("lead", "north", False),
        ("seller", "north_shop", True),
        ("seller", "north_field", False),
        ("seller", "HQ", False),
        ("viewer", "HQ", True),
        ("viewer", "north", False),
    ],
)
def test_one_publishes_within_reach(crm, firm, save, by, unit, allowed):
    """To one's own unit; below it as its head or with a grant to change what lies there; never above or beside."""
    principal = getattr(firm, by)
    view = save(principal)
    if allowed:
        save(principal, published_to_id=firm.units[unit])
        with crm.work(principal) as work:
            records.update(work, [Update(SavedView, view, published_to_id=firm.units[unit])])
        return
    with pytest.raises(PermissionDenied) as refused:
        save(principal, published_to_id=firm.units[unit])
    assert refused.value.action == "saved_view.publish"
    with pytest.raises(PermissionDenied), crm.work(principal) as work:
        records.update(work, [Update(SavedView, view, published_to_id=firm.units[unit])])


@pytest.mark.parametrize(
    "scope, reached", [(Scope.OWN, set()), (Scope.SUBTREE, {"north", "south"}), (Scope.ALL, {"north", "south"})]
)
def test_a_grant_to_change_widens_the_reach_for_that_entity_alone(crm, firm, save, scope, reached):
    """Reading everything does not."""
    grants = [Grant("*", "read", Scope.ALL), Grant("deal", "update", scope)]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_viewer"], grants=grant_rows(grants))])
    for unit in ("north", "south"):
        if unit in reached:
            save(firm.viewer, published_to_id=firm.units[unit])
        else:
            with pytest.raises(PermissionDenied):
                save(firm.viewer, published_to_id=firm.units[unit])
        with pytest.raises(PermissionDenied):
            save(firm.viewer, entity="contact", published_to_id=firm.units[unit])


def test_a_head_by_seat_reaches_below_without_any_grant(crm, firm, save):
    """The seat alone suffices."""
    with crm.work(firm.owner) as work:
        [seat] = [row for row in work.list(Query(Membership)) if row.user_id == firm.viewer.id]
        records.update(work, [Update(Membership, seat.id, is_head=True)])
    save(firm.viewer, published_to_id=firm.units["south_shop"])


def test_readers_of_a_published_view_do_not_change_it(crm, firm, save):
    """They get a reason, whatever their rank below the workspace's owners."""
    view = save(firm.seller, published_to_id=firm.units["north_shop"])
    with crm.work(firm.lead) as work:
        for act in (
            lambda: records.update(work, [Update(SavedView, view, name="x")]),
            lambda: records.delete(work, [Delete(SavedView, view)]),
        ):
            with pytest.raises(PermissionDenied):
                act()


def test_each_sees_their_own_records_through_a_shared_view(crm, firm, save, deals):
    """Three principals, three sets."""
    view = save(firm.viewer, published_to_id=firm.units["HQ"], sort="title", columns=["title"])
    seen = {}
    for who in ("seller", "head", "stranger"):
        with crm.read(getattr(firm, who)) as reader:
            seen[who] = [row.title for row in reader.list(views.open(reader, view))]
    assert seen == {
        "seller": ["seller big", "seller small"],
        "head": ["fitter big", "fitter small", "seller big", "seller small"],
        "stranger": ["stranger big", "stranger small"],
    }


def test_whoever_moves_away_withdraws_a_view_and_no_longer_changes_it(crm, firm, save):
    """Publishing is judged with each change."""
    view = save(firm.seller, published_to_id=firm.units["north_shop"])
    with crm.work(firm.owner) as work:
        [seat] = [row for row in work.list(Query(Membership)) if row.user_id == firm.seller.id]
        records.update(work, [Update(Membership, seat.id, unit_id=firm.units["north_field"])])
    with crm.work(firm.seller) as work:
        with pytest.raises(PermissionDenied):
            records.update(work, [Update(SavedView, view, sort="title")])
        records.update(work, [Update(SavedView, view, published_to_id=None)])
        records.update(work, [Update(SavedView, view, sort="title")])


def test_an_undo_does_not_publish_beyond_reach(crm, firm, save):
    """Taking back the withdrawal is publishing again."""
    view = save(firm.seller, published_to_id=firm.units["north_shop"])
    with crm.work(firm.seller) as work:
        [withdrawn] = records.update(work, [Update(SavedView, view, published_to_id=None)])
    with crm.work(firm.owner) as work:
        [seat] = [row for row in work.list(Query(Membership)) if row.user_id == firm.seller.id]
        records.update(work, [Update(Membership, seat.id, unit_id=firm.units["north_field"])])
    with crm.work(firm.seller) as work, pytest.raises(PermissionDenied):
        undoing.undo(work, [Undo(entry=withdrawn.entry_id)])


def test_a_unit_that_goes_publishes_nothing_until_it_comes_back(crm, firm, save):
    """The view stays its owner's, who may change it; the unit's return publishes it again."""
    unit = make_record(crm, Unit, name="popup", parent_id=firm.units["north_shop"]).id
    view = save(firm.owner, published_to_id=unit)
    mine, plain = save(firm.head, published_to_id=unit), save(firm.head)
    seat = make_record(
        crm, Membership, user_id=firm.fitter.id, unit_id=unit, role_id=firm.roles["firm_seller"], is_primary=False
    ).id
    assert seers(crm, firm, view) == {"owner", "fitter"}
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Membership, seat)])
        records.delete(work, [Delete(Unit, unit)])
    assert seers(crm, firm, view) == {"owner"}
    with crm.work(firm.head) as work:
        records.update(work, [Update(SavedView, mine, name="Renamed")])
        with pytest.raises(InputError):
            records.update(work, [Update(SavedView, plain, published_to_id=unit)])
    with crm.work(firm.owner) as work:
        records.restore(work, [Restore(Unit, unit)])
        records.restore(work, [Restore(Membership, seat)])
    assert seers(crm, firm, view) == {"owner", "fitter"}


def test_a_seat_that_ended_closes_what_its_unit_shows(crm, firm, save):
    """With the next transaction after `valid_to`."""
    view = save(firm.head, published_to_id=firm.units["north_shop"])
    with crm.work(firm.owner) as work:
        [seat] = [row for row in work.list(Query(Membership)) if row.user_id == firm.seller.id]
        records.update(work, [Update(Membership, seat.id, valid_to=crm.clock.now())])
    with crm.read(firm.seller) as reader, pytest.raises(NotFound):
        views.open(reader, view)


def test_a_deleted_view_is_gone_for_all_and_its_readers_do_not_restore_it(crm, firm, save):
    """It comes back with its publication."""
    view = save(firm.seller, published_to_id=firm.units["north_shop"])
    with crm.work(firm.seller) as work:
        records.delete(work, [Delete(SavedView, view)])
    assert seers(crm, firm, view) == set()
    with crm.work(firm.lead) as work, pytest.raises(PermissionDenied):
        records.restore(work, [Restore(SavedView, view)])
    with crm.work(firm.seller) as work:
        records.restore(work, [Restore(SavedView, view)])
    assert seers(crm, firm, view) == {"owner", "seller", "lead"}
