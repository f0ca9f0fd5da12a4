"""Customers: whatever their roles grant, they reach what is linked to their contact."""

from __future__ import annotations

import pytest

from opencrm import (
    Contact,
    ContactPoint,
    Create,
    Customer,
    Deal,
    Grant,
    Membership,
    PermissionDenied,
    Principal,
    Query,
    Role,
    Scope,
    User,
    records,
)
from opencrm.embed import grant_rows
from opencrm.testing import make_contact, make_deal, make_product


@pytest.fixture
def contact(crm, firm):
    """A client of the seller."""
    return make_contact(crm, by=firm.seller, points=[{"kind": "email", "value": "carla@example.com"}])


@pytest.fixture
def customer(crm, firm, contact):
    """That client, who signs in with a role that grants far too much."""
    grants = [Grant(entity, "read", Scope.ALL) for entity in ("contact", "deal", "task", "product", "user", "unit")]
    grants += [Grant("deal", "create", Scope.ALL), Grant("user", "update", Scope.ALL)]
    with crm.work(firm.owner) as work:
        [role] = records.create(work, [Create(Role, key="portal", name="Portal", grants=grant_rows(grants))])
        [user] = records.create(work, [Create(User, name="Carla Client")])
        place = {"unit_id": firm.units["HQ"], "role_id": role.record_id}
        records.create(work, [Create(Membership, user_id=user.record_id, **place)])
        records.create(work, [Create(Customer, user_id=user.record_id, contact_id=contact.id)])
        return Principal.user(user.record_id)


def seen(crm, principal, entity, field):
    with crm.read(principal) as reader:
        return sorted(row[field] for row in reader.list(Query(entity)))


def test_they_see_themselves_and_what_is_theirs(crm, firm, contact, customer):
    """Their contact with its parts, and what refers to it."""
    make_contact(crm, name="Somebody else")
    make_deal(crm, by=firm.seller, title="theirs", contact_id=contact.id)
    make_deal(crm, by=firm.seller, title="another's")
    assert seen(crm, customer, Contact, "name") == ["Carla Client"]
    assert seen(crm, customer, ContactPoint, "value") == ["carla@example.com"]
    assert seen(crm, customer, Deal, "title") == ["theirs"]


def test_what_belongs_to_nobody_is_as_granted(crm, customer):
    """The catalogue is not anybody's own."""
    make_product(crm, name="Window 60 x 90")
    assert seen(crm, customer, crm.catalogue.entities["product"].cls, "name") == ["Window 60 x 90"]


def test_of_the_organisation_they_see_themselves(crm, customer):
    """No unit, and no other person."""
    assert seen(crm, customer, User, "name") == ["Carla Client"]
    assert seen(crm, customer, crm.catalogue.entities["unit"].cls, "name") == []


def test_they_make_what_is_linked_to_them(crm, firm, contact, customer):
    """And nothing else."""
    with crm.work(customer) as work:
        records.create(work, [Create(Deal, title="A wish", contact_id=contact.id)])
    with crm.work(customer) as work, pytest.raises(PermissionDenied):
        records.create(work, [Create(Deal, title="A wish of nobody")])
    assert seen(crm, customer, Deal, "title") == ["A wish"]
