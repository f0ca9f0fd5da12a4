"""A membership does not come back without what it is about."""

from __future__ import annotations

import pytest
from tests.services.delegation.test_memberships import give

from opencrm import Create, Delete, InputError, Membership, Restore, Role, Unit, User, records


def restore(entity, id):
    return lambda work: records.restore(work, [Restore(entity, id)])


def delete(entity, id):
    return lambda work: records.delete(work, [Delete(entity, id)])


@pytest.fixture
def gone(branch, allowed):
    """`gone(field)`: a deleted membership of which a part is deleted, and that part."""

    def take(name):
        parts = {"user_id": branch.clerk.id, "unit_id": branch.units["north"], "role_id": branch.roles["reader"]}
        entity, values = {
            "user_id": (User, {"name": "Gone"}),
            "unit_id": (Unit, {"name": "Gone", "parent_id": branch.units["north"]}),
            "role_id": (Role, {"key": "gone", "name": "Gone", "rank": 10}),
        }[name]
        [made] = allowed(branch.owner, lambda work: records.create(work, [Create(entity, values=values)]))
        parts[name] = made.record_id
        place = give(parts["user_id"], parts["unit_id"], parts["role_id"])
        [seat] = allowed(branch.owner, place)
        for kind, id in ((Membership, seat.record_id), (entity, made.record_id)):
            allowed(branch.owner, delete(kind, id))
        return seat.record_id, entity, made.record_id

    return take


@pytest.mark.parametrize("who", ["owner", "boss"])
@pytest.mark.parametrize("name", ["unit_id", "role_id"])
def test_the_part_that_is_gone_is_named(crm, branch, gone, name, who):
    """By the field, to owners too."""
    seat, _, _ = gone(name)
    person = branch.owner if name == "unit_id" else getattr(branch, who)
    with pytest.raises(InputError) as caught, crm.work(person) as work:
        restore(Membership, seat)(work)
    assert caught.value.fields == {name: ["is deleted: restore it first"]}


def test_a_user_who_is_gone_is_named(crm, branch, gone):
    """The same."""
    seat, _, _ = gone("user_id")
    with pytest.raises(InputError) as caught, crm.work(branch.owner) as work:
        restore(Membership, seat)(work)
    assert list(caught.value.fields) == ["user_id"]


def test_what_may_not_be_restored_at_all_is_refused_as_such(branch, gone, refused):
    """Whether its role is there or not."""
    seat, _, _ = gone("role_id")
    assert refused(branch.clerk, restore(Membership, seat)) == "reach"


@pytest.mark.parametrize("name", ["user_id", "unit_id", "role_id"])
def test_when_the_part_is_back_it_comes_back(branch, allowed, gone, name):
    """First the one, then the other."""
    seat, entity, id = gone(name)
    allowed(branch.owner, restore(entity, id))
    assert allowed(branch.owner, restore(Membership, seat))
