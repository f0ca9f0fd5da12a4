"""Webhooks arrive: signed, in order, and telling no more than whoever answers for them may know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Table
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from opencrm import CRM, Assign, Deal, Delete, Grant, Role, Scope, Update, User, assigning, records
from opencrm.embed import channel_state, grant_rows
from opencrm.plugins.webhooks import posting
from opencrm.plugins.webhooks.subscription import Subscription
from opencrm.storage import tables
from opencrm.testing import Firm, make_contact, make_deal

Subscribe = Callable[..., tuple[str, str]]
Rows = Callable[[Table], list[dict[str, Any]]]


def rename(crm: CRM, firm: Firm, deal: Any, title: str) -> None:
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, deal.id, title=title)])


def may_subscribe(crm: CRM, firm: Firm, *rules: dict[str, Any]) -> None:
    """Let sellers make subscriptions of their own."""
    with crm.work(firm.owner) as work:
        role = work.get(Role, firm.roles["firm_seller"])
        own = [Grant("webhooks_subscription", action, Scope.OWN) for action in ("create", "read", "update")]
        values = {"grants": [*role.grants, *grant_rows(own)], "field_rules": list(rules)}
        records.update(work, [Update(Role, role.id, values=values)])


def test_an_event_arrives_signed(crm: CRM, firm: Firm, receiver: Any, subscribe: Subscribe) -> None:
    """The library of Standard Webhooks verifies what is sent."""
    _, secret = subscribe(firm.owner, entity="deal")
    deal = make_deal(crm, by=firm.seller, title="Windows")
    crm.worker().run_once()
    [(path, headers, body)] = receiver.got
    told: Any = Webhook(secret).verify(body, headers)
    assert path == "/hook"
    assert told["type"] == "deal.created"
    assert told["timestamp"] == "2026-03-02T09:00:00Z"
    assert (told["data"]["entity"], told["data"]["record_id"]) == ("deal", deal.id)
    assert told["data"]["after"]["title"] == "Windows"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers)


def test_a_sandbox_holds_events_back_and_says_so(
    crm: CRM, firm: Firm, receiver: Any, subscribe: Subscribe, rows: Rows
) -> None:
    """Unless it is told to send them; what was held back is not sent by itself then."""
    subscribe(firm.owner, entity="deal")
    crm.sandbox.make(firm.owner)
    make_deal(crm, by=firm.seller, title="Windows")
    crm.worker().run_once()
    assert receiver.got == []
    [held] = rows(tables.delivery)
    assert (held["state"], held["error"]) == ("dropped", "held back: this workspace is a sandbox")
    crm.workspace.sandbox_sends = True
    make_deal(crm, by=firm.seller, title="Doors")
    crm.worker().run_once()
    assert [event["data"]["after"]["title"] for event in receiver.events] == ["Doors"]


def test_what_waits_behind_an_event_that_is_held_back_is_held_back_too(
    crm: CRM, firm: Firm, receiver: Any, subscribe: Subscribe, rows: Rows
) -> None:
    """A copy of a workspace, made a sandbox while a receiver was away, keeps nothing that waits for ever."""
    subscribe(firm.owner, entity="deal")
    receiver.answers = [500]
    deal = make_deal(crm, by=firm.seller, title="Windows")
    rename(crm, firm, deal, "Doors")
    crm.worker().run_once()
    assert sorted(it["state"] for it in rows(tables.delivery)) == ["held", "waiting"]
    crm.sandbox.make(firm.owner)
    crm.sandbox.advance(firm.owner, "1h")
    crm.worker().run_once()
    assert [it["state"] for it in rows(tables.delivery)] == ["dropped", "dropped"]
    assert receiver.got == []


def test_what_is_not_wanted_is_not_sent(crm: CRM, firm: Firm, receiver: Any, subscribe: Subscribe) -> None:
    subscribe(firm.owner, entity="deal", events=["deleted"])
    make_contact(crm, by=firm.seller)
    deal = make_deal(crm, by=firm.seller)
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Deal, deal.id)])
    crm.worker().run_once()
    assert receiver.types == ["deal.deleted"]


def test_it_is_filtered_for_whoever_took_the_secret(crm: CRM, firm: Firm, receiver: Any, subscribe: Subscribe) -> None:
    """By what they may read when it is sent, not when they subscribed."""
    may_subscribe(crm, firm)
    subscribe(firm.seller, entity="deal")
    mine = make_deal(crm, by=firm.seller, title="Mine", amount="4800")
    make_deal(crm, by=firm.stranger, title="Not mine", amount="1")
    may_subscribe(crm, firm, {"entity": "deal", "field": "amount", "read": False, "write": False})
    crm.worker().run_once()
    [event] = receiver.events
    assert event["data"]["record_id"] == mine.id
    assert "amount" not in event["data"]["after"]
    rename(crm, firm, mine, "Still mine")
    with crm.work(firm.owner) as work:
        assigning.assign(work, [Assign(Deal, mine.id, owner=firm.stranger.id, unit=firm.units["south_shop"])])
    crm.worker().run_once()
    assert len(receiver.got) == 1


def test_nothing_is_sent_for_somebody_who_left(crm: CRM, firm: Firm, receiver: Any, subscribe: Subscribe) -> None:
    may_subscribe(crm, firm)
    subscribe(firm.seller, entity="deal")
    make_deal(crm, by=firm.seller)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(User, firm.seller.id, active=False)])
    crm.worker().run_once()
    assert receiver.got == []


def test_nothing_is_sent_without_a_secret(crm: CRM, firm: Firm, receiver: Any, subscribe: Subscribe) -> None:
    """Nor after the address was changed: another address takes another secret."""
    subscribe(firm.owner, take=False)
    changed, _ = subscribe(firm.owner, "/one")
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Subscription, changed, url=receiver.url + "/two")])
    make_deal(crm, by=firm.seller)
    crm.worker().run_once()
    assert receiver.got == []


def test_a_subscription_that_is_off_is_not_told(crm: CRM, firm: Firm, receiver: Any, subscribe: Subscribe) -> None:
    id, _ = subscribe(firm.owner)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Subscription, id, active=False)])
    make_deal(crm, by=firm.seller)
    crm.worker().run_once()
    assert receiver.got == []


def test_what_fails_is_sent_again_in_order_with_the_same_id(
    crm: CRM, firm: Firm, receiver: Any, subscribe: Subscribe
) -> None:
    """A later event of the record waits for the one before it."""
    subscribe(firm.owner, entity="deal")
    receiver.answers = [500]
    deal = make_deal(crm, by=firm.seller)
    rename(crm, firm, deal, "Doors")
    crm.worker().run_once()
    assert receiver.got == []
    crm.advance("10s")
    crm.worker().run_once()
    assert receiver.types == ["deal.created", "deal.changed"]
    ids = [headers["webhook-id"] for _, headers, _ in receiver.got]
    assert len(set(ids)) == 2


def test_one_that_fails_keeps_no_other_from_its_own(
    crm: CRM, firm: Firm, receiver: Any, subscribe: Subscribe, rows: Rows
) -> None:
    subscribe(firm.owner, entity="deal", name="away", url="http://127.0.0.1:1/x")
    subscribe(firm.owner, "/fine", entity="deal")
    make_deal(crm, by=firm.seller)
    crm.worker().run_once()
    assert [path for path, _, _ in receiver.got] == ["/fine"]
    assert [row["state"] for row in rows(tables.delivery)] == ["waiting"]


def test_what_is_never_taken_is_seen_by_its_owner(crm: CRM, firm: Firm, receiver: Any, subscribe: Subscribe) -> None:
    id, _ = subscribe(firm.owner, entity="deal")
    receiver.answers = [500] * 20
    make_deal(crm, by=firm.seller)
    for _ in range(10):
        crm.worker().run_once()
        crm.advance("2h")
    with crm.read(firm.owner) as reader:
        fares = channel_state(reader.tx, "webhooks", id)
    assert (fares.dead, fares.waiting, fares.failures) == (1, 0, 8)
    assert fares.error is not None
    assert "500" in fares.error


def test_a_redirect_is_not_followed(crm: CRM, firm: Firm, receiver: Any, subscribe: Subscribe) -> None:
    subscribe(firm.owner, entity="deal")
    receiver.answers = [302]
    make_deal(crm, by=firm.seller)
    crm.worker().run_once()
    assert receiver.got == []


def test_an_address_that_is_gone_is_not_told_again(crm: CRM, firm: Firm, receiver: Any, subscribe: Subscribe) -> None:
    id, _ = subscribe(firm.owner, entity="deal")
    receiver.answers = [410]
    make_deal(crm, by=firm.seller)
    crm.worker().run_once()
    with crm.read(firm.owner) as reader:
        assert reader.get(Subscription, id).active is False


def test_a_server_that_drips_is_left(
    crm: CRM, firm: Firm, receiver: Any, subscribe: Subscribe, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "SECONDS", 0.5)
    subscribe(firm.owner, entity="deal")
    receiver.answers = ["slow"]
    make_deal(crm, by=firm.seller)
    crm.worker().run_once()
    [waiting] = [row for row in rows(tables.delivery) if ":" in row["plugin"]]
    assert waiting["state"] == "waiting"
    assert "Undelivered" in waiting["error"]


def test_what_is_too_large_tells_only_what_it_was(
    crm: CRM, firm: Firm, receiver: Any, subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opencrm.plugins.webhooks import telling

    monkeypatch.setattr(telling, "LARGEST", 100)
    subscribe(firm.owner, entity="deal")
    deal = make_deal(crm, by=firm.seller)
    crm.worker().run_once()
    [event] = receiver.events
    assert event["data"]["too_large"] is True
    assert event["data"]["record_id"] == deal.id
    assert "after" not in event["data"]
