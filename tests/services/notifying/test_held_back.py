"""A sandbox sends nothing to the outside, and says so, unless it is told to."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from opencrm import (
    CRM,
    Activity,
    ContactPoint,
    Create,
    Deal,
    Pipeline,
    Query,
    Rule,
    Stage,
    User,
    created,
    hookimpl,
    inbox,
    notify,
    owner,
    records,
    send,
    update,
)
from opencrm.embed import SignIn, notification_choices, queue_overview
from opencrm.services.process.overseeing.history import of_record
from opencrm.testing import Firm, make_contact, make_deal
from opencrm.testing.firm import WindowSales

HELD = "held back: this workspace is a sandbox"
ORDER = Pipeline("order", [Stage("request"), Stage("won", kind="won")], moves={("request", "won")})
WRITE = Rule(
    "writing",
    on=created(Deal),
    do=[notify(owner, "New: {title}"), send("Your order: {title}", "It is here."), update(source="told")],
)


class Writing:
    """Tells its owner of a new deal, and its client."""

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield ORDER

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield WRITE


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [Writing()]


@pytest.fixture
def server(crm: CRM, firm: Firm, letterbox: Any) -> Any:
    """A mail server, and a seller who wants letters, in a sandbox."""
    crm.accounts.policy = SignIn(base_url="https://crm.example.com", mail_url=letterbox.url)
    with crm.work(firm.seller) as work:
        notification_choices.choose(work, "rule", "mail", wanted=True)
    crm.sandbox.make(firm.owner)
    return letterbox


def ordered(crm: CRM, firm: Firm) -> str:
    contact = make_contact(crm, by=firm.owner, owner_id=firm.seller.id, name="Maria Lopez")
    with crm.work(firm.seller) as work:
        values = {"contact_id": contact.id, "kind": "email", "value": "maria@example.com"}
        records.create(work, [Create(ContactPoint, values=values)])
    deal = make_deal(crm, by=firm.seller, contact_id=contact.id, title="Doors")
    crm.worker().run_once()
    return deal.id


def test_a_letter_to_a_client_is_held_back_and_the_run_goes_on(crm: CRM, firm: Firm, server: Any) -> None:
    """What would have been written stands on the record, with why it was not."""
    id = ordered(crm, firm)
    crm.sandbox.advance(firm.owner, "3d")
    assert server.letters == []
    with crm.read(firm.owner) as reader:
        [run] = of_record(reader, "deal", id).items
        [activity] = reader.list(Query(Activity)).rows
        assert reader.get(Deal, id).source == "told"
    assert [(it["state"], it["error"]) for it in run.steps] == [("done", None), ("held", HELD), ("done", None)]
    assert (activity.subject, activity.body) == (
        "Your order: Doors",
        f"To: maria@example.com, {HELD}\n\nIt is here.",
    )


def test_a_letter_to_somebody_is_held_back_and_inbox_and_queue_say_so(crm: CRM, firm: Firm, server: Any) -> None:
    ordered(crm, firm)
    assert server.letters == []
    with crm.read(firm.seller) as reader:
        [told] = inbox.page(reader).items
    assert (told.text, told.mail, told.mail_error) == ("New: Doors", "none", HELD)
    with crm.read(firm.owner) as reader:
        [count] = [it for it in queue_overview.counts(reader) if it.kind == "mail"]
    assert (count.state, count.number) == ("unsent", 1)
    assert (count.why or "").startswith(f"{HELD}: set OPENCRM_SANDBOX_SENDS")


def test_a_sandbox_that_is_told_to_sends(crm: CRM, firm: Firm, server: Any) -> None:
    crm.workspace.sandbox_sends = True
    ordered(crm, firm)
    assert sorted(it["To"] for it in server.letters) == ["maria@example.com", "seller@example.com"]


def test_links_are_held_back_too(crm: CRM, firm: Firm, letterbox: Any, caplog: pytest.LogCaptureFixture) -> None:
    """An invitation is shown to whoever made it; that a new password was asked for, the log tells."""
    policy = SignIn(base_url="https://crm.example.com", mail_url=letterbox.url)
    crm.sandbox.make(firm.owner)
    sandbox = CRM(engine=crm.database.engine, schema=crm.database.schema, plugins=[WindowSales()], sign_in=policy)
    with sandbox.work(firm.owner) as work:
        [kim] = records.create(work, [Create(User, name="Kim", email="kim@example.com")])
    made = sandbox.accounts.invite(firm.owner, kim.record_id)
    with caplog.at_level(logging.WARNING, "opencrm.identity"):
        sandbox.accounts.request_reset("kim@example.com")
        sandbox.close()
    assert (made.sent, made.link.startswith("https://crm.example.com")) == (False, True)
    assert f"no link can be sent: {HELD}" in caplog.text
    assert letterbox.letters == []
