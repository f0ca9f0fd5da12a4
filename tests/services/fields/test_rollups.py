"""Fields that are computed from the records that refer to a record."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from opencrm import (
    Activity,
    AddedField,
    Contact,
    Create,
    Deal,
    Delete,
    Greater,
    InputError,
    Instant,
    Move,
    Query,
    Restore,
    Rollup,
    Undo,
    Update,
    Whole,
    hookimpl,
    pipelines,
    records,
    undoing,
)
from opencrm.testing import MONDAY, make_activity, make_contact, make_deal

WON = {"field": "stage", "op": "equal", "value": "won"}


class Visits:
    """A plugin that counts calls and knows the last one."""

    name = "visits"

    @hookimpl
    def opencrm_register_fields(self):
        count = Rollup(over="activity", by="contact_id", measure="count")
        last = Rollup(over="activity", by="contact_id", measure="greatest", of="happened_at")
        yield AddedField(entity="contact", name="visits_number", type=Whole(), rollup=count, indexed=True)
        yield AddedField(entity="contact", name="visits_last", type=Instant(), rollup=last)


@pytest.fixture
def crm_plugins():
    return [Visits()]


def seen(crm, firm, id):
    with crm.read(firm.owner) as reader:
        contact = reader.get(Contact, id)
        return contact.visits_number, contact.visits_last


def test_it_follows_whatever_happens_to_what_it_counts(crm, firm):
    """Creating, changing, re-pointing, deleting, restoring and undoing all leave it right."""
    one, other = make_contact(crm), make_contact(crm)
    late, early = MONDAY - timedelta(hours=1), MONDAY - timedelta(days=3)
    first = make_activity(crm, contact_id=one.id, happened_at=late)
    make_activity(crm, contact_id=one.id, happened_at=early)
    assert seen(crm, firm, one.id) == (2, late)
    with crm.work(firm.owner) as work:
        [moved] = records.update(work, [Update(Activity, first.id, contact_id=other.id)])
    assert (seen(crm, firm, one.id), seen(crm, firm, other.id)) == ((1, early), (1, late))
    with crm.work(firm.owner) as work:
        undoing.undo(work, [Undo(act=moved.act)])
    assert (seen(crm, firm, one.id), seen(crm, firm, other.id)[0]) == ((2, late), 0)
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Activity, first.id)])
    assert seen(crm, firm, one.id) == (1, early)
    with crm.work(firm.owner) as work:
        records.restore(work, [Restore(Activity, first.id)])
    assert seen(crm, firm, one.id) == (2, late)


def test_it_is_filtered_and_sorted_by(crm, firm):
    """As any other field."""
    rare, often, never = make_contact(crm), make_contact(crm), make_contact(crm)
    for contact, times in ((rare, 1), (often, 3)):
        for _ in range(times):
            make_activity(crm, contact_id=contact.id)
    with crm.read(firm.owner) as reader:
        assert [it.id for it in reader.list(Query(Contact, where=Greater("visits_number", 1)))] == [often.id]
        order = [it.id for it in reader.list(Query(Contact, sort="-visits_number"))]
    assert order == [often.id, rare.id, never.id]


def test_nobody_sets_it(crm, firm):
    """opencrm keeps it."""
    one = make_contact(crm)
    with crm.work(firm.owner) as work, pytest.raises(InputError, match="visits_number"):
        records.update(work, [Update(Contact, one.id, visits_number=7)])
    with pytest.raises(InputError, match="visits_number"):
        make_contact(crm, visits_number=7)


def test_a_thousand_at_once(crm, firm):
    """A batch is counted in a few statements, the same as one by one."""
    contacts = [make_contact(crm).id for _ in range(3)]
    with crm.work(firm.owner) as work:
        made = [Create(Activity, kind="call", subject="x", contact_id=contacts[at % 3]) for at in range(1000)]
        records.create(work, made)
    assert [seen(crm, firm, id)[0] for id in contacts] == [334, 333, 333]


def test_two_writers_at_once_are_both_counted(crm, firm):
    """Neither overwrites the other's count."""
    one, failures = make_contact(crm), []

    def call():
        try:
            for _ in range(10):
                make_activity(crm, contact_id=one.id)
        except Exception as error:  # noqa: BLE001  # the test tells of it
            failures.append(error)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []
    assert seen(crm, firm, one.id)[0] == 40


def test_a_workspace_defines_its_own(crm, firm, define):
    """Sums go by the workspace's currency, a condition chooses what is counted, and moves are followed."""
    define(
        "contact",
        "won",
        "money",
        rollup={"over": "deal", "by": "contact_id", "measure": "sum", "of": "amount", "where": WON},
    )
    define(
        "contact", "average", "money", rollup={"over": "deal", "by": "contact_id", "measure": "average", "of": "amount"}
    )
    define(
        "contact",
        "first_close",
        "date",
        rollup={"over": "deal", "by": "contact_id", "measure": "least", "of": "expected_close"},
    )
    one = make_contact(crm)
    deals = [
        make_deal(crm, contact_id=one.id, amount=amount, expected_close=day)
        for amount, day in (("10.55", "2026-05-01"), ("20", "2026-04-01"), ("5", None))
    ]
    make_deal(crm, contact_id=one.id, amount="1000", currency="USD")
    for stage in ("offer", "won"):
        with crm.work(firm.owner) as work:
            pipelines.move(work, [Move(Deal, deal.id, to=stage) for deal in deals[:2]])
    with crm.read(firm.owner) as reader:
        found = reader.get(Contact, one.id)
    assert (found.won, found.won_currency) == (Decimal("30.55"), "EUR")
    assert (found.average, found.first_close) == (Decimal("11.85"), date(2026, 4, 1))


def test_what_stood_before_is_counted_by_the_worker(crm, firm, define):
    """A roll-up that is defined later knows what happened before."""
    one = make_contact(crm)
    for _ in range(3):
        make_deal(crm, contact_id=one.id)
    define("contact", "deals", "number", rollup={"over": "deal", "by": "contact_id", "measure": "count"})
    crm.worker().run_once()
    with crm.read(firm.owner) as reader:
        assert reader.get(Contact, one.id).deals == 3


@pytest.mark.parametrize(
    "kind, rollup",
    [
        ("number", {"over": "deel", "by": "contact_id", "measure": "count"}),
        ("number", {"over": "deal", "by": "company_id", "measure": "count"}),
        ("number", {"over": "deal", "by": "contact_id", "measure": "median"}),
        ("number", {"over": "deal", "by": "contact_id", "measure": "count", "of": "amount"}),
        ("number", {"over": "deal", "by": "contact_id", "measure": "sum", "of": "amount"}),
        ("text", {"over": "deal", "by": "contact_id", "measure": "count"}),
        ("money", {"over": "deal", "by": "contact_id", "measure": "sum", "of": "title"}),
        ("date", {"over": "deal", "by": "contact_id", "measure": "least", "of": "created_at"}),
        ("number", {"over": "deal", "by": "contact_id", "measure": "count", "where": {"field": "x", "op": "empty"}}),
        ("number", {"over": "deal", "by": "contact_id", "measure": "count", "where": 3}),
        ("number", {"by": "contact_id", "measure": "count"}),
        ("number", []),
    ],
)
def test_one_that_cannot_be_kept_is_refused(crm, firm, define, kind, rollup):
    """The error names the definition's field and says why."""
    with pytest.raises(InputError) as refused:
        define("contact", "extra", kind, rollup=rollup)
    assert "rollup" in refused.value.fields


def test_one_that_tells_of_a_sensitive_field_is_sensitive_itself(crm, firm, define):
    """Whom no rule lets in does not learn of a field by way of its sum."""
    define("deal", "margin", "number", sensitive="finance")
    rollup = {"over": "deal", "by": "contact_id", "measure": "sum", "of": "margin"}
    with pytest.raises(InputError, match="tells of"):
        define("contact", "margins", "number", rollup=rollup)
    define("contact", "margins", "number", rollup=rollup, sensitive="finance")


def test_an_instant_is_kept_to_the_microsecond(crm, firm):
    """On both databases."""
    at = datetime.fromisoformat("2026-02-27T10:11:12.000345+00:00")
    one = make_contact(crm)
    make_activity(crm, contact_id=one.id, happened_at=at)
    assert seen(crm, firm, one.id)[1] == at
