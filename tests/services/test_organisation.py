"""Units, people, roles and memberships."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opencrm import (
    Create,
    Deal,
    Delete,
    DomainError,
    Duplicate,
    Equal,
    Grant,
    InputError,
    Membership,
    NotFound,
    PermissionDenied,
    Principal,
    Query,
    Restore,
    Role,
    Scope,
    Undo,
    Unit,
    Update,
    User,
    organisation,
    records,
    undoing,
)
from opencrm.embed import grant_rows
from opencrm.testing import MONDAY, make_deal, make_record


def seat_of(crm, firm, user):
    with crm.read(firm.owner) as reader:
        [seat] = [row for row in reader.list(Query(Membership)) if row.user_id == user.id]
    return seat


@pytest.fixture
def almighty(crm, firm):
    """The head, whose role was given every act on everything but everything at once."""
    grants = [Grant("*", action, Scope.ALL) for action in ("create", "read", "update", "delete", "restore", "assign")]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_head"], grants=grant_rows(grants))])
    return firm.head


@pytest.mark.parametrize("entity", [Unit, User, Role, Membership])
def test_who_may_hand_nothing_on_writes_no_organisation(crm, firm, almighty, entity):
    """Creating, changing, deleting, restoring and undoing, whatever is granted; only a user without a place is made."""
    with crm.read(firm.owner) as reader:
        one = next(row for row in reader.list(Query(entity)) if row.get("key") != "owner")
        [made] = reader.history(entity, one.id)[:1]
    fields = {
        Unit: {"name": "x"},
        User: {"name": "x", "memberships": [{"unit_id": firm.units["north"], "role_id": firm.roles["firm_lead"]}]},
        Role: {"key": "x", "name": "x"},
        Membership: {"user_id": firm.seller.id, "unit_id": firm.units["south"], "role_id": firm.roles["firm_lead"]},
    }[entity]
    change = {"is_head": True} if entity is Membership else {"name": "y"}
    acts = [
        lambda work: records.create(work, [Create(entity, values=fields)]),
        lambda work: records.update(work, [Update(entity, one.id, values=change)]),
        lambda work: records.delete(work, [Delete(entity, one.id)]),
        lambda work: undoing.undo(work, [Undo(entry=made.entry_id)]),
    ]
    for act in acts:
        with pytest.raises(PermissionDenied), crm.work(almighty) as work:
            act(work)


def test_a_deleted_role_without_a_home_is_restored_by_owners_only(crm, firm, almighty):
    """The last of the ways in."""
    role = make_record(crm, Role, key="x", name="x")
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Role, role.id)])
    with crm.work(almighty) as work, pytest.raises(PermissionDenied):
        records.restore(work, [Restore(Role, role.id)])
    with crm.work(firm.owner) as work:
        records.restore(work, [Restore(Role, role.id)])


def test_an_owner_always_remains(crm, firm):
    """No way leads to a workspace without an active owner."""
    seat = seat_of(crm, firm, firm.owner)
    acts = [
        lambda work: records.update(work, [Update(User, firm.owner.id, active=False)]),
        lambda work: organisation.disable(work, firm.owner.id),
        lambda work: records.delete(work, [Delete(Membership, seat.id)]),
        lambda work: records.update(work, [Update(Membership, seat.id, valid_to="2026-03-03T00:00:00Z")]),
        lambda work: records.update(work, [Update(Membership, seat.id, valid_from="2027-01-01T00:00:00Z")]),
        lambda work: records.update(work, [Update(Membership, seat.id, role_id=firm.roles["firm_lead"])]),
        lambda work: records.update(work, [Update(Role, seat.role_id, grants=[])]),
    ]
    for act in acts:
        with pytest.raises((DomainError, PermissionDenied)), crm.work(firm.owner) as work:
            act(work)
        with pytest.raises(DomainError) as refused, crm.work(Principal.system("take the last owner away")) as work:
            act(work)
        assert refused.value.details["rule"] == "last owner"
    assert crm.sole_owner() == firm.owner


def test_an_owner_may_go_when_another_stays(crm, firm):
    """The rule is about the last one only."""
    make_record(crm, Membership, user_id=firm.head.id, unit_id=firm.units["HQ"], role_id=firm.roles["owner"])
    with crm.work(firm.head) as work:
        organisation.disable(work, firm.owner.id)
    assert crm.sole_owner() == firm.head


def test_the_tree_has_no_circles(crm, firm):
    """A unit is no part of itself, not even through others, not even in one batch."""
    for parent in ("north", "north_shop"):
        with crm.work(firm.owner) as work, pytest.raises(InputError) as refused:
            records.update(work, [Update(Unit, firm.units["north"], parent_id=firm.units[parent])])
        assert list(refused.value.fields) == ["parent_id"]
    with pytest.raises(InputError), crm.work(firm.owner) as work:
        records.update(
            work,
            [
                Update(Unit, firm.units["north"], parent_id=firm.units["south_shop"]),
                Update(Unit, firm.units["south"], parent_id=firm.units["north_shop"]),
            ],
        )


def test_moving_a_unit_moves_what_its_head_sees(crm, firm):
    """The southern shop comes under the north, and its deals into the head's sight, at once."""
    make_deal(crm, by=firm.stranger)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Unit, firm.units["south_shop"], parent_id=firm.units["north"])])
    with crm.read(firm.head) as reader:
        assert len(reader.list(Query(Deal))) == 1


def test_what_is_still_needed_is_not_deleted(crm, firm):
    """A unit with people, a unit with units, a role and a user with seats stay."""
    for entity, id in (
        (Unit, firm.units["north_shop"]),
        (Unit, firm.units["south"]),
        (Role, firm.roles["firm_seller"]),
        (User, firm.seller.id),
    ):
        with pytest.raises(DomainError), crm.work(firm.owner) as work:
            records.delete(work, [Delete(entity, id)])


def test_a_membership_begins_and_ends_by_the_clock(crm, firm):
    """At its first instant it holds, at its last one it does not, and no job has to run."""
    make_deal(crm, by=firm.stranger)
    start, end = MONDAY + timedelta(hours=1), MONDAY + timedelta(hours=2)
    make_record(
        crm,
        Membership,
        user_id=firm.seller.id,
        unit_id=firm.units["south_shop"],
        role_id=firm.roles["firm_lead"],
        valid_from=start,
        valid_to=end,
    )

    def count():
        with crm.read(firm.seller) as reader:
            return reader.count(Deal)

    counts = [count()]
    for step in (timedelta(hours=1), timedelta(hours=1) - timedelta(microseconds=1), timedelta(microseconds=1)):
        crm.advance(step)
        counts.append(count())
    assert counts == [0, 1, 1, 0]


def test_a_narrowed_role_is_narrow_at_once(crm, firm):
    """The next read of anybody, in this process or another, goes by the new grants."""
    deal = make_deal(crm, by=firm.seller)
    with crm.read(firm.lead) as reader:
        assert reader.get(Deal, deal.id)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_lead"], grants=[])])
    with crm.read(firm.lead) as reader, pytest.raises(NotFound):
        reader.get(Deal, deal.id)


def test_another_process_notices_at_once(crm, firm, make_crm):
    """A second CRM over the same database, with its own memory, sees the change in its next block."""
    from opencrm import CRM
    from opencrm.testing.firm import WindowSales

    deal = make_deal(crm, by=firm.seller)
    other = CRM(engine=crm.database.engine, schema=crm.database.schema, plugins=[WindowSales()], clock=crm.clock)
    with other.read(firm.lead) as reader:
        assert reader.get(Deal, deal.id)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_lead"], grants=[])])
    with other.read(firm.lead) as reader, pytest.raises(NotFound):
        reader.get(Deal, deal.id)


@pytest.mark.parametrize(
    "wrong",
    [
        "text",
        [1],
        [{"entity": "deal"}],
        [{"entity": "deal", "action": "read", "scope": "galaxy"}],
        [{"entity": "deal", "action": "read", "scope": "own", "colour": "red"}],
        [{"entity": "deal", "action": "read", "scope": "own", "when": {"field": "x"}}],
        [{"entity": "deal", "action": 1, "scope": "own"}],
    ],
)
def test_grants_are_checked_when_they_are_written(crm, firm, wrong):
    """Nobody stores a role that cannot be used."""
    with crm.work(firm.owner) as work, pytest.raises(InputError) as refused:
        records.update(work, [Update(Role, firm.roles["firm_lead"], grants=wrong)])
    assert list(refused.value.fields) == ["grants"]


def test_a_grant_on_a_field_that_is_not_there_locks_nobody_out(crm, firm):
    """A condition over an unknown field is refused when it is written, not at everybody's next read."""
    wrong = [{"entity": "deal", "action": "read", "scope": "all", "when": {"field": "nonsense", "op": "empty"}}]
    with crm.work(firm.owner) as work, pytest.raises(InputError):
        records.update(work, [Update(Role, firm.roles["firm_lead"], grants=wrong)])
    with crm.read(firm.lead) as reader:
        reader.list(Query(Deal))


def test_a_person_is_added_with_a_seat(crm, firm):
    """`add_user` makes both, by names."""
    with crm.work(firm.owner) as work:
        id = organisation.add_user(work, "New Seller", email="New@Example.com", role="firm_seller", unit="south")
    principal = crm.principal("new@example.com")
    assert principal.id == id
    deal = make_deal(crm, by=principal)
    assert deal.unit_id == firm.units["south"]


def test_an_address_is_one_persons(crm, firm):
    """Two users cannot sign in by one e-mail, in whatever case it is written."""
    with pytest.raises(Duplicate), crm.work(firm.owner) as work:
        organisation.add_user(work, "Twin", email="SELLER@example.com", role="firm_seller", unit="south")


def test_people_are_found_by_address_id_and_name(crm, firm):
    """And not where the name is no single person's."""
    assert (
        crm.principal("seller@example.com") == crm.principal(firm.seller.id) == crm.principal("SELLER") == firm.seller
    )
    make_record(crm, User, name="Seller")
    for who in ("seller", "nobody@example.com", "x" * 36, "0190a000-0000-7000-8000-000000000000"):
        with pytest.raises(NotFound):
            crm.principal(who)


@pytest.mark.parametrize("field", ["grants", "delegable"])
@pytest.mark.parametrize(
    "grant, told",
    [
        (Grant("dragon", "read", Scope.ALL), "no entity 'dragon'"),
        (Grant("deal", "tame", Scope.ALL), "no action 'tame'"),
        (Grant("deal", "read", Scope.ALL, when=Equal("colour", "red")), "colour"),
    ],
)
def test_grants_about_what_is_not_there_are_refused(crm, firm, field, grant, told):
    """Those that a role has, and those that its holders may pass on."""
    with crm.work(firm.owner) as work, pytest.raises(InputError, match=told) as caught:
        records.create(work, [Create(Role, values={"key": "x", "name": "x", field: grant_rows([grant])})])
    assert list(caught.value.fields) == [field]


def test_an_unknown_role_or_plugin_is_told_with_those_there_are(crm, firm):
    """Ten at most, and of people none."""
    with crm.work(firm.owner) as work:
        with pytest.raises(NotFound, match=r"there is no role 'manager_9'; known are \w+(, \w+)+"):
            organisation.add_user(work, "Bea", email=None, role="manager_9", unit="HQ")
        with pytest.raises(NotFound, match=r"there is no user 'Bea'$"):
            organisation.find(work, User, "Bea")
        records.create(work, [Create(Unit, name=f"Shop {at:02}", parent_id=firm.units["north"]) for at in range(11)])
        with pytest.raises(NotFound, match=r"there is no unit 'Shop 99'; known are .* and others$"):
            organisation.find(work, Unit, "Shop 99")
    with pytest.raises(NotFound, match=r"there is no plugin 'documens'; known are .*documents"):
        crm.enable(firm.owner, "documens")
