"""What the standard roles may hand on, as it runs: who adds whom, where, and who edits which roles."""

from __future__ import annotations

import pytest

from opencrm import (
    Contact,
    Create,
    Deal,
    Delete,
    Membership,
    PermissionDenied,
    Query,
    Role,
    Unit,
    Update,
    User,
    organisation,
    records,
    transferring,
)
from opencrm.embed import role_definitions

KEYS = (
    "owner",
    "full_access",
    "advanced_access",
    "senior_manager",
    "manager_1",
    "manager_2",
    "store",
    "marketing",
    "support",
    "viewer",
)
GIVES = {
    "full_access": set(KEYS[2:]),
    "advanced_access": set(KEYS[3:]),
    "senior_manager": {"manager_1", "manager_2", "store", "viewer"},
    **{key: set() for key in KEYS[4:]},
}
"""Which roles each may give in their own branch."""


def add(crm, by, role, unit, name="New"):
    with crm.work(by) as work:
        return organisation.add_user(work, name, email=None, role=role, unit=unit)


def seated(crm, firm, role, unit="north"):
    add(crm, firm.owner, role, firm.units[unit], name=f"{role} of {unit}")
    return crm.principal(f"{role} of {unit}")


def role_of(crm, firm, key):
    with crm.read(firm.owner) as reader:
        return organisation.find(reader, Role, key)


@pytest.mark.parametrize("role", GIVES)
def test_who_adds_whom_to_their_branch(crm, firm, role):
    """Just those of lower rank whose grants are covered, and nobody elsewhere."""
    giver = seated(crm, firm, role)
    given = set()
    for key in KEYS:
        for unit in ("north", "north_shop"):
            try:
                add(crm, giver, key, firm.units[unit])
                given.add(key)
            except PermissionDenied:
                assert key not in given
        for unit in ("HQ", "south"):
            with pytest.raises(PermissionDenied):
                add(crm, giver, key, firm.units[unit])
    assert given == GIVES[role]


@pytest.mark.parametrize("role", ["full_access", "advanced_access", "senior_manager"])
def test_who_takes_people_out_of_their_branch(crm, firm, role):
    """Memberships of lower rank end, and their people are disabled; those of one's own rank stay."""
    giver, other = seated(crm, firm, role), seated(crm, firm, "senior_manager", "north_shop")
    lower = add(crm, firm.owner, "manager_2", firm.units["north_shop"], name="Lower")
    for user, allowed in ((lower, True), (other.id, role != "senior_manager")):
        for act in (disable, unseat):
            if allowed:
                act(crm, giver, user)
            else:
                with pytest.raises(PermissionDenied):
                    act(crm, giver, user)


def disable(crm, by, user):
    with crm.work(by) as work:
        records.update(work, [Update(User, user, active=False)])


def unseat(crm, by, user):
    with crm.work(by) as work:
        seats = [it.id for it in work.stream(Query(Membership)) if it["user_id"] == user]
        records.delete(work, [Delete(Membership, id) for id in seats])


@pytest.mark.parametrize("role", GIVES)
def test_who_makes_units(crm, firm, role):
    """Full access does, below its own."""
    giver = seated(crm, firm, role)

    def make(parent):
        with crm.work(giver) as work:
            records.create(work, [Create(Unit, name="New", parent_id=firm.units[parent])])

    if role == "full_access":
        make("north")
    else:
        with pytest.raises(PermissionDenied):
            make("north")
    with pytest.raises(PermissionDenied):
        make("south")


@pytest.mark.parametrize("role", GIVES)
def test_who_copies_roles_into_their_branch(crm, firm, role):
    """The same who may give them; the copy may be narrowed, and not widened beyond what may be handed on."""
    giver = seated(crm, firm, role)
    copied = set()
    for key in KEYS:
        one = role_of(crm, firm, key)
        try:
            with crm.work(giver) as work:
                given = {"home_unit_id": firm.units["north"]}
                role_definitions.copy(work, one, key=f"{key}_2", given=given)
            copied.add(key)
        except PermissionDenied:
            pass
        with pytest.raises(PermissionDenied), crm.work(giver) as work:
            role_definitions.copy(work, one, key=f"{key}_3", given={"home_unit_id": firm.units["south"]})
    assert copied == GIVES[role]


def test_a_senior_manager_edits_no_role_of_the_company(crm, firm):
    """Even one that they may give: others hold it elsewhere."""
    senior = seated(crm, firm, "senior_manager")
    with pytest.raises(PermissionDenied), crm.work(senior) as work:
        records.update(work, [Update(Role, role_of(crm, firm, "manager_2"), name="Mine")])


def test_a_senior_manager_transfers_within_their_branch(crm, firm):
    """All that a leaver has there, to whom works there; not to another branch."""
    senior = seated(crm, firm, "senior_manager")
    one, other, far = (
        add(crm, firm.owner, "manager_2", firm.units[unit], name=name)
        for name, unit in (("One", "north_shop"), ("Other", "north_field"), ("Far", "south_shop"))
    )
    with crm.work(crm.principal("One")) as work:
        records.create(work, [Create(Contact, name="C"), Create(Deal, title="D")])

    def give(to):
        wish = transferring.Transfer(one, to=[to])
        return transferring.run(lambda: crm.read(senior), lambda: crm.work(senior), wish)

    with pytest.raises(PermissionDenied, match="out of reach are 2 of 2 records"):
        give(far)
    assert give(other).number == 2
