"""A place that somebody had may be theirs again: the same person, unit and role once at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opencrm import Create, Delete, Duplicate, InputError, Membership, Restore, Role, Update, User, records
from opencrm.testing import MONDAY, make_record

DAY = timedelta(days=1)


@pytest.fixture
def sit(crm, firm):
    """`sit(start, end)`: give the viewer's role in the north to one person, from day to day; the membership's id."""
    user = make_record(crm, User, name="Guest")

    def give(start=None, end=None, **more):
        times = [None if days is None else MONDAY + days * DAY for days in (start, end)]
        at = dict(zip(("valid_from", "valid_to"), times, strict=True))
        about = {"user_id": user.id, "unit_id": firm.units["north"], "role_id": firm.roles["firm_viewer"]}
        return make_record(crm, Membership, **{**about, **at, **more}).id

    return give


def test_somebody_comes_back_to_a_place_that_they_had(crm, firm, sit):
    """At the very instant at which they left, or later; while they are away, and before they came."""
    sit(-30, -20)
    sit(-20, -10)
    sit(5, 9)
    sit(9)
    sit(None, -30)


@pytest.mark.parametrize("start, end", [(None, None), (-5, 5), (None, -9), (9, None), (-10, 10), (0, 1)])
def test_two_at_the_same_time_are_refused(crm, firm, sit, start, end):
    """For however short a time; the refusal names the fields, and no record."""
    there = sit(-10, 10)
    with pytest.raises(Duplicate) as refused:
        sit(start, end)
    assert refused.value.details == {"fields": ["user_id", "unit_id", "role_id"]}
    assert there not in str(refused.value)


def test_one_that_never_ends_leaves_no_room(crm, firm, sit):
    """Nor is one deleted in the way of another."""
    first = sit()
    with pytest.raises(Duplicate):
        sit(5, 9)
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Membership, first)])
    sit(5, 9)
    with crm.work(firm.owner) as work, pytest.raises(Duplicate), work.savepoint():
        records.restore(work, [Restore(Membership, first)])


@pytest.mark.parametrize("more", [{"valid_to": MONDAY + 2 * DAY}, {"valid_from": None, "valid_to": None}])
def test_a_change_may_not_make_two_of_one(crm, firm, sit, more):
    """A longer time, or another unit."""
    sit(1, 2)
    late = sit(3, 4)
    other = sit(1, 4, unit_id=firm.units["south"])
    with crm.work(firm.owner) as work:
        for change in ({"valid_from": MONDAY, **more}, {"valid_from": MONDAY + DAY}):
            with pytest.raises(Duplicate), work.savepoint():
                records.update(work, [Update(Membership, late, values=change)])
        with pytest.raises(Duplicate), work.savepoint():
            records.update(work, [Update(Membership, other, unit_id=firm.units["north"])])
        records.update(work, [Update(Membership, late, valid_from=MONDAY + 2 * DAY)])


def test_a_batch_is_judged_by_how_it_leaves_them(crm, firm, sit):
    """Two of one batch are in each other's way, and one that ends in it is not."""
    first = sit()
    late = sit(1, unit_id=firm.units["south"])
    with crm.work(firm.owner) as work:
        records.update(
            work,
            [
                Update(Membership, late, unit_id=firm.units["north"]),
                Update(Membership, first, valid_to=MONDAY + DAY),
            ],
        )
    user = make_record(crm, User, name="Twice")
    about = {"user_id": user.id, "unit_id": firm.units["north"], "role_id": firm.roles["firm_viewer"]}
    with crm.work(firm.owner) as work, pytest.raises(Duplicate), work.savepoint():
        records.create(work, [Create(Membership, values=about), Create(Membership, values=about)])


def test_whoever_makes_them_reads_what_tells_two_apart(crm, firm):
    """Else a refusal would tell of a hidden time: such a role is refused as it is written."""
    given = [{"entity": "membership", "action": act, "scope": "all"} for act in ("read", "create")]
    rule = {"entity": "membership", "field": "valid_to", "read": False, "write": False}
    about = {"key": "blind", "name": "Blind", "grants": given, "field_rules": [rule]}
    with pytest.raises(InputError, match="the uniqueness of grant 2 looks at it"):
        make_record(crm, Role, **about)
