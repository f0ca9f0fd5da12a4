"""Letters that no server took: whoever runs the system sees them in the queue, has them tried again, or drops them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Table

from opencrm import CRM, Deal, NotFound, Update, inbox, records
from opencrm.embed import SignIn, notification_choices
from opencrm.services.process.overseeing.stuck import Stuck
from opencrm.services.queue import overview
from opencrm.services.reading.rows import Record
from opencrm.storage import tables
from opencrm.testing import MONDAY, Firm, make_deal

Rows = Callable[[Table], list[dict[str, Any]]]


@pytest.fixture
def deal(crm: CRM, firm: Firm) -> Record:
    return make_deal(crm, by=firm.seller, title="Windows", pipeline="windows")


@pytest.fixture
def dead(crm: CRM, firm: Firm, letterbox: Any, deal: Record) -> Any:
    """A server that refused one letter eight times."""
    crm.accounts.policy = SignIn(base_url="https://crm.example.com", mail_url=letterbox.url)
    with crm.work(firm.seller) as work:
        notification_choices.choose(work, "rule", "mail", wanted=True)
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Deal, deal.id, title="Doors")])
    letterbox.refuses = ["550 no such person"] * 8
    for _ in range(10):
        crm.worker().run_once()
        crm.advance("1h10m")
    assert (letterbox.refuses, letterbox.letters) == ([], [])
    return letterbox


def stuck(crm: CRM, firm: Firm, **how: Any) -> list[Stuck]:
    with crm.read(firm.owner) as reader:
        return overview.stuck(reader, **how)


def counts(crm: CRM, firm: Firm) -> list[tuple[str, str, str, int]]:
    with crm.read(firm.owner) as reader:
        return [(it.kind, it.name, it.state, it.number) for it in overview.counts(reader) if it.kind == "mail"]


def test_it_is_in_the_queue_with_why(crm: CRM, firm: Firm, dead: Any, deal: Record) -> None:
    """To whom, about what, how often it was tried; it is told as dead."""
    [it] = stuck(crm, firm)
    assert (it.kind, it.state, it.attempts, it.entity, it.record_id) == ("mail", "dead", 8, "deal", deal.id)
    with crm.read(firm.owner) as reader:
        assert it.name == reader.get("user", firm.seller.id)["name"]
    assert "no such person" in (it.error or "")
    assert stuck(crm, firm, state="dead") == [it]
    assert stuck(crm, firm, state="failed") == []
    assert counts(crm, firm) == [("mail", "mail", "dead", 1)]


@pytest.mark.parametrize("named", [True, False], ids=["by its id", "all"])
def test_it_is_tried_again(crm: CRM, firm: Firm, dead: Any, *, named: bool) -> None:
    """It goes, and is in the queue no more."""
    [it] = stuck(crm, firm)
    with crm.work(firm.owner) as work:
        assert overview.retry(work, id=it.id if named else None) == 1
    crm.worker().run_once()
    assert len(dead.letters) == 1
    assert (stuck(crm, firm), counts(crm, firm)) == ([], [])
    with pytest.raises(NotFound), crm.work(firm.owner) as work:
        overview.retry(work, id=it.id)


def test_it_is_dropped_with_a_reason(crm: CRM, firm: Firm, dead: Any, rows: Rows) -> None:
    """It is never sent, and its reader sees why; what it says stays in the inbox."""
    [it] = stuck(crm, firm)
    with crm.work(firm.owner) as work:
        overview.drop(work, it.id, "the address is no more")
    crm.advance("1d")
    crm.worker().run_once()
    assert (dead.letters, stuck(crm, firm)) == ([], [])
    [row] = rows(tables.notification)
    assert row["mail"] == "none"
    assert row["mail_error"].endswith(": the address is no more")
    with crm.read(firm.seller) as reader:
        assert [one.id for one in inbox.page(reader).items] == [it.id]
    with pytest.raises(NotFound), crm.work(firm.owner) as work:
        overview.drop(work, it.id, "again")


@pytest.mark.parametrize(
    "policy, why",
    [
        (SignIn(base_url="https://crm.example.com"), "no mail server is set: set OPENCRM_SMTP_URL, or "),
        (SignIn(mail_url="smtp://127.0.0.1:1"), "neither a base URL nor a sender of mail is set: set OPENCRM_"),
    ],
)
def test_what_nothing_can_send_is_told_with_what_to_set(
    crm: CRM, firm: Firm, deal: Record, policy: SignIn, why: str
) -> None:
    """For as long as it would be sent if it could."""
    crm.accounts.policy = policy
    with crm.work(firm.seller) as work:
        notification_choices.choose(work, "rule", "mail", wanted=True)
    for title in ("Doors", "Gates"):
        with crm.work(firm.owner) as work:
            records.update(work, [Update(Deal, deal.id, title=title)])
    crm.worker().run_once()
    with crm.read(firm.owner) as reader:
        [it] = [it for it in overview.counts(reader) if it.kind == "mail"]
    assert (it.name, it.state, it.number, it.oldest) == ("mail", "unsent", 2, MONDAY)
    assert (it.why or "").startswith(why)
    crm.advance("8d")
    assert counts(crm, firm) == []
