"""Whom a key or an id stands for, and until when."""

from __future__ import annotations

import pytest

from opencrm import (
    Deal,
    Delete,
    InputError,
    Membership,
    NotFound,
    NotSignedIn,
    PermissionDenied,
    Principal,
    Query,
    User,
    organisation,
    records,
)
from opencrm.embed import issue_token, principal_of
from opencrm.services.tokens import revoke
from opencrm.storage import tables
from opencrm.testing import make_deal


def issued(crm, by, user, **how):
    with crm.work(by) as work:
        return issue_token(work, user.id, **{"label": "laptop", **how})


def count(crm, principal):
    with crm.read(principal) as reader:
        return reader.count(Deal)


def test_a_key_acts_as_its_person(crm, firm):
    """With their rights, and under their name in the journal."""
    make_deal(crm, by=firm.stranger)
    key = principal_of(issued(crm, firm.seller, firm.seller))
    deal = make_deal(crm, by=key)
    assert (deal.owner_id, deal.created_by) == (firm.seller.id, f"user:{firm.seller.id}")
    assert count(crm, key) == 1


def test_only_a_digest_is_kept(crm, firm, rows):
    """The secret is in no row."""
    secret = issued(crm, firm.seller, firm.seller)
    assert secret.startswith("opencrm_")
    assert secret not in str(rows(tables.token))


def test_a_key_expires_by_the_clock(crm, firm):
    """At the end of its days it is of no use."""
    key = principal_of(issued(crm, firm.seller, firm.seller, days=1))
    crm.advance("23h")
    assert count(crm, key) == 0
    crm.advance("1h")
    with pytest.raises(NotSignedIn):
        count(crm, key)


def test_a_revoked_key_is_of_no_use(crm, firm):
    """All keys of a user end at once, and only theirs."""
    keys = [principal_of(issued(crm, firm.seller, firm.seller)) for _ in range(2)]
    other = principal_of(issued(crm, firm.head, firm.head))
    with crm.work(firm.owner) as work:
        assert revoke(work, firm.seller.id) == 2
    for key in keys:
        with pytest.raises(NotSignedIn):
            count(crm, key)
    assert count(crm, other) == 0


def test_a_disabled_person_cannot_sign_in(crm, firm):
    """Neither by id nor by key; their records stay."""
    deal = make_deal(crm, by=firm.seller)
    key = principal_of(issued(crm, firm.seller, firm.seller))
    with crm.work(firm.owner) as work:
        organisation.disable(work, firm.seller.id)
    for principal in (firm.seller, key):
        with pytest.raises(NotSignedIn):
            count(crm, principal)
    with crm.read(firm.owner) as reader:
        assert reader.get(Deal, deal.id).owner_id == firm.seller.id


def test_a_deleted_person_cannot_sign_in(crm, firm):
    """Taken away with their seat."""
    with crm.work(firm.owner) as work:
        seats = [row for row in work.list(Query(Membership)) if row.user_id == firm.seller.id]
        records.delete(work, [Delete(Membership, seat.id) for seat in seats])
        records.delete(work, [Delete(User, firm.seller.id)])
    with pytest.raises(NotSignedIn):
        count(crm, firm.seller)


@pytest.mark.parametrize(
    "principal",
    [
        Principal.user("0190a000-0000-7000-8000-000000000000"),
        Principal.user("nonsense"),
        Principal.user(""),
        Principal.token("0" * 64),
        Principal.token("nonsense"),
        Principal.automation("nobody"),
    ],
)
def test_nobody_gets_in(crm, principal):
    """Unknown people, keys and automations get one answer, before anything is read."""
    with pytest.raises(NotSignedIn), crm.read(principal):
        pass
    with pytest.raises(NotSignedIn), crm.work(principal):
        pass


def test_keys_are_made_by_owners_and_by_oneself(crm, firm):
    """Not by one's head, and not for a user that is not there."""
    assert issued(crm, firm.owner, firm.seller)
    with pytest.raises(PermissionDenied):
        issued(crm, firm.head, firm.seller)
    with pytest.raises(PermissionDenied), crm.work(firm.head) as work:
        revoke(work, firm.seller.id)
    with pytest.raises(NotFound):
        issued(crm, firm.owner, Principal.user("0190a000-0000-7000-8000-000000000000"))


@pytest.mark.parametrize(
    "how, field", [({"label": ""}, "label"), ({"label": "x" * 101}, "label"), ({"days": 0}, "days")]
)
def test_a_key_needs_a_label_and_a_sensible_end(crm, firm, how, field):
    """Bad input is named."""
    with pytest.raises(InputError) as refused:
        issued(crm, firm.seller, firm.seller, **how)
    assert list(refused.value.fields) == [field]


def test_a_disabled_user_gets_no_key(crm, firm, rows):
    """It would wait for the day on which they are let in again."""
    with crm.work(firm.owner) as work:
        organisation.disable(work, firm.seller.id)
    with pytest.raises(InputError) as refused:
        issued(crm, firm.owner, firm.seller)
    assert list(refused.value.fields) == ["user"]
    assert rows(tables.token) == []


@pytest.mark.parametrize("who, other", [("seller", "seller"), ("owner", "owner"), ("owner", "seller")])
def test_a_key_makes_no_keys(crm, firm, rows, who, other):
    """A lost key is ended by its end: nobody made a longer one of it, not even an owner's."""
    key = principal_of(issued(crm, getattr(firm, who), getattr(firm, who), days=1))
    with pytest.raises(PermissionDenied) as refused, crm.work(key) as work:
        issue_token(work, getattr(firm, other).id, label="longer")
    assert refused.value.action == "user.token"
    assert len(rows(tables.token)) == 1
