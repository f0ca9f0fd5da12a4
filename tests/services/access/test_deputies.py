"""Deputies: somebody stands in for another person for a time, but for what is administrative."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opencrm import Create, Deal, InputError, NotFound, PermissionDenied, Query, Unit, Update, User, records
from opencrm.testing import MONDAY, make_contact, make_deal


@pytest.fixture
def deal(crm, firm):
    """A deal of the seller."""
    return make_deal(crm, by=firm.seller)


def test_a_deputy_does_what_the_other_may_do(firm, deal, stand_in, sees, change):
    """Reading and changing; the journal tells of both people."""
    stand_in(firm.seller, firm.stranger)
    assert sees(firm.stranger, deal)
    line = change(firm.stranger, deal, title="Doors")
    assert (line.principal, line.acting_as) == (f"user:{firm.stranger.id}", f"user:{firm.seller.id}")


def test_what_is_ones_own_is_done_in_ones_own_name(crm, firm, stand_in, change):
    """The journal names the other only where it takes them."""
    stand_in(firm.seller, firm.stranger)
    own = make_deal(crm, by=firm.stranger)
    assert change(firm.stranger, own, title="Doors").acting_as is None


def test_it_is_for_the_named_entities(crm, firm, deal, stand_in, sees):
    """And for no others."""
    contact = make_contact(crm, by=firm.seller)
    stand_in(firm.seller, firm.stranger, ["contact"])
    assert sees(firm.stranger, contact)
    assert not sees(firm.stranger, deal)


def test_it_is_over_in_time(crm, firm, deal, stand_in, sees):
    """Invariant 20: at `valid_to` it is gone, with nothing having to run."""
    stand_in(firm.seller, firm.stranger, days=1)
    crm.advance(timedelta(days=1) - timedelta(microseconds=1))
    assert sees(firm.stranger, deal)
    crm.advance(timedelta(microseconds=1))
    assert not sees(firm.stranger, deal)


def test_it_begins_in_time(crm, firm, deal, sees):
    """Before `valid_from` it gives nothing."""
    from opencrm import Deputy

    tomorrow = MONDAY + timedelta(days=1)
    given = {"of_id": firm.seller.id, "to_id": firm.stranger.id, "valid_from": tomorrow}
    with crm.work(firm.owner) as work:
        records.create(work, [Create(Deputy, values=given | {"valid_to": tomorrow + timedelta(days=1)})])
    assert not sees(firm.stranger, deal)
    crm.advance(timedelta(days=1))
    assert sees(firm.stranger, deal)


def test_an_owners_deputy_administers_nothing(crm, firm, stand_in, sees):
    """Records yes, the organisation no."""
    stand_in(firm.owner, firm.stranger)
    assert sees(firm.stranger, make_deal(crm, by=firm.lead))
    with crm.work(firm.stranger) as work, pytest.raises(PermissionDenied):
        records.create(work, [Create(Unit, name="Mine")])
    with crm.work(firm.stranger) as work, pytest.raises(PermissionDenied):
        records.update(work, [Update(User, firm.seller.id, active=False)])


def test_a_deputys_deputy_is_none(firm, deal, stand_in, sees):
    """Standing in is not handed on."""
    stand_in(firm.seller, firm.stranger)
    stand_in(firm.stranger, firm.fitter)
    assert sees(firm.stranger, deal)
    assert not sees(firm.fitter, deal)


def test_nothing_is_left_of_somebody_disabled(crm, firm, deal, stand_in, sees):
    """Who may do nothing any more has no deputy."""
    stand_in(firm.seller, firm.stranger)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(User, firm.seller.id, active=False)])
    assert not sees(firm.stranger, deal)


def test_what_the_other_makes_of_me_is_the_deputy_themselves(crm, firm, stand_in):
    """Whose list it is stays clear: `me` in a filter is the deputy."""
    make_deal(crm, by=firm.seller, title="of the seller")
    make_deal(crm, by=firm.stranger, title="of the deputy")
    stand_in(firm.seller, firm.stranger)
    from opencrm import condition

    with crm.read(firm.stranger) as reader:
        page = reader.list(Query(Deal, where=condition({"field": "owner_id", "op": "equal", "value": "me"})))
        assert [row.title for row in page] == ["of the deputy"]


@pytest.mark.parametrize(
    "wrong, field",
    [
        ({"to": "seller"}, "to_id"),
        ({"valid_to": MONDAY, "valid_from": MONDAY}, "valid_to"),
        ({"valid_to": None}, "valid_to"),
    ],
)
def test_what_is_no_deputyship_is_refused(crm, firm, wrong, field):
    """The field is named."""
    from opencrm import Deputy

    to = getattr(firm, wrong.get("to", "stranger"))
    given = {"of_id": firm.seller.id, "to_id": to.id, "valid_to": MONDAY + timedelta(days=1)}
    given |= {name: value for name, value in wrong.items() if name != "to"}
    with crm.work(firm.owner) as work, pytest.raises(InputError) as caught:
        records.create(work, [Create(Deputy, values=given)])
    assert field in caught.value.fields


def test_it_ends_with_a_line_of_its_own(crm, firm, deal, stand_in, sees):
    """A deputyship can be taken away before its time."""
    from opencrm import Delete, Deputy

    made = stand_in(firm.seller, firm.stranger)
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Deputy, made)])
    assert not sees(firm.stranger, deal)
    with crm.read(firm.stranger) as reader, pytest.raises(NotFound):
        reader.history(Deal, deal.id)
