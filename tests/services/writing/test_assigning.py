"""Giving records an owner and a unit."""

from __future__ import annotations

import pytest

from opencrm import (
    Assign,
    Create,
    Deal,
    InputError,
    Kind,
    NotFound,
    PermissionDenied,
    Product,
    Update,
    User,
    assigning,
    records,
)
from opencrm.testing import make_deal, make_product


def assign(crm, by, deal, **to):
    with crm.work(by) as work:
        [entry] = assigning.assign(work, [Assign(Deal, deal.id, **to)])
        return entry


def test_a_record_goes_to_its_new_owners_unit(crm, firm):
    """Without a unit the record goes where its owner sits."""
    deal = make_deal(crm, by=firm.seller)
    entry = assign(crm, firm.head, deal, owner=firm.fitter.id)
    assert entry.kind is Kind.ASSIGNED
    assert dict(entry.after) == {"owner_id": firm.fitter.id, "unit_id": firm.units["north_field"]}


def test_owner_and_unit_may_differ(crm, firm):
    """A named unit is taken as it is."""
    deal = make_deal(crm)
    assign(crm, firm.owner, deal, owner=firm.seller.id, unit=firm.units["south"])
    with crm.read(firm.seller) as reader:
        assert reader.get(Deal, deal.id).unit_id == firm.units["south"]


def test_a_unit_alone_keeps_the_owner(crm, firm):
    """Only what is named changes."""
    deal = make_deal(crm, by=firm.seller)
    assign(crm, firm.head, deal, unit=firm.units["north"])
    with crm.read(firm.head) as reader:
        now = reader.get(Deal, deal.id)
    assert (now.owner_id, now.unit_id) == (firm.seller.id, firm.units["north"])


def test_records_are_assigned_within_reach_only(crm, firm):
    """The head of the north hands nothing to the south."""
    deal = make_deal(crm, by=firm.seller)
    with pytest.raises(PermissionDenied):
        assign(crm, firm.head, deal, owner=firm.stranger.id)
    with pytest.raises(PermissionDenied):
        assign(crm, firm.head, deal, unit=firm.units["south"])


def test_what_one_cannot_assign_one_may_still_see(crm, firm):
    """The viewer reads the deal and is refused; the stranger finds none."""
    deal = make_deal(crm, by=firm.seller)
    with pytest.raises(PermissionDenied):
        assign(crm, firm.viewer, deal, owner=firm.fitter.id)
    with pytest.raises(NotFound):
        assign(crm, firm.stranger, deal, owner=firm.stranger.id)


def test_nobody_inactive_is_given_records(crm, firm):
    """A disabled user is no owner, and neither is one that does not exist."""
    deal = make_deal(crm)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(User, firm.seller.id, active=False)])
    for user in (firm.seller.id, "0190a000-0000-7000-8000-000000000000"):
        with pytest.raises(InputError) as refused:
            assign(crm, firm.owner, deal, owner=user)
        assert list(refused.value.fields) == ["owner_id"]


@pytest.mark.parametrize("to", [{}, {"owner": "x"}, {"unit": "x"}, {"unit": "0190a000-0000-7000-8000-000000000000"}])
def test_something_sensible_must_be_named(crm, firm, to):
    """Nothing, nonsense and a unit that is not there are bad input."""
    deal = make_deal(crm)
    with pytest.raises(InputError):
        assign(crm, firm.owner, deal, **to)


def test_an_id_in_capitals_is_the_same_id(crm, firm):
    """UUIDs are written in either case."""
    deal = make_deal(crm)
    entry = assign(crm, firm.owner, deal, owner=firm.seller.id.upper())
    assert entry.after["owner_id"] == firm.seller.id


def test_assigning_what_is_so_already_writes_nothing(crm, firm, sizes):
    """No journal line tells of nothing."""
    deal = make_deal(crm, by=firm.seller)
    before = sizes()
    assert dict(assign(crm, firm.head, deal, owner=firm.seller.id).after) == {}
    assert sizes() == before


def test_a_product_is_nobodys(crm, firm):
    """Only entities with an owner are assigned."""
    product = make_product(crm)
    with crm.work(firm.owner) as work, pytest.raises(InputError):
        assigning.assign(work, [Assign(Product, product.id, owner=firm.seller.id)])


def test_many_are_assigned_as_one(crm, firm):
    """A whole client base changes hands in one act."""
    deals = [make_deal(crm, by=firm.seller) for _ in range(5)]
    with crm.work(firm.head) as work:
        entries = assigning.assign(work, [Assign(Deal, deal.id, owner=firm.fitter.id) for deal in deals])
    assert [entry.record_id for entry in entries] == [deal.id for deal in deals]
    assert len({entry.act for entry in entries}) == 1


def test_a_unit_out_of_reach_is_refused(crm, firm):
    """A seller puts a deal into their own unit only: at creation and afterwards, alone and with an owner."""
    deal = make_deal(crm, by=firm.seller)
    for act in (
        lambda work: records.create(work, [Create(Deal, title="x", unit_id=firm.units["south"])]),
        lambda work: assigning.assign(work, [Assign(Deal, deal.id, unit=firm.units["south"])]),
        lambda work: assigning.assign(work, [Assign(Deal, deal.id, owner=firm.seller.id, unit=firm.units["HQ"])]),
    ):
        with crm.work(firm.seller) as work, pytest.raises(PermissionDenied):
            act(work)
    with crm.work(firm.head) as work:
        assigning.assign(work, [Assign(Deal, deal.id, unit=firm.units["north_field"])])
