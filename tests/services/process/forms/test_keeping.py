"""What was sent is kept, whatever refuses it; and somebody is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from opencrm import (
    CRM,
    Activity,
    Assign,
    Contact,
    Deal,
    Delete,
    Objection,
    PermissionDenied,
    Pipeline,
    Principal,
    Rule,
    Stage,
    Unavailable,
    WebForm,
    assign,
    assigning,
    hookimpl,
    move,
    pick,
    records,
    submitted,
)
from opencrm.embed import timeline
from opencrm.services.notifying import inbox
from opencrm.services.process.submitting.forms import Given
from opencrm.services.process.submitting.keeping import Submission, submissions
from opencrm.services.reading.rows import Record
from opencrm.testing import Firm, make_deal

Send = Callable[..., Submission]
AllOf = Callable[..., list[Record]]
ANN = {"name": "Ann", "email": "ann@example.com", "message": "Three windows"}
FULL = Pipeline("leads", [Stage("new", limit=1), Stage("won", kind="won")], moves={("new", "won")})
LEAD = WebForm("lead", ["name", "email", "phone", "message"], pipeline="leads", optional=["phone", "message"])
CALL = WebForm(
    "call_me", ["phone"], pipeline="leads", owner=pick("firm_lead", within="south"), unit="north_shop", seconds=0
)
VISIT = WebForm("see_me", ["phone"], pipeline="leads", owner=pick("firm_lead", within="south"), unit="north_shop")
NEWS = WebForm("news", ["description"], about="deal", label="News {of} yours")


class Trouble:
    """A plugin whose stage is soon full, and whose checks and rules break as they are told."""

    name = "trouble"
    broken = ""

    @hookimpl
    def opencrm_register_pipelines(self) -> Iterator[Pipeline]:
        yield FULL

    @hookimpl
    def opencrm_register_forms(self) -> Iterator[WebForm]:
        yield from (LEAD, CALL, VISIT, NEWS)

    @hookimpl
    def opencrm_register_rules(self) -> Iterator[Rule]:
        yield Rule("trouble_news", on=submitted("news"), do=[move("nowhere")])
        yield Rule("trouble_visit", on=submitted("see_me"), do=[assign(pick("firm_seller", within="north_shop"))])

    @hookimpl
    def opencrm_check_change(self, changes: Any) -> Iterator[Objection]:
        for change in changes:
            if change.entity == self.broken:
                raise RuntimeError(f"no {self.broken}")
        yield from ()


@pytest.fixture
def trouble() -> Trouble:
    return Trouble()


@pytest.fixture
def crm_plugins(trouble: Trouble) -> Sequence[object]:
    return [trouble]


def told(crm: CRM, who: Principal) -> list[tuple[str, str | None]]:
    with crm.read(who) as reader:
        return [(it.text, it.entity) for it in inbox.page(reader).items]


def test_a_full_stage_loses_nobody(crm: CRM, firm: Firm, send: Send, all_of: AllOf) -> None:
    """The person and an activity are there, the answers are kept, and the owners know."""
    send("lead", name="Bob", email="bob@example.com")
    sent = send("lead", **ANN)
    assert [it.title for it in all_of(Deal)] == ["Lead"]
    [note] = all_of(Activity)
    ann = next(it for it in all_of(Contact) if it.name == "Ann")
    assert note.body == "Three windows\n\nYour name: Ann\nE-mail: ann@example.com"
    assert (note.contact_id, sent.entity, sent.record_id, sent.contact_id) == (ann.id, "contact", ann.id, ann.id)
    assert "full" in str(sent.error)
    assert told(crm, firm.owner) == [("Lead: what was sent of Ann is kept, and has to be seen to by hand", "contact")]
    with crm.read(firm.owner) as reader:
        [found] = submissions(reader, Contact, ann.id)
    assert (dict(found.values), found.error) == (ANN, sent.error)
    assert [it.id for it in crm.forms.refused(firm.owner)] == [sent.id]
    with pytest.raises(PermissionDenied, match="only an owner"):
        crm.forms.refused(firm.head)


@pytest.mark.parametrize("broken, kept", [("deal", "contact"), ("contact", None), ("activity", None)])
def test_a_check_that_breaks_loses_nobody(
    crm: CRM, firm: Firm, trouble: Trouble, send: Send, all_of: AllOf, broken: str, kept: str | None
) -> None:
    """Where not even a contact can be made the answers stay, for the owners."""
    trouble.broken = broken
    sent = send("lead", **ANN)
    assert (all_of(Deal), len(all_of(Contact)), sent.contact_id is None) == ([], kept is not None, kept is None)
    [found] = crm.forms.refused(firm.owner)
    assert (dict(found.values), f"no {broken}" in str(found.error)) == (ANN, True)
    assert [entity for _, entity in told(crm, firm.owner)] == [kept]


def test_a_stranger_is_thanked_and_twice_is_once(crm: CRM, firm: Firm, trouble: Trouble) -> None:
    trouble.broken = "deal"
    token = crm.forms.describe("lead").token
    crm.advance("1m")
    for _ in range(2):
        assert crm.forms.receive("lead", Given(answers=ANN, token=token)).thanks
    assert (len(crm.forms.refused(firm.owner)), len(told(crm, firm.owner))) == (1, 1)


def test_where_nobody_is_found_who_could_have_it_somebody_is_told(crm: CRM, firm: Firm, all_of: AllOf) -> None:
    """In the same transaction, and whoever sent it is thanked as ever."""
    shown = crm.forms.describe("call_me")
    thanks = crm.forms.receive("call_me", Given(answers={"phone": "020 7183 8750"}, token=shown.token)).thanks
    [deal] = all_of(Deal)
    assert (deal.owner_id, thanks) == (None, CALL.thanks)
    assert told(crm, firm.head) == [("Call me: Nobody was found who could have this", "deal")]
    assert told(crm, firm.owner) == []


def test_where_a_rule_finds_somebody_nobody_is_told(crm: CRM, firm: Firm, send: Send, all_of: AllOf) -> None:
    send("see_me", phone="020 7183 8750")
    assert [it.owner_id for it in all_of(Deal)] == [firm.seller.id]
    assert told(crm, firm.head) == []


def test_about_a_record_it_is_an_activity_of_it(crm: CRM, firm: Firm, all_of: AllOf) -> None:
    """Of a stranger with a link; the record's owner is told."""
    deal = make_deal(crm, by=firm.seller, pipeline="leads", title="Windows")
    link, token = crm.forms.link(firm.seller, "news", deal.id), crm.forms.describe("news").token
    crm.advance("1m")
    crm.forms.receive("news", Given(answers={"description": "They came"}, record=link, token=token))
    [note] = all_of(Activity)
    assert (note.deal_id, note.body, all_of(Deal)[0].description) == (deal.id, "Description: They came", None)
    assert told(crm, firm.seller) == [
        ("News (of) yours: what was sent of Windows is kept, and has to be seen to by hand", "deal")
    ]


def test_about_a_record_that_is_gone_it_is_kept(crm: CRM, firm: Firm) -> None:
    """The link is still good."""
    deal = make_deal(crm, by=firm.seller, pipeline="leads")
    link, token = crm.forms.link(firm.seller, "news", deal.id), crm.forms.describe("news").token
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Deal, deal.id)])
    crm.advance("1m")
    crm.forms.receive("news", Given(answers={"description": "They came"}, record=link, token=token))
    [found] = crm.forms.refused(firm.owner)
    assert (dict(found.values), found.record_id) == ({"description": "They came"}, deal.id)


def test_a_database_that_is_away_is_told(crm: CRM, firm: Firm, trouble: Trouble, monkeypatch: Any) -> None:
    """There is nothing to keep it in."""

    def away(*_: Any) -> Any:
        raise Unavailable("the database is away")

    token = crm.forms.describe("lead").token
    crm.advance("1m")
    monkeypatch.setattr(crm.forms, "_work", away)
    with pytest.raises(Unavailable):
        crm.forms.receive("lead", Given(answers=ANN, token=token))


def test_who_writes_again_is_heard_of(crm: CRM, firm: Firm, send: Send, all_of: AllOf) -> None:
    """By the open deal's owner; where it has none, by the owners of the workspace."""
    send("lead", **ANN)
    assert told(crm, firm.owner) == []
    send("lead", **ANN)
    assert told(crm, firm.owner) == [("Lead: somebody wrote about Lead", "deal")]
    with crm.work(firm.owner) as work:
        assigning.assign(work, [Assign(Deal, all_of(Deal)[0].id, owner=firm.seller.id)])
    send("lead", **ANN)
    assert told(crm, firm.seller) == [("Lead: somebody wrote about Lead", "deal")]
    with crm.read(firm.seller) as reader:
        assert [it.kind for it in inbox.page(reader).items] == ["form"]


def test_what_came_stands_on_the_timeline(crm: CRM, firm: Firm, send: Send, all_of: AllOf) -> None:
    """Of the deal and of the contact: the sending, what it made, and who was told."""
    send("lead", **ANN)
    send("lead", **ANN)
    [deal], [contact] = all_of(Deal), all_of(Contact)
    with crm.read(firm.owner) as reader:
        of_deal = [(it.kind, it.entity, it.rule) for it in timeline(reader, Deal, deal.id)]
        of_contact = [(it.kind, it.entity, it.rule) for it in timeline(reader, Contact, contact.id)]
    assert of_deal.count(("submitted", "deal", "lead")) == 2
    assert {("created", "deal", "lead"), ("created", "activity", "lead"), ("told", "deal", "lead")} <= {*of_deal}
    assert {("created", "contact", "lead"), ("created", "deal", "lead")} <= {*of_contact}
