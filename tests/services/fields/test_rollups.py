"""Fields that are computed from the records that refer to a record."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from opencrm import (
    Activity,
    AddedField,
    Amount,
    Changed,
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

CALLS = {"over": "activity", "by": "contact_id", "measure": "count"}
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
        for measure in ("sum", "least", "greatest"):
            spent = Rollup(over="activity", by="contact_id", measure=measure, of="minutes")
            yield AddedField(entity="contact", name=f"visits_{measure}", type=Whole(), rollup=spent)
        yield AddedField(entity="activity", name="visits_steps", type=Whole())


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
        ("money", {"over": "activity", "by": "contact_id", "measure": "sum", "of": "minutes"}),
        ("text", {"over": "activity", "by": "contact_id", "measure": "sum", "of": "minutes"}),
        ("number", {"over": ["deal"], "by": "contact_id", "measure": "count"}),
        ("date", {"over": "deal", "by": "contact_id", "measure": "least", "of": "created_at"}),
        ("number", {"over": "deal", "by": "contact_id", "measure": "interval"}),
        ("number", {"over": "deal", "by": "contact_id", "measure": "interval", "of": "amount"}),
        ("date", {"over": "deal", "by": "contact_id", "measure": "interval", "of": "expected_close"}),
        ("money", {"over": "deal", "by": "contact_id", "measure": "interval", "of": "expected_close"}),
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


@pytest.mark.parametrize("name", ["required", "searchable"])
def test_nobody_fills_it_in_and_search_does_not_follow_it(crm, firm, define, name):
    """So it is neither required nor searchable."""
    with pytest.raises(InputError) as refused:
        define("contact", "calls", "number", rollup=CALLS, **{name: True})
    assert set(refused.value.fields) == {name}
    with pytest.raises(ValueError, match="neither required nor searchable"):
        AddedField(entity="contact", name="visits_x", type=Whole(), rollup=Rollup(**CALLS), **{name: True})


@pytest.mark.parametrize("field", ["calls", "won", "won_currency", "visits_number"])
def test_it_has_no_changes_to_ask_for(crm, firm, define, field):
    """The journal does not tell of them; nor of those of the currency beside an amount."""
    define("contact", "calls", "number", rollup=CALLS)
    define("contact", "budget", "money")
    of = {"over": "deal", "by": "contact_id", "measure": "sum", "of": "amount"}
    define("contact", "won", "money", rollup=of)
    with crm.read(firm.owner) as reader:
        with pytest.raises(InputError, match="cannot be asked for changed"):
            reader.list(Query(Contact, where=Changed(field, "-1d")))
        for other in ("budget", "budget_currency"):
            assert list(reader.list(Query(Contact, where=Changed(other, "-1d")))) == []


def test_whole_numbers_are_added_averaged_and_compared(crm, firm, define):
    """As whole numbers where a plugin wants them, and else as numbers."""
    measures = ("sum", "average", "least", "greatest")
    for measure in measures:
        define("contact", f"m_{measure}", "number", rollup=CALLS | {"measure": measure, "of": "minutes"})
    one = make_contact(crm)
    for minutes in (10, 15, 15, None):
        make_activity(crm, contact_id=one.id, minutes=minutes)
    with crm.read(firm.owner) as reader:
        contact = reader.get(Contact, one.id)
        found = [contact[f"m_{measure}"] for measure in measures]
        whole = [contact[f"visits_{measure}"] for measure in ("sum", "least", "greatest")]
    assert found == [Decimal("40.00"), Decimal("13.3333"), Decimal("10.00"), Decimal("15.00")]
    assert whole == [40, 10, 15]
    assert {type(it) for it in whole} == {int}


def test_a_whole_number_that_is_too_large_for_a_number_is_none(crm, firm, define):
    """On both databases alike; the record is stored all the same."""
    of = {"over": "activity", "by": "contact_id", "of": "visits_steps"}
    for measure in ("sum", "average", "greatest"):
        define("contact", f"s_{measure}", "number", rollup=of | {"measure": measure}, sensitive="plugin")
    one = make_contact(crm)
    make_activity(crm, contact_id=one.id, visits_steps=9 * 10**18)
    with crm.read(firm.owner) as reader:
        contact = reader.get(Contact, one.id)
    assert {contact[f"s_{measure}"] for measure in ("sum", "average", "greatest")} == {None}


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


@pytest.mark.parametrize(
    "given, why",
    [
        ({"measure": "median"}, "measure must be one of"),
        ({"measure": "count", "of": "amount"}, "a count has none"),
        ({"measure": "sum"}, "a count has none"),
        ({"measure": "sum", "of": 3}, "must be names"),
    ],
)
def test_a_declaration_of_another_form_is_refused_at_once(given, why):
    """Where it is written, not when somebody writes."""
    with pytest.raises(ValueError, match=why):
        Rollup(over="deal", by="contact_id", **given)


class Mistaken:
    """A plugin whose author mistyped a field."""

    name = "mistaken"

    @hookimpl
    def opencrm_register_fields(self):
        mistyped = Rollup(over="deal", by="contact_id", measure="sum", of="amuont")
        yield AddedField(entity="contact", name="mistaken_won", type=Amount(), rollup=mistyped)
        yield AddedField(entity="contact", name="mistaken_calls", type=Whole(), rollup=Rollup(**CALLS))


class TestMistaken:
    """A plugin's roll-up that can never be kept."""

    @pytest.fixture
    def crm_plugins(self):
        return [Mistaken()]

    def test_it_is_told_of(self, crm, firm):
        """By name and with the reason; the workspace runs all the same, and the others are kept."""
        [told] = crm.problems().values()
        assert list(crm.problems()) == ["mistaken"]
        assert "contact.mistaken_won" in told
        assert "deal has no field 'amuont'" in told
        one = make_contact(crm)
        make_deal(crm, contact_id=one.id, amount="5")
        make_activity(crm, contact_id=one.id)
        with crm.read(firm.owner) as reader:
            contact = reader.get(Contact, one.id)
        assert (contact.mistaken_won, contact.mistaken_calls) == (None, 1)


def test_what_a_workspace_lacks_without_a_plugin_is_no_problem(crm, firm, define):
    """An owner switched it off."""
    crm.enable(firm.owner, "attribution")
    where = {"not": {"field": "attribution_source", "op": "empty"}}
    count = {"over": "deal", "by": "contact_id", "measure": "count", "where": where}
    define("contact", "ads", "number", rollup=count, sensitive="plugin")
    crm.disable(firm.owner, "attribution")
    assert crm.problems() == {}
