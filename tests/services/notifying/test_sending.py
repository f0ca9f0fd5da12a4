"""Letters to clients: to the address that may be used, at least once, and with a trace on the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from opencrm import (
    CRM,
    Activity,
    ConflictError,
    ContactPoint,
    Create,
    CustomField,
    Deal,
    Pipeline,
    Query,
    Rule,
    Stage,
    Update,
    changed,
    hookimpl,
    records,
    send,
    update,
)
from opencrm.app.working.running.corresponding import Letters
from opencrm.embed import SignIn
from opencrm.services.process.overseeing.history import of_record
from opencrm.services.process.overseeing.timeline import timeline
from opencrm.services.reading.rows import Record
from opencrm.testing import Firm, make_contact, make_deal

ORDER = Pipeline("order", [Stage("request"), Stage("won", kind="won")], moves={("request", "won")})
WRITE = Rule(
    "writing",
    on=changed(Deal, "title"),
    do=[
        send("Your order: {title}", "Dear {contact.name},\n\nit comes to {amount} {currency}.\n{contact.birthday}"),
        update(source="told"),
    ],
)


class Writing:
    """Writes to the client of a new title."""

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
def server(crm: CRM, letterbox: Any) -> Any:
    crm.accounts.policy = SignIn(base_url="https://crm.example.com", mail_url=letterbox.url)
    return letterbox


@pytest.fixture
def deal(crm: CRM, firm: Firm) -> Record:
    contact = make_contact(crm, by=firm.owner, owner_id=firm.seller.id, name="Maria Lopez", birthday="1980-05-01")
    return make_deal(crm, by=firm.seller, contact_id=contact.id, amount="4800", currency="EUR", pipeline="order")


@pytest.fixture
def point(crm: CRM, firm: Firm, deal: Record) -> Callable[..., None]:
    """`point("maria@example.com", valid=False)` gives the client an address."""

    def made(value: str, **values: Any) -> None:
        with crm.work(firm.seller) as work:
            point = Create(ContactPoint, contact_id=deal.contact_id, kind="email", value=value, **values)
            records.create(work, [point])

    return made


@pytest.fixture
def rename(crm: CRM, firm: Firm, deal: Record) -> Callable[[str], None]:
    def done(title: str) -> None:
        with crm.work(firm.seller) as work:
            records.update(work, [Update(Deal, deal.id, title=title)])
        crm.advance("1s")

    return done


def runs(crm: CRM, firm: Firm, deal: Record) -> list[tuple[str, str | None]]:
    with crm.read(firm.owner) as reader:
        return [(it.state, it.error) for it in of_record(reader, "deal", deal.id).items]


def test_the_client_is_written_to(crm: CRM, firm: Firm, server: Any, point: Any, rename: Any, deal: Record) -> None:
    point("maria@example.com")
    rename("Doors")
    [letter] = server.letters
    assert (letter["To"], letter["From"]) == ("maria@example.com", "opencrm@crm.example.com")
    assert letter["Subject"] == "Your order: Doors"
    assert letter.get_content() == "Dear Maria Lopez,\r\n\r\nit comes to 4800 EUR.\r\n"
    assert letter["Message-ID"].endswith(".0@crm.example.com>")
    assert runs(crm, firm, deal) == [("done", None)]
    with crm.read(firm.seller) as reader:
        assert reader.get(Deal, deal.id).source == "told"
        [activity] = reader.list(Query(Activity)).rows
        assert (activity.kind, activity.direction, activity.subject) == ("email", "out", "Your order: Doors")
        assert (activity.contact_id, activity.deal_id) == (deal.contact_id, deal.id)
        lines = [it for it in timeline(reader, Deal, deal.id) if it.record_id == activity.id]
    assert [(it.kind, it.rule) for it in lines] == [("created", "writing")]


@pytest.mark.parametrize(
    "points, to",
    [
        ([("old@example.com", {}), ("new@example.com", {"preferred": True})], "new@example.com"),
        ([("old@example.com", {"preferred": True, "valid": False}), ("new@example.com", {})], "new@example.com"),
        ([("old@example.com", {"consent": "withdrawn"}), ("new@example.com", {})], "new@example.com"),
        ([("old@example.com", {}), ("new@example.com", {"consent": "given"})], "new@example.com"),
    ],
)
def test_it_goes_where_it_may(server: Any, point: Any, rename: Any, points: Any, to: str) -> None:
    for value, values in points:
        point(value, **values)
    rename("Doors")
    assert [it["To"] for it in server.letters] == [to]


@pytest.mark.parametrize("values", [None, {"valid": False}, {"consent": "withdrawn"}])
def test_without_an_address_the_step_fails_at_once_and_it_is_told(
    crm: CRM, firm: Firm, server: Any, point: Any, rename: Any, deal: Record, read: Any, values: Any
) -> None:
    if values is not None:
        point("maria@example.com", **values)
    rename("Doors")
    assert runs(crm, firm, deal) == [("failed", "the client has no e-mail address that may be used")]
    told = [it for who in (firm.lead, firm.seller, firm.head, firm.owner) for it in read(who)]
    assert [(it.text, it.rule, it.record_id) for it in told] == [
        ("The client was not written to: the client has no e-mail address that may be used", "writing", deal.id)
    ]
    assert server.letters == []


def test_what_the_server_refuses_is_tried_again_with_the_same_id(
    crm: CRM, firm: Firm, server: Any, point: Any, rename: Any, deal: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    point("maria@example.com")
    server.refuses = ["451 later"]
    really = Letters._remembered
    lost = [ConnectionError("lost")]

    def once(*given: Any) -> Any:
        if lost:
            raise lost.pop()
        return really(*given)

    monkeypatch.setattr(Letters, "_remembered", once)
    rename("Doors")
    assert server.letters == []
    crm.advance("10m")
    first, second = server.letters
    assert first["Message-ID"] == second["Message-ID"]
    assert runs(crm, firm, deal) == [("done", None)]


def inboxes(firm: Firm, read: Any) -> list[str]:
    return [it.text for who in (firm.lead, firm.seller, firm.head, firm.owner) for it in read(who)]


def test_a_letter_that_cannot_be_noted_is_sent_once_and_it_is_told(
    crm: CRM, firm: Firm, server: Any, point: Any, rename: Any, deal: Record, read: Any
) -> None:
    """The note is refused by a field of the workspace's own: the run goes on, and its step says why."""
    point("maria@example.com")
    field = {"entity": "activity", "key": "outcome", "label": "Outcome", "kind": "text", "required": True}
    with crm.work(firm.owner) as work:
        records.create(work, [Create(CustomField, values=field)])
    rename("Doors")
    crm.advance("5h")
    assert len(server.letters) == 1
    with crm.read(firm.owner) as reader:
        [run] = of_record(reader, "deal", deal.id).items
        assert reader.get(Deal, deal.id).source == "told"
    assert (run.state, [it["state"] for it in run.steps]) == ("done", ["done", "done"])
    assert "outcome" in run.steps[0]["error"]
    [told] = inboxes(firm, read)
    assert told.startswith("The client was written to, but it could not be noted here: ")


def test_a_note_that_was_lost_is_made_later_and_nothing_is_sent_again(
    crm: CRM, firm: Firm, server: Any, point: Any, rename: Any, deal: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    point("maria@example.com")
    really = Letters._noted
    lost = [ConflictError("somebody holds the database")] * 3

    def held(*given: Any) -> Any:
        if lost:
            raise lost.pop()
        return really(*given)

    monkeypatch.setattr(Letters, "_noted", held)
    rename("Doors")
    with crm.read(firm.owner) as reader:
        assert [it["state"] for it in of_record(reader, "deal", deal.id).items[0].steps] == ["sent"]
    crm.advance("10m")
    assert len(server.letters) == 1
    assert runs(crm, firm, deal) == [("done", None)]
    with crm.read(firm.seller) as reader:
        assert [it.subject for it in reader.list(Query(Activity)).rows] == ["Your order: Doors"]


def test_a_note_that_is_never_made_does_not_say_that_nobody_was_written_to(
    crm: CRM, firm: Firm, server: Any, point: Any, rename: Any, deal: Record, read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    point("maria@example.com")

    def held(*given: Any) -> Any:
        raise ConflictError("somebody holds the database")

    monkeypatch.setattr(Letters, "_noted", held)
    rename("Doors")
    crm.advance("5h")
    assert len(server.letters) == 1
    assert runs(crm, firm, deal) == [("failed", "somebody holds the database")]
    assert inboxes(firm, read) == [
        "The client was written to, but it could not be noted here: somebody holds the database"
    ]


def test_a_value_adds_no_header(crm: CRM, firm: Firm, server: Any, point: Any, rename: Any, deal: Record) -> None:
    """Line breaks of every kind that a value may hold become spaces."""
    point("maria@example.com")
    with crm.work(firm.seller) as work:
        records.update(work, [Update(Deal, deal.id, description="x")])
    rename("Doors\u2028Bcc: thief@example.com\u0085X-Evil: yes")
    [letter] = server.letters
    assert letter["Bcc"] is None
    assert letter["X-Evil"] is None
    assert letter["Subject"] == "Your order: Doors Bcc: thief@example.com X-Evil: yes"


def test_it_says_what_the_automation_may_read(server: Any, point: Any, rename: Any) -> None:
    """A plugin's automation reads nothing that is sensitive: a birthday."""
    point("maria@example.com")
    rename("Doors")
    assert "1980" not in server.texts[0]
