"""Inboxes: each person's own, with what they may read when they look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opencrm import (
    CRM,
    Assign,
    Contact,
    Deal,
    Delete,
    InputError,
    NotFound,
    PermissionDenied,
    Principal,
    Query,
    Role,
    Update,
    assigning,
    inbox,
    records,
)
from opencrm.embed import issue_token, notification_choices, principal_of
from opencrm.services.reading.rows import Record
from opencrm.testing import Firm, make_contact, make_deal

Read = Callable[..., Any]


@pytest.fixture
def renamed(crm: CRM, firm: Firm) -> Record:
    """A deal of the seller's that got another title, of which they were told."""
    contact = make_contact(crm, by=firm.seller, name="Maria Lopez")
    deal = make_deal(crm, by=firm.seller, contact_id=contact.id, amount="4800", currency="EUR", pipeline="windows")
    rename(crm, firm.owner, deal, "Doors")
    return deal


def rename(crm: CRM, by: Principal, deal: Record, title: str) -> None:
    with crm.work(by) as work:
        records.update(work, [Update(Deal, deal.id, title=title)])


def hide(crm: CRM, firm: Firm, *names: str, entity: str = "deal") -> None:
    rules = [{"entity": entity, "field": name, "read": False, "write": False} for name in names]
    with crm.work(firm.owner) as work:
        records.update(work, [Update(Role, firm.roles["firm_seller"], field_rules=rules)])


def test_a_text_stays_what_it_was(crm: CRM, firm: Firm, renamed: Record, read: Read) -> None:
    """What changes later, of the record or of those that it refers to, changes no text of before."""
    other = make_contact(crm, by=firm.seller, name="Bob Baker")
    with crm.work(firm.owner) as work:
        [maria] = [it for it in work.list(Query(Contact)) if it.name == "Maria Lopez"]
        records.update(work, [Update(Contact, maria.id, name="Maria Gomez")])
        records.update(work, [Update(Deal, renamed.id, title="Gates", amount="1", contact_id=other.id)])
        records.update(work, [Update(Deal, renamed.id, title="Roofs", contact_id=None, amount=None)])
    assert [it.text for it in read(firm.seller)] == [
        "Renamed: Roofs, EUR, by",
        "Renamed: Gates, 1 EUR, by Bob Baker",
        "Renamed: Doors, 4800 EUR, by Maria Lopez",
    ]


def test_a_record_that_a_text_told_of_may_be_read_no_longer(crm: CRM, firm: Firm, renamed: Record, read: Read) -> None:
    """Its name is kept, and is not told."""
    with crm.work(firm.owner) as work:
        [maria] = [it for it in work.list(Query(Contact)) if it.name == "Maria Lopez"]
        assigning.assign(work, [Assign(Contact, maria.id, owner=firm.stranger.id, unit=firm.units["south_shop"])])
        records.update(work, [Update(Deal, renamed.id, contact_id=None)])
    assert read(firm.seller)[0].text == "Renamed: Doors, 4800 EUR, by …"


def test_a_field_that_may_not_be_read_is_left_out(crm: CRM, firm: Firm, renamed: Record, read: Read) -> None:
    hide(crm, firm, "amount")
    [told] = read(firm.seller)
    assert told.text == "Renamed: Doors, by Maria Lopez"
    assert (told.entity, told.record_id) == ("deal", renamed.id)


def test_a_name_that_may_not_be_read_is_left_out(crm: CRM, firm: Firm, renamed: Record, read: Read) -> None:
    hide(crm, firm, "contact_id")
    assert read(firm.seller)[0].text == "Renamed: Doors, 4800 EUR, by …"


def test_a_record_that_may_not_be_read_is_not_named(crm: CRM, firm: Firm, renamed: Record, read: Read) -> None:
    with crm.work(firm.owner) as work:
        assigning.assign(work, [Assign(Deal, renamed.id, owner=firm.stranger.id, unit=firm.units["south_shop"])])
    [told] = read(firm.seller)
    assert (told.text, told.entity, told.record_id) == ("Renamed, by …", None, None)


def test_a_deleted_record_is_not_named(crm: CRM, firm: Firm, renamed: Record, read: Read) -> None:
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(Deal, renamed.id)])
    assert read(firm.seller)[0].record_id is None


def test_a_page_is_read_in_few_statements(crm: CRM, firm: Firm, renamed: Record, read: Read, statements: Any) -> None:
    for number in range(30):
        rename(crm, firm.seller, renamed, f"Doors {number}")
    statements.clear()
    assert len(read(firm.seller)) == 31
    assert len(statements.texts) <= 7, statements.texts


def test_pages_follow_each_other(crm: CRM, firm: Firm, renamed: Record) -> None:
    for number in range(5):
        rename(crm, firm.seller, renamed, f"Doors {number}")
    found, before = [], None
    with crm.read(firm.seller) as reader:
        while True:
            page = inbox.page(reader, limit=2, before=before)
            found += [it.id for it in page.items]
            if page.next is None:
                break
            before = page.next
    assert found == sorted(found, reverse=True)
    assert (len(found), page.unread) == (6, 6)


def test_an_inbox_is_ones_own(crm: CRM, firm: Firm, renamed: Record, read: Read) -> None:
    [told] = read(firm.seller)
    assert read(firm.owner) == ()
    with crm.read(firm.owner) as reader, pytest.raises(NotFound):
        inbox.get(reader, told.id)
    with crm.work(firm.owner) as work, pytest.raises(NotFound):
        inbox.mark_read(work, [told.id])
    with crm.read(Principal.system("look")) as reader, pytest.raises(PermissionDenied, match="people"):
        inbox.page(reader)


def test_what_is_read_stays_so(crm: CRM, firm: Firm, renamed: Record, read: Read) -> None:
    rename(crm, firm.seller, renamed, "Gates")
    newer, older = read(firm.seller)
    with crm.work(firm.seller) as work:
        assert inbox.mark_read(work, [older.id]) == 1
        assert inbox.mark_read(work, [older.id]) == 0
    assert [it.id for it in read(firm.seller, unread=True)] == [newer.id]
    with crm.work(firm.seller) as work:
        assert inbox.mark_all_read(work, until=older.id) == 0
        assert inbox.mark_all_read(work) == 1
    assert read(firm.seller, unread=True) == ()
    assert len(read(firm.seller)) == 2


def test_the_tag_changes_with_what_comes_and_what_is_read(
    crm: CRM, firm: Firm, renamed: Record, read: Read, statements: Any
) -> None:
    def tag() -> str:
        with crm.read(firm.seller) as reader:
            statements.clear()
            found = inbox.tag(reader)
            assert len(statements.texts) == 1
            return found

    seen = [tag(), tag()]
    rename(crm, firm.seller, renamed, "Gates")
    seen.append(tag())
    with crm.work(firm.seller) as work:
        inbox.mark_read(work, [read(firm.seller)[0].id])
    seen.append(tag())
    with crm.work(firm.seller) as work:
        notification_choices.choose(work, "rule", "inbox", wanted=False)
    seen.append(tag())
    assert len(set(seen)) == 4
    assert seen[0] == seen[1]


def test_what_is_not_wanted_is_not_shown(crm: CRM, firm: Firm, renamed: Record, read: Read) -> None:
    with crm.work(firm.seller) as work:
        notification_choices.choose(work, "rule", "inbox", wanted=False)
    with crm.read(firm.seller) as reader:
        assert inbox.page(reader) == inbox.InboxPage((), 0, None)
        chosen = {(it.kind, it.channel): it.wanted for it in notification_choices.of(reader)}
    assert chosen["rule", "inbox"] is False
    assert chosen["task", "mail"] is False
    assert chosen["report", "mail"] is True


def test_a_choice_of_something_else_is_refused(crm: CRM, firm: Firm) -> None:
    with crm.work(firm.seller) as work, pytest.raises(InputError) as refused:
        notification_choices.choose(work, "gossip", "pigeon", wanted=True)
    assert set(refused.value.fields) == {"kind", "channel"}


def test_a_narrowed_key_reads_what_it_may_and_marks_nothing(crm: CRM, firm: Firm, renamed: Record, read: Read) -> None:
    with crm.work(firm.owner) as work:
        key = principal_of(issue_token(work, firm.seller.id, label="x", scopes=["contact.read"]))
    [told] = read(key)
    assert (told.text, told.record_id) == ("Renamed, by …", None)
    with crm.work(key) as work, pytest.raises(PermissionDenied, match="narrowed"):
        inbox.mark_all_read(work)


@pytest.mark.parametrize("given", [{"limit": 0}, {"limit": 201}, {"before": "x"}])
def test_what_cannot_be_used_is_named(crm: CRM, firm: Firm, given: dict[str, Any]) -> None:
    with crm.read(firm.seller) as reader, pytest.raises(InputError) as refused:
        inbox.page(reader, **given)
    assert set(refused.value.fields) == set(given)
