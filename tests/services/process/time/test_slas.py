"""Promises about time: clocks kept in the transaction of whatever changes a record, and told of when they run out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from opencrm import (
    CRM,
    Calendar,
    Deal,
    Delete,
    Empty,
    Equal,
    Escalation,
    Move,
    Not,
    NotFound,
    Restore,
    Sla,
    Undo,
    Update,
    by,
    created,
    entered,
    head_of,
    hookimpl,
    owner,
    pipelines,
    promises,
    records,
    undoing,
)
from opencrm.storage import tables
from opencrm.testing import MONDAY, Firm, make_contact, make_deal

OFFICE = Calendar("office", hours="Mo-Fr 09:00-17:00", zone="UTC")


class Promises:
    """The plugin that brings the promises."""

    name = "promising"

    @hookimpl
    def opencrm_register_slas(self) -> Iterator[Sla]:
        yield Sla(
            "first_price",
            on=Deal,
            start=created(Deal),
            pause=Equal("stage", "waiting"),
            stop=Not(Empty("amount")),
            targets=by("source", hot="1h", cold="2d", otherwise="4h"),
            calendar=OFFICE,
            escalations=[
                Escalation("-30m", to=owner, text="Soon"),
                Escalation(to=head_of(owner), text="Late: {title}"),
                Escalation("+1h", to=head_of(owner), text="Very late", reassign=True),
            ],
        )
        yield Sla("offer_answered", on=Deal, start=entered("windows.offer"), stop=Equal("stage", "won"), targets="1w")
        yield Sla(
            "described",
            on=Deal,
            start=Equal("lost_reason", "unknown"),
            stop=Empty("lost_reason"),
            targets=by("contact.source", partner="10m"),
        )


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Promises()]


@pytest.fixture
def stands(crm: CRM, firm: Firm) -> Callable[..., promises.Promised]:
    """`stands(id, "first_price")` gives how a promise stands, as the seller sees it."""

    def found(id: str, sla: str) -> promises.Promised:
        with crm.read(firm.seller) as reader:
            return next(it for it in promises.of(reader, Deal, id) if it.sla == sla)

    return found


def make(crm: CRM, firm: Firm, **fields: Any) -> str:
    return str(make_deal(crm, by=firm.seller, pipeline="windows", **fields).id)


def change(crm: CRM, firm: Firm, id: str, **values: Any) -> None:
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, id, values=values)])


def move(crm: CRM, firm: Firm, id: str, to: str) -> None:
    with crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, id, to=to)])


def test_a_clock_starts_in_the_transaction_of_its_event(crm: CRM, firm: Firm, stands: Any, rows: Any) -> None:
    id = make(crm, firm)
    one = stands(id, "first_price")
    assert (one.state, one.started_at, one.due_at) == ("running", MONDAY, MONDAY + timedelta(hours=4))
    assert (one.target, one.spent, one.label) == (4 * 3600, 0, "First price")
    with pytest.raises(ZeroDivisionError), crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, id, amount=1, currency="EUR")])
        raise ZeroDivisionError
    assert stands(id, "first_price").state == "running"
    assert [it["kind"] for it in rows(tables.timer)] == ["sla"]


def test_who_keeps_the_promise_hears_nothing(crm: CRM, firm: Firm, stands: Any, told: Any, timers: Any) -> None:
    id = make(crm, firm)
    crm.advance("2h")
    change(crm, firm, id, amount=900, currency="EUR")
    one = stands(id, "first_price")
    assert (one.state, one.spent, one.ended_at) == ("met", 7200, MONDAY + timedelta(hours=2))
    crm.advance("7d")
    assert (told(), timers()) == ([], [])


def test_one_that_runs_out_is_told_of_once_at_each_step(
    crm: CRM, firm: Firm, stands: Any, told: Any, deal: Any
) -> None:
    id = make(crm, firm)
    crm.advance("3h29m")
    assert told() == []
    crm.advance("1m")
    assert told() == ["Soon"]
    crm.advance("30m")
    assert told() == ["Soon", "Late: {title}"]
    one = stands(id, "first_price")
    assert (one.state, one.breached_at) == ("breached", MONDAY + timedelta(hours=4))
    crm.advance("1h")
    assert told() == ["Soon", "Late: {title}", "Very late"]
    assert deal(id).owner_id == firm.head.id
    crm.advance("30d")
    assert len(told()) == 3


def test_it_counts_working_time_only(crm: CRM, firm: Firm, stands: Any) -> None:
    crm.advance("6h")
    id = make(crm, firm)
    assert stands(id, "first_price").due_at == MONDAY + timedelta(days=1, hours=2)
    cold = make(crm, firm, source="cold")
    assert stands(cold, "first_price").due_at == MONDAY + timedelta(days=2, hours=6)


def test_it_stands_still_while_it_is_to(crm: CRM, firm: Firm, stands: Any, told: Any) -> None:
    id = make(crm, firm)
    move(crm, firm, id, "offer")
    crm.advance("1h")
    move(crm, firm, id, "waiting")
    one = stands(id, "first_price")
    assert (one.state, one.due_at, one.spent, one.paused_at) == ("paused", None, 3600, MONDAY + timedelta(hours=1))
    crm.advance("3d")
    assert (told(), stands(id, "first_price").spent) == ([], 3600)
    move(crm, firm, id, "offer")
    one = stands(id, "first_price")
    assert (one.state, one.due_at) == ("running", MONDAY + timedelta(days=3, hours=4))


def test_the_target_follows_its_field(crm: CRM, firm: Firm, stands: Any, told: Any, rows: Any) -> None:
    id = make(crm, firm)
    crm.advance("2h")
    change(crm, firm, id, source="cold")
    assert stands(id, "first_price").due_at == MONDAY + timedelta(days=2)
    change(crm, firm, id, source="hot")
    assert stands(id, "first_price").due_at == MONDAY + timedelta(hours=1)
    crm.advance("0s")
    assert ([it["state"] for it in rows(tables.sla_clock)], told()) == (["breached"], ["Late: {title}", "Very late"])


def test_what_was_missed_is_told_once_and_no_reminder(crm: CRM, firm: Firm, rows: Any, told: Any) -> None:
    make(crm, firm)
    crm.clock.advance(timedelta(days=1))
    crm.worker().run_once()
    assert told() == ["Late: {title}", "Very late"]
    assert [it["breached_at"] for it in rows(tables.sla_clock)] == [MONDAY + timedelta(hours=4)]


def test_at_the_very_second_one_of_the_two_wins(crm: CRM, firm: Firm, stands: Any, told: Any) -> None:
    id, other = make(crm, firm), make(crm, firm)
    crm.clock.advance(timedelta(hours=4))
    change(crm, firm, id, amount=1, currency="EUR")
    crm.worker().run_once()
    change(crm, firm, other, amount=1, currency="EUR")
    assert (stands(id, "first_price").state, stands(other, "first_price").state) == ("met", "breached")
    assert told() == ["Late: {title}"]


def test_a_deleted_record_waits(crm: CRM, firm: Firm, rows: Any, stands: Any) -> None:
    id = make(crm, firm)
    crm.advance("1h")
    with crm.work(firm.seller) as work:
        records.delete(work, [Delete(Deal, id)])
    assert ([it["state"] for it in rows(tables.sla_clock)], rows(tables.timer)) == (["paused"], [])
    crm.advance("1h")
    with crm.work(firm.seller) as work:
        records.restore(work, [Restore(Deal, id)])
    assert stands(id, "first_price").due_at == MONDAY + timedelta(hours=5)


def test_one_that_has_ended_starts_again_with_its_event(crm: CRM, firm: Firm, rows: Any) -> None:
    id = make(crm, firm, amount=1, currency="EUR")
    for stage in ("offer", "won"):
        move(crm, firm, id, stage)
    move(crm, firm, id, "lost")
    move(crm, firm, id, "new")
    move(crm, firm, id, "offer")
    states = [it["state"] for it in rows(tables.sla_clock) if it["sla"] == "offer_answered"]
    assert states == ["met", "running"]


def test_taking_back_starts_nothing_and_ends_what_no_longer_holds(crm: CRM, firm: Firm, rows: Any) -> None:
    id = make(crm, firm, amount=1, currency="EUR")
    with crm.work(firm.seller) as work:
        [line] = records.update(work, [Update(Deal, id, amount=None)])
    with crm.work(firm.seller) as work:
        undoing.undo(work, [Undo(entry=line.entry_id)])
    assert [it["state"] for it in rows(tables.sla_clock) if it["sla"] == "first_price"] == ["met"]


def test_a_condition_starts_it_when_it_comes_to_hold_and_a_field_may_say_that_there_is_no_limit(
    crm: CRM, firm: Firm, rows: Any
) -> None:
    partner = make_contact(crm, by=firm.seller, source="partner")
    id, other = make(crm, firm, contact_id=partner.id), make(crm, firm)
    for each in (id, other):
        change(crm, firm, each, lost_reason="unknown")
        change(crm, firm, each, title="again")
    found = [(it["record_id"], it["target"]) for it in rows(tables.sla_clock) if it["sla"] == "described"]
    assert found == [(id, 600)]


def test_a_stranger_does_not_see_it(crm: CRM, firm: Firm) -> None:
    id = make(crm, firm)
    with crm.read(firm.stranger) as reader, pytest.raises(NotFound):
        promises.of(reader, Deal, id)


@pytest.mark.parametrize(
    "given, text",
    [
        ({"start": "new"}, "start: 'new' is no condition, and no event"),
        ({"start": created("contact")}, "start: an event of contact starts no clock of deal"),
        ({"stop": None}, "stop: None is no condition"),
        ({"targets": "soon"}, "'soon' is not a duration"),
        ({"resume": Empty("source")}, "resume: only what has a `pause` goes on"),
        ({"escalations": ["due"]}, "escalations: 'due' is no escalation"),
    ],
)
def test_what_cannot_be_is_refused_by_name(given: dict[str, Any], text: str) -> None:
    fine = {"on": Deal, "start": created(Deal), "stop": Empty("source"), "targets": "1h"}
    with pytest.raises(ValueError, match=text.replace("(", r"\(")):
        Sla("one", **{**fine, **given})
