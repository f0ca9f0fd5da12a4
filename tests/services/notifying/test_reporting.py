"""The report on a finished order: what was sold, when it passed each stage, and who did it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select, update

from opencrm import (
    CRM,
    Create,
    Deal,
    DealLine,
    Finish,
    Move,
    Principal,
    Query,
    Role,
    Rule,
    Task,
    Update,
    call,
    created,
    hookimpl,
    inbox,
    pipelines,
    records,
    report,
    tasks,
)
from opencrm.core.process.reports import read as read_selector
from opencrm.core.process.reports import written
from opencrm.core.process.selectors import creator, head_of, owner, person, pick
from opencrm.embed import SignIn, reporting
from opencrm.services.notifying.sensible import NOTHING
from opencrm.services.process.notifying import Told, tell
from opencrm.services.reading.rows import Record
from opencrm.storage import tables
from opencrm.testing import Firm, firm_of, make_contact, make_deal


@pytest.fixture
def won(crm: CRM, firm: Firm) -> Record:
    """An order of the seller's, called and won."""
    contact = make_contact(crm, by=firm.seller, name="Maria Lopez")
    deal = make_deal(
        crm, by=firm.seller, title="Windows", contact_id=contact.id, amount="4800", currency="EUR", pipeline="order"
    )
    crm.advance("5m")
    with crm.work(firm.seller) as work:
        records.create(work, [Create(DealLine, deal_id=deal.id, title="Kitchen", quantity="2", price="2400")])
        [call] = work.list(Query(Task)).rows
        tasks.finish(work, [Finish(call.id)])
    crm.advance("5m")
    with crm.work(firm.seller) as work:
        pipelines.move(work, [Move(Deal, deal.id, to="won")])
    return deal


def test_the_head_finds_it_in_their_inbox(crm: CRM, firm: Firm, won: Record, read: Callable[..., Any]) -> None:
    assert read(firm.head) == ()
    crm.worker().run_once()
    [told] = read(firm.head)
    assert (told.kind, told.text) == ("report", "Finished order: Windows, 4800 EUR")
    assert told.rule == "order.won"
    with crm.read(firm.head) as reader:
        found = reporting.report_of(reader, told)
    assert found is not None
    assert dict(found.facts)["Contact"] == "Maria Lopez"
    assert dict(found.facts)["Amount"] == "4800"
    assert [dict(one)["Title"] for one in found.positions] == ["Kitchen"]
    assert [(f"{it.at:%H:%M}", it.what, it.by) for it in found.stages] == [
        ("09:00", "Request", "seller"),
        ("09:10", "Won", "seller"),
    ]
    assert [(f"{it.at:%H:%M}", it.what, it.by) for it in found.tasks] == [("09:05", "Call Maria Lopez", "seller")]


def test_it_comes_by_mail(crm: CRM, firm: Firm, won: Record, letterbox: Any) -> None:
    """Without anybody having chosen so."""
    crm.accounts.policy = SignIn(base_url="https://crm.example.com", mail_url=letterbox.url)
    crm.worker().run_once()
    [letter] = letterbox.letters
    assert (letter["To"], letter["Subject"]) == ("head@example.com", "Finished order: Windows, 4800 EUR")
    text = letter.get_content().replace("\r\n", "\n")
    assert "Positions\n  Title: Kitchen, Quantity: 2" in text
    assert "Stages\n  2026-03-02 09:00  Request, seller\n  2026-03-02 09:10  Won, seller" in text
    assert "Tasks\n  2026-03-02 09:05  Call Maria Lopez, seller" in text


def test_of_nobody_the_head_of_the_unit_is_told(crm: CRM, firm: Firm, won: Record, read: Callable[..., Any]) -> None:
    with crm.work(Principal.system("send a report")) as work:
        sent = reporting.send(work, "deal", won.id, to=pick("firm_lead", within="south"), label="Finished order")
    assert sent is None
    [told] = read(firm.head)
    assert (told.kind, told.text) == ("report", "Nobody was found to be told: Finished order: Windows, 4800 EUR")


def test_it_tells_what_its_reader_may_know(crm: CRM, firm: Firm, won: Record, read: Callable[..., Any]) -> None:
    crm.worker().run_once()
    rules = [
        {"entity": entity, "field": name, "read": False, "write": False}
        for entity, name in (("deal", "amount"), ("deal", "stage"), ("deal_line", "price"), ("user", "name"))
    ]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_head"], field_rules=rules)])
    [told] = read(firm.head)
    assert told.text == "Finished order: Windows"
    with crm.read(firm.head) as reader:
        found = reporting.report_of(reader, told)
    assert found is not None
    assert "Amount" not in dict(found.facts)
    assert found.stages == ()
    assert "Price of one" not in dict(found.positions[0])
    assert [it.by for it in found.tasks] == [""]


def test_it_is_sent_once(crm: CRM, firm: Firm, won: Record, read: Callable[..., Any]) -> None:
    crm.worker().run_once()
    crm.worker().run_once()
    assert len(read(firm.head)) == 1


@pytest.mark.parametrize(
    "selector",
    [
        owner,
        creator,
        head_of(head_of(owner)),
        person("ann+o'neil@example.com"),
        pick("seller", within="North, east", strategy="least_loaded"),
        head_of(pick("seller")),
    ],
)
def test_whom_it_is_for_is_written_and_read(selector: Any) -> None:
    assert read_selector(written(selector)) == selector


@pytest.mark.parametrize("word", ["", "boss", "head_of(boss)", "head_of(owner", "pick(seller,,oldest)"])
def test_nobody_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_selector(word)


@pytest.mark.parametrize("name, label", [("Finished!", None), ("finished", "{title}"), ("finished", "x" * 101)])
def test_what_cannot_be_a_report_is_refused(name: str, label: str | None) -> None:
    with pytest.raises(ValueError, match="report"):
        report(name, to=owner, label=label)


@pytest.fixture
def called(make_crm: Callable[..., CRM]) -> Callable[[str], tuple[CRM, Firm]]:
    """`called("{title}")`: a firm whose rule sends a report of this label, of a deal that somebody named."""

    class Calls:
        def __init__(self, label: str) -> None:
            self.label = label

        @hookimpl
        def opencrm_register_rules(self) -> Iterator[Rule]:
            to = written(owner)
            yield Rule("calls", on=created(Deal), do=[call("report_send", name="x", label=self.label, to=to)])

    def made(label: str) -> tuple[CRM, Firm]:
        crm = make_crm([Calls(label)])
        return crm, firm_of(crm)

    return made


def test_what_somebody_wrote_is_no_place_in_a_report(called: Callable[[str], tuple[CRM, Firm]], read: Any) -> None:
    """A label that a rule fills in is checked as one that is declared; what cannot be one fails the run."""
    crm, firm = called("About {title}")
    for title in ("{owner.email}", "a { b", "Windows"):
        make_deal(crm, by=firm.seller, title=title)
    crm.worker().run_once()
    with crm.read(firm.seller) as reader:
        assert [it.text for it in inbox.page(reader).items] == ["About Windows: Windows"]
    with crm.database.read() as tx:
        rows = tx.query("runs", lambda: select(tables.run.c.error).where(tables.run.c.error.is_not(None)), {})
    assert ["without places" in row["error"] for row in rows] == [True, True]


def test_an_inbox_survives_a_text_that_cannot_be_read(
    crm: CRM, firm: Firm, won: Record, read: Callable[..., Any]
) -> None:
    """It says nothing, since nobody can tell what its reader may know of it; the others are there."""
    crm.worker().run_once()
    with crm.work(firm.owner) as work:
        tell(work, [Told(firm.head.id, "odd", "deal", won.id, "report")])
    table = tables.notification
    with crm.database.write() as tx:
        tx.run("odd", lambda: update(table).where(table.c.text == "odd").values(text="{title"), [{}])
    assert {it.text for it in read(firm.head)} == {NOTHING, "Finished order: Windows, 4800 EUR"}
