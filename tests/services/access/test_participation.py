"""Participation: whoever has an open task may read its record until the task closes or goes to somebody else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opencrm import Assign, Contact, Deal, Delete, PermissionDenied, Query, assigning, records
from opencrm.services.reading.planning import plans
from opencrm.testing import make_contact, make_deal, make_task


@pytest.fixture
def deal(crm, firm):
    """A deal of the seller, with a client."""
    contact = make_contact(crm, by=firm.seller)
    return make_deal(crm, by=firm.seller, contact_id=contact.id)


@pytest.fixture
def task(crm, firm, deal):
    """A task of the fitter with that deal, given by their common head."""
    return make_task(crm, by=firm.head, deal_id=deal.id, owner_id=firm.fitter.id)


def test_the_record_of_an_open_task_can_be_read(crm, firm, deal, task, sees):
    """And its client, whom the deal carries; not changed, and by nobody else."""
    assert sees(firm.fitter, deal)
    assert not sees(firm.stranger, deal)
    with crm.read(firm.fitter) as reader:
        assert reader.get(Contact, deal.contact_id).id == deal.contact_id


def test_reading_is_all_that_it_gives(firm, deal, task, change):
    """A task gives no right to change its record."""
    with pytest.raises(PermissionDenied):
        change(firm.fitter, deal, title="Doors")


@pytest.mark.parametrize("state", ["done", "cancelled"])
def test_it_ends_with_the_task(firm, deal, task, sees, change, state):
    """Invariant 15: a closed task gives nothing; an open one that is paused does."""
    change(firm.fitter, task, state="started")
    change(firm.fitter, task, state="paused")
    assert sees(firm.fitter, deal)
    change(firm.fitter, task, state=state)
    assert not sees(firm.fitter, deal)


def test_it_goes_over_with_the_task(crm, firm, deal, task, sees):
    """Invariant 15: to whoever has it now."""
    with crm.work(firm.owner) as work:
        assigning.assign(work, [Assign(task.entity and work.entity("task"), task.id, owner=firm.stranger.id)])
    assert not sees(firm.fitter, deal)
    assert sees(firm.stranger, deal)


def test_it_ends_when_the_task_is_deleted(crm, firm, deal, task, sees):
    """Invariant 15: a deleted task is none."""
    with crm.work(firm.owner) as work:
        records.delete(work, [Delete(work.entity("task"), task.id)])
    assert not sees(firm.fitter, deal)


def test_pages_go_on_over_all_ways(crm, firm):
    """A list of own deals and of those that one has tasks with is one list: nothing twice, nothing left out."""
    wanted = set()
    for at in range(12):
        crm.advance(timedelta(minutes=1))
        deal = make_deal(crm, by=firm.fitter if at % 3 else firm.seller, title=f"D{at}")
        if at % 2:
            make_task(crm, by=firm.head, deal_id=deal.id, owner_id=firm.fitter.id)
        if at % 3 or at % 2:
            wanted.add(deal.id)
    with crm.read(firm.fitter) as reader:
        found, cursor = [], None
        while True:
            page = reader.list(Query(Deal, limit=3, cursor=cursor, sort="-created_at"))
            found += [row.id for row in page]
            cursor = page.next
            if cursor is None:
                break
    assert len(found) == len(set(found))
    assert set(found) == wanted


def test_a_workspaces_own_reference_opens_nothing(crm, firm, deal, sees):
    """A custom field that names a record is no reason to read it; lists go on."""
    from opencrm import Create, CustomField

    values = {"entity": "task", "key": "about", "label": "About", "kind": "reference", "reference_to": "deal"}
    with crm.work(firm.owner) as work:
        records.create(work, [Create(CustomField, values=values)])
    make_task(crm, by=firm.owner, about=deal.id, owner_id=firm.fitter.id)
    assert not sees(firm.fitter, deal)


def test_tasks_are_found_by_an_index(crm):
    """By whose they are and what they name: everybody's list of deals asks for them."""
    from opencrm import Task

    names = {index.name for index in Task.__table__.indexes}
    assert {f"ix_crm_task_owner_id_{name}" for name in ("deal_id", "contact_id", "company_id")} <= names


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "title", "-amount", "expected_close"])
def test_both_shapes_of_a_list_give_the_same_rows(crm, firm, share, stand_in, monkeypatch, sort):
    """Arms merged off their indexes, or a walk: over units, tasks, shares and a deputyship alike."""
    for at in range(20):
        crm.advance(timedelta(minutes=1))
        by = (firm.fitter, firm.seller, firm.stranger)[at % 3]
        deal = make_deal(
            crm, by=by, title=f"D{at % 4}", amount=at % 5 or None, expected_close=f"2026-04-{at % 7 + 1:02}"
        )
        if at % 4 == 1:
            make_task(crm, by=firm.owner, deal_id=deal.id, owner_id=firm.fitter.id)
        if at % 5 == 2 and by is not firm.fitter:
            share(by, deal, firm.fitter, "read")
    stand_in(firm.stranger, firm.fitter, ["deal"])
    found = []
    for most in (plans.MOST_ARMS, 0):
        monkeypatch.setattr(plans, "MOST_ARMS", most)
        monkeypatch.setattr(plans, "MANY_ARMS", 1 if most == 0 else plans.MANY_ARMS)
        with crm.read(firm.fitter) as reader:
            found.append(pages(reader, sort))
    assert len(found[0]) > 13
    assert found[0] == found[1]


def pages(reader, sort):
    """Return the ids of all pages of a list."""
    ids, cursor = [], None
    while True:
        page = reader.list(Query(Deal, limit=4, cursor=cursor, sort=sort))
        ids += [row.id for row in page]
        cursor = page.next
        if cursor is None:
            return ids
