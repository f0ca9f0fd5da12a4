"""Letters: to those who want them, at least once, with what they may read when they are sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table

from opencrm import CRM, Deal, Role, Update, User, inbox, records
from opencrm.app.working.mailing import Mailing
from opencrm.embed import SignIn, notification_choices
from opencrm.services.notifying import letters
from opencrm.services.process.notifying import Told, tell
from opencrm.services.reading.rows import Record
from opencrm.storage import tables
from opencrm.testing import Firm, make_contact, make_deal

Rows = Callable[[Table], list[dict[str, Any]]]


@pytest.fixture
def mailing(crm: CRM, firm: Firm, letterbox: Any) -> Any:
    """A server, and a seller who wants to be told by mail of what rules tell."""
    mail(crm, letterbox.url)
    with crm.work(firm.seller) as work:
        notification_choices.choose(work, "rule", "mail", wanted=True)
    return letterbox


def mail(crm: CRM, url: str | None, **how: Any) -> None:
    crm.accounts.policy = SignIn(base_url="https://crm.example.com", mail_url=url, **how)


@pytest.fixture
def deal(crm: CRM, firm: Firm) -> Record:
    contact = make_contact(crm, by=firm.seller, name="Maria Lopez")
    return make_deal(
        crm, by=firm.seller, contact_id=contact.id, amount="4800", currency="EUR", pipeline="windows", title="Windows"
    )


@pytest.fixture
def rename(crm: CRM, firm: Firm, deal: Record) -> Callable[[str], None]:
    """`rename("Doors")`: something of which the seller is told."""

    def done(title: str) -> None:
        with crm.work(firm.owner) as work:
            records.update(work, [Update(Deal, deal.id, title=title)])

    return done


def mails(rows: Rows) -> list[tuple[str, str | None]]:
    return [(it["mail"], it["mail_error"]) for it in rows(tables.notification)]


def take(crm: CRM) -> Any:
    with crm.database.write() as tx:
        return letters.claim(tx, crm.workspace.ids.new(), crm.clock.now()).letters


def test_a_letter_says_what_the_inbox_says(
    crm: CRM, firm: Firm, mailing: Any, rename: Callable[[str], None], rows: Rows
) -> None:
    rename("Doors")
    assert crm.worker().run_once() == 1
    [letter] = mailing.letters
    assert (letter["To"], letter["From"]) == ("seller@example.com", "opencrm@crm.example.com")
    assert letter["Subject"] == "Renamed: Doors, 4800 EUR, by Maria Lopez"
    assert letter.get_content().startswith("Renamed: Doors, 4800 EUR, by Maria Lopez\r\n")
    [row] = rows(tables.notification)
    assert letter["Message-ID"] == f"<{row['id']}@crm.example.com>"
    assert (row["mail"], row["mail_at"]) == ("sent", None)
    assert crm.worker().run_once() == 0


def test_it_tells_what_its_reader_may_know_when_it_is_sent(
    crm: CRM, firm: Firm, mailing: Any, rename: Callable[[str], None]
) -> None:
    rename("Doors")
    rules = [{"entity": "deal", "field": "amount", "read": False, "write": False}]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=rules)])
    rename("Gates")
    crm.worker().run_once()
    assert [it["Subject"] for it in mailing.letters] == [f"Renamed: {it}, by Maria Lopez" for it in ("Doors", "Gates")]
    assert not any("4800" in text for text in mailing.texts)


def test_what_the_server_refuses_is_tried_again(
    crm: CRM, firm: Firm, mailing: Any, rename: Callable[[str], None], rows: Rows
) -> None:
    rename("Doors")
    mailing.refuses = ["451 later", "451 later"]
    for wait in ("1s", "29s", "1m"):
        crm.worker().run_once()
        crm.advance(wait)
    assert mailing.letters == []
    assert mails(rows)[0][0] == "sending"
    crm.worker().run_once()
    assert len(mailing.letters) == 1
    assert mails(rows) == [("sent", None)]


def test_what_is_never_taken_is_left_for_a_person(
    crm: CRM, firm: Firm, mailing: Any, rename: Callable[[str], None], rows: Rows
) -> None:
    rename("Doors")
    mailing.refuses = ["550 no such person"] * 8
    for _ in range(12):
        crm.worker().run_once()
        crm.advance("2h")
    [(state, error)] = mails(rows)
    assert state == "dead"
    assert "550" in (error or "")
    with crm.read(firm.seller) as reader:
        assert inbox.page(reader).items[0].mail == "dead"


def test_a_worker_that_died_while_it_sent_sends_again_with_the_same_id(
    crm: CRM, firm: Firm, mailing: Any, rename: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least once: whoever gets it twice sees that it is one message."""
    rename("Doors")
    [station] = [it for it in crm.worker()._stations if isinstance(it, Mailing)]
    really = station._delivered

    def dies(letter: Any) -> Any:
        really(letter)
        raise KeyboardInterrupt

    monkeypatch.setattr(station, "_delivered", dies)
    with pytest.raises(KeyboardInterrupt):
        station.work()
    crm.worker().run_once()
    assert len(mailing.letters) == 1
    crm.advance("6m")
    crm.worker().run_once()
    first, second = mailing.letters
    assert first["Message-ID"] == second["Message-ID"]


def test_a_late_worker_leaves_what_another_one_wrote(
    crm: CRM, firm: Firm, mailing: Any, rename: Callable[[str], None], rows: Rows
) -> None:
    """Its lease ended: whoever took the letter over says what became of it."""
    rename("Doors")
    late, other = take(crm), take(crm)
    assert (len(late), len(other)) == (1, 0)
    crm.advance(letters.LEASE - timedelta(seconds=1))
    with crm.database.write() as tx:
        assert letters.prolong(tx, late[0].lease, crm.clock.now()) == 1
    crm.advance(letters.LEASE - timedelta(seconds=1))
    assert take(crm) == ()
    crm.advance("1s")
    [again] = take(crm)
    with crm.database.write() as tx:
        assert not letters.sent(tx, late[0])
        assert letters.prolong(tx, late[0].lease, crm.clock.now()) == 0
        letters.put_off(tx, late, crm.clock.now())
        assert not letters.failed(tx, late[0], "away", crm.clock.now())
        assert letters.refused(tx, again, "nobody took it")
        assert not letters.sent(tx, late[0])
    assert mails(rows) == [("none", "nobody took it")]


def test_a_letter_that_loses_its_worker_every_time_is_left_for_a_person(
    crm: CRM, firm: Firm, mailing: Any, rename: Callable[[str], None], rows: Rows
) -> None:
    """One that kills whoever sends it does not do so for ever."""
    rename("Doors")
    for _ in range(letters.MOST_ATTEMPTS):
        assert len(take(crm)) == 1
        crm.advance(letters.LEASE)
    assert take(crm) == ()
    assert mails(rows) == [("dead", "the worker was lost at every attempt")]


def test_what_many_do_not_want_is_written_page_by_page(
    crm: CRM, firm: Firm, mailing: Any, rows: Rows, statements: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page in a transaction of its own, with a statement for each reason, and one for all that people chose."""
    monkeypatch.setattr(letters, "_PAGE", 4)
    people = [firm.owner.id, firm.head.id, firm.viewer.id]
    with crm.work(firm.owner) as work:
        tell(work, [Told(people[at % 3], "x", "user", people[0]) for at in range(10)])
        tell(work, [Told(firm.seller.id, "x", "user", people[0])])
    statements.clear()
    assert crm.worker().run_once() == 1
    asked = [it for it in statements.texts if "crm_notification_choice" in it]
    written = [it for it in statements.texts if it.startswith("UPDATE") and "crm_notification " in it]
    assert (len(asked), len(written)) == (3, 5)
    assert [it for it, _ in mails(rows)].count("none") == 10


@pytest.mark.parametrize(
    "change, why",
    [
        ({"email": None}, "no address"),
        ({"active": False}, "the person cannot sign in"),
    ],
)
def test_whoever_cannot_get_it_gets_none_and_it_is_noted(
    crm: CRM,
    firm: Firm,
    mailing: Any,
    rename: Callable[[str], None],
    rows: Rows,
    change: dict[str, Any],
    why: str,
) -> None:
    rename("Doors")
    with crm.work(firm.owner) as work:
        records.update(work, [Update(User, firm.seller.id, values=change)])
    crm.worker().run_once()
    assert mailing.letters == []
    assert mails(rows) == [("none", why)]


def test_whoever_chose_nothing_gets_no_letter(
    crm: CRM, firm: Firm, letterbox: Any, rename: Callable[[str], None], rows: Rows
) -> None:
    mail(crm, letterbox.url)
    rename("Doors")
    crm.worker().run_once()
    assert letterbox.letters == []
    assert mails(rows) == [("none", "not wanted by mail")]


def test_what_was_read_already_is_not_sent(
    crm: CRM, firm: Firm, mailing: Any, rename: Callable[[str], None], rows: Rows
) -> None:
    rename("Doors")
    with crm.work(firm.seller) as work:
        inbox.mark_all_read(work)
    crm.worker().run_once()
    assert mails(rows) == [("none", "read before it was sent")]


def test_without_a_server_nothing_waits(
    crm: CRM, firm: Firm, mailing: Any, rename: Callable[[str], None], rows: Rows
) -> None:
    mail(crm, None)
    rename("Doors")
    assert crm.worker().run_once() == 0
    assert mails(rows) == [("none", "no mail server is set")]


def test_a_server_that_is_away_costs_two_tries(
    crm: CRM, firm: Firm, mailing: Any, rename: Callable[[str], None], rows: Rows, caplog: Any
) -> None:
    mail(crm, "smtp://127.0.0.1:1")
    for number in range(6):
        rename(f"Doors {number}")
    assert crm.worker().run_once() == 6
    tried = [row["mail_attempts"] for row in rows(tables.notification)]
    assert sorted(tried) == [0, 0, 0, 0, 1, 1]
    mail(crm, mailing.url)
    crm.advance("31s")
    crm.worker().run_once()
    assert len(mailing.letters) == 6
