"""What is sent becomes a contact and a deal, or goes to those that are there; of several at once, one makes them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.services.process.forms.conftest import ANN, Payment

from opencrm import (
    CRM,
    Activity,
    Contact,
    ContactPoint,
    Deal,
    Delete,
    InputError,
    InvalidMove,
    Merge,
    Move,
    NotFound,
    PermissionDenied,
    Principal,
    Task,
    merging,
    pipelines,
    records,
)
from opencrm.services.process.submitting.forms import Given
from opencrm.services.process.submitting.keeping import Submission, submissions
from opencrm.services.reading.rows import Record
from opencrm.testing import MONDAY, Firm, make_contact, make_deal

Send = Callable[..., Submission]
AllOf = Callable[..., list[Record]]


def test_a_request_makes_a_contact_a_deal_and_its_task(crm: CRM, firm: Firm, send: Send, all_of: AllOf) -> None:
    """All at once, in one transaction."""
    sent = send("request", **ANN, message="Three windows\nplease")
    [contact], [deal], [task], [note] = all_of(Contact), all_of(Deal), all_of(Task), all_of(Activity)
    assert (contact.id, deal.id) == (sent.contact_id, sent.record_id)
    assert (contact.name, deal.title, deal.stage, deal.shop_heat) == (
        "Ann Baker",
        "Request of Ann Baker",
        "request",
        "hot",
    )
    assert deal.contact_id == contact.id
    assert {(it.kind, it.key) for it in all_of(ContactPoint)} == {
        ("email", "ann@example.com"),
        ("phone", "+442071838750"),
    }
    assert (task.title, task.due_at) == ("Call Ann Baker", MONDAY + timedelta(minutes=15))
    assert (note.body, note.direction, note.deal_id, note.contact_id) == (
        "Three windows\nplease", "in", deal.id, contact.id,
    )  # fmt: skip
    assert {it.owner_id for it in (contact, deal, task, note)} == {firm.seller.id}
    assert {it.unit_id for it in (contact, deal, task, note)} == {firm.units["north_shop"]}


def test_the_history_names_the_stranger_the_automation_and_the_form(crm: CRM, firm: Firm, send: Send) -> None:
    sent = send("request", **ANN)
    with crm.read(firm.owner) as reader:
        [line] = reader.history(Deal, sent.record_id)
    assert (line.principal, line.acting_as, line.rule) == ("anonymous", "automation:shop", "request")


def test_a_form_without_an_owner_gives_to_the_company(crm: CRM, firm: Firm, send: Send, all_of: AllOf) -> None:
    """So that the task waits where somebody is told of it."""
    send("wishes", email="ann@example.com")
    assert {(it.owner_id, it.unit_id) for it in (*all_of(Deal), *all_of(Contact))} == {(None, firm.units["HQ"])}


def test_every_kind_of_field_arrives(send: Send, all_of: AllOf) -> None:
    """Whoever gives no name is called by their address."""
    wishes = {"shop_colours": ["oak"], "shop_lift": "true", "shop_price": "1.50", "expected_close": "2026-05-01"}
    send("wishes", email="ann@example.com", **wishes)
    [deal], [contact] = all_of(Deal), all_of(Contact)
    assert (deal.shop_price, deal.shop_price_currency) == (Decimal("1.5"), "EUR")
    assert (deal.shop_colours, deal.shop_lift, str(deal.expected_close)) == (("oak",), True, "2026-05-01")
    assert (deal.description, contact.name, deal.title) == ("Sent by the wishes form", "ann@example.com", "Wishes")


@pytest.mark.parametrize(
    "again",
    [
        {"email": "ANN@example.COM"},
        {"phone": "+44 20 7183-8750"},
        {"email": "other@example.com", "phone": "02071838750"},
    ],
)
def test_the_same_person_again_goes_to_the_open_deal(again: Any, send: Send, all_of: AllOf) -> None:
    """No second call; their card is left as it is, since a stranger may know somebody's number."""
    first = send("request", **ANN)
    second = send("request", name="A. Baker", **again, message="Are you there?", shop_heat="cold")
    assert (second.contact_id, second.record_id) == (first.contact_id, first.record_id)
    [deal], [_], [_], [note] = all_of(Deal), all_of(Task), all_of(Contact), all_of(Activity)
    assert (deal.shop_heat, len(all_of(ContactPoint))) == ("hot", 2)
    assert note.body.startswith("Are you there?\n\nYour name: A. Baker\n")
    assert "How soon?: Some day" in note.body


def test_a_closed_deal_is_left_alone(crm: CRM, firm: Firm, send: Send, all_of: AllOf) -> None:
    first = send("request", **ANN)
    with crm.work(firm.owner) as work:
        pipelines.move(work, [Move(Deal, first.record_id, to="lost")])
    second = send("request", **ANN)
    assert (second.contact_id == first.contact_id, second.record_id == first.record_id) == (True, False)
    assert [it.stage for it in all_of(Deal)] == ["lost", "request"]


def test_a_deal_of_another_pipeline_is_left_alone(crm: CRM, firm: Firm, send: Send, all_of: AllOf) -> None:
    contact = make_contact(crm, points=[{"kind": "email", "value": "ann@example.com"}])
    make_deal(crm, pipeline="windows", contact_id=contact.id)
    sent = send("request", **ANN)
    assert sent.contact_id == contact.id
    assert [it.pipeline for it in all_of(Deal)] == ["windows", "orders"]


def test_a_deleted_contact_is_nobody(crm: CRM, firm: Firm, send: Send) -> None:
    first = send("request", **ANN)
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Contact, first.contact_id)])
    assert send("request", **ANN).contact_id != first.contact_id


def test_two_at_the_same_moment_make_one_contact_and_one_deal(crm: CRM, send: Send, all_of: AllOf) -> None:
    """By different ways to reach one and the same person."""
    several = [ANN, {**ANN, "phone": ""}, {**ANN, "email": ""}, ANN, ANN, ANN]
    with ThreadPoolExecutor(6) as threads:
        made = [threads.submit(send, "request", **answers) for answers in several]
    assert len(all_of(Deal)) == len(all_of(Task)) == len({it.result().record_id for it in made})
    with ThreadPoolExecutor(6) as threads:
        for _ in range(6):
            threads.submit(send, "request", name="Bob", email="bob@example.com")
    assert len([it for it in all_of(Contact) if it.name == "Bob"]) == 1
    assert len([it for it in all_of(Deal) if it.title == "Request of Bob"]) == 1


def test_rules_hear_of_every_submission(crm: CRM, firm: Firm, send: Send) -> None:
    from opencrm.services.process.runs import read
    from opencrm.storage import tables

    send("request", **ANN)
    send("request", **ANN)
    with crm.database.read() as tx:
        rows = tx.query("runs", tables.run.select, {})
    assert [(it.source.name, it.entity, it.state) for it in map(read, rows)] == [("shop_written", "deal", "done")] * 2


def test_the_source_goes_to_contact_and_deal(send: Send, all_of: AllOf) -> None:
    marks = {"source": "google", "medium": "cpc", "campaign": "spring", "landing": "https://windows.example/?utm"}
    sent = send("request", **ANN, more={"attribution": marks})
    assert ([it.source for it in all_of(Deal)], [it.source for it in all_of(Contact)]) == (["google"], ["google"])
    assert sent.attribution == marks


def test_submissions_are_read_by_those_who_may_read_the_record(crm: CRM, firm: Firm, send: Send) -> None:
    """What they may not read of it is left out."""
    sent = send("request", **ANN, message="Hello")
    with crm.read(firm.seller) as reader:
        [found] = submissions(reader, Deal, sent.record_id)
    assert (found.form, found.at, found.consent) == ("request", MONDAY, "You may keep my data to answer me.")
    assert dict(found.values) == {
        "name": "Ann Baker",
        "email": "ann@example.com",
        "phone": "+442071838750",
        "message": "Hello",
    }  # Roles see the plugin's own fields once the company opens them.
    with crm.read(firm.owner) as reader:
        assert submissions(reader, Deal, sent.record_id)[0].values["shop_heat"] == "hot"
    with crm.read(firm.stranger) as reader, pytest.raises(NotFound):
        submissions(reader, Deal, sent.record_id)


def test_submissions_follow_a_merge(crm: CRM, firm: Firm, send: Send) -> None:
    sent, kept = send("request", **ANN), make_deal(crm, by=firm.owner, pipeline="orders")
    with crm.work(firm.owner) as work:
        merging.merge(work, Merge(Deal, keep=kept.id, others=[sent.record_id]))
    with crm.read(firm.owner) as reader:
        assert [it.id for it in submissions(reader, Deal, kept.id)] == [sent.id]


# Forms about a record.


def test_a_payment_is_written_beside_its_deal(crm: CRM, firm: Firm, send: Send, all_of: AllOf) -> None:
    """Whoever may change the deal may send it; rules hear of it."""
    deal = make_deal(crm, by=firm.seller, pipeline="orders", stage="agreed")
    sent = send("payment", by=firm.seller, more={"record": deal.id}, amount="4800")
    [paid] = all_of(Payment)
    assert (paid.amount, paid.deal_id, paid.owner_id) == (Decimal(4800), deal.id, firm.seller.id)
    assert (sent.entity, sent.record_id, all_of(Deal)[0].stage) == ("deal", deal.id, "paid")


def test_the_same_payment_twice_is_one(crm: CRM, firm: Firm, send: Send, all_of: AllOf) -> None:
    deal = make_deal(crm, by=firm.seller, pipeline="orders", stage="agreed")
    several = [send("payment", by=firm.seller, more={"record": deal.id, "once": "TX 1"}, amount="1") for _ in range(3)]
    assert len({it.id for it in several}) == len(all_of(Payment)) == 1
    send("payment", by=firm.seller, more={"record": deal.id, "once": "TX 2"}, amount="1")
    assert len(all_of(Payment)) == 2


def test_a_rule_that_cannot_be_takes_the_submission_back(crm: CRM, firm: Firm, send: Send, all_of: AllOf) -> None:
    """The rule of this company moves in every case: one that does not mean it says `when`."""
    deal = make_deal(crm, by=firm.seller, pipeline="orders")
    with pytest.raises(InvalidMove):
        send("payment", by=firm.seller, more={"record": deal.id}, amount="1")
    assert all_of(Payment) == []


def test_who_may_not_change_the_record_may_not_send(crm: CRM, firm: Firm, send: Send) -> None:
    deal = make_deal(crm, by=firm.seller, pipeline="orders", stage="agreed")
    with pytest.raises(PermissionDenied):
        send("payment", by=firm.viewer, more={"record": deal.id}, amount="1")
    for who in (firm.stranger, Principal.anonymous()):
        with pytest.raises(NotFound):
            send("payment", by=who, more={"record": deal.id}, amount="1")


def test_a_signed_link_lets_a_stranger_tell_of_one_record(crm: CRM, firm: Firm, all_of: AllOf) -> None:
    deal = make_deal(crm, by=firm.seller, pipeline="orders")
    link, token = crm.forms.link(firm.seller, "visit", deal.id, days=2), crm.forms.describe("visit").token
    crm.advance("1m")
    answers = {"expected_close": "2026-04-01", "message": "In the morning"}
    crm.forms.receive("visit", Given(answers=answers, record=link, token=token))
    [found], [note] = all_of(Deal), all_of(Activity)
    assert (str(found.expected_close), note.body) == ("2026-04-01", "In the morning")


@pytest.mark.parametrize("wrong", [None, "", "x", "\ud800", 7, "A" * 5000])
def test_a_bad_link_leads_nowhere(crm: CRM, wrong: Any) -> None:
    with pytest.raises(NotFound):
        crm.forms.receive("visit", Given(answers={"expected_close": "2026-04-01"}, record=wrong))


def test_a_link_is_for_one_form_and_for_some_days(crm: CRM, firm: Firm) -> None:
    deal = make_deal(crm, by=firm.seller, pipeline="orders")
    link = crm.forms.link(firm.seller, "visit", deal.id, days=2)
    with pytest.raises(NotFound):
        crm.forms.receive("payment", Given(answers={"amount": 1}, record=link))
    crm.advance("3d")
    with pytest.raises(NotFound):
        crm.forms.receive("visit", Given(answers={"expected_close": "2026-04-01"}, record=link))


def test_a_link_is_made_by_who_may_change_the_record(crm: CRM, firm: Firm) -> None:
    deal = make_deal(crm, by=firm.seller, pipeline="orders")
    with pytest.raises(PermissionDenied):
        crm.forms.link(firm.viewer, "visit", deal.id)
    with pytest.raises(NotFound):
        crm.forms.link(firm.owner, "request", deal.id)


def test_fields_that_are_wrong_are_named(send: Send, all_of: AllOf) -> None:
    with pytest.raises(InputError) as caught:
        send("request", email="nobody", shop_heat="tepid", shop_floors="many", nonsense=1)
    assert set(caught.value.fields) == {"name", "email", "shop_heat", "shop_floors", "nonsense"}
    with pytest.raises(InputError) as caught:
        send("request", name="Ann")
    assert set(caught.value.fields) == {"email", "phone"}
    assert all_of(Contact) == []


def test_nothing_is_wrong_with_the_shop(crm: CRM) -> None:
    """The currency of an amount that a plugin adds is a plugin's field too, and no name of the workspace's own."""
    assert crm.problems() == {}
