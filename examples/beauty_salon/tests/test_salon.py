"""Who came, how often and for how much; and who is asked after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import opencrm_salon
import pytest
from opencrm_salon import Visit

from opencrm import CRM, AtLeast, Contact, Delete, Query, Record, Restore, Task, Update, records
from opencrm.testing import finish, inbox, make_contact, make_record


@pytest.fixture
def crm_plugins() -> Sequence[object]:
    return [opencrm_salon]


@pytest.fixture
def anna(crm: CRM) -> Record:
    return make_contact(crm, name="Anna")


def visit(crm: CRM, client: Record, bill: str = "60", *, ago: int = 0) -> Record:
    """Enter a visit of today, or of so many days ago."""
    day = crm.clock.now().date() - timedelta(days=ago)
    return make_record(crm, Visit, contact_id=client.id, service="Cut", day=day, bill=bill)


def due(crm: CRM) -> list[str]:
    with crm.read(crm.sole_owner()) as reader:
        return [it.title for it in reader.list(Query(Task))]


def told(crm: CRM) -> list[str]:
    return [text for text in inbox(crm, crm.sole_owner()) if "is due" in text]


def test_how_often_somebody_comes_and_for_how_much(crm: CRM, anna: Record) -> None:
    """Kept with every visit, and lists are filtered and sorted by them."""
    visit(crm, anna, "50")
    with crm.read(crm.sole_owner()) as reader:
        assert reader.get(Contact, anna.id).salon_every is None
    crm.advance("6w")
    visit(crm, anna, "100")
    crm.advance("3w")
    visit(crm, anna, "60")
    with crm.read(crm.sole_owner()) as reader:
        [found] = reader.list(Query(Contact, where=AtLeast("salon_every", 30), sort="-salon_average_bill"))
    assert (found.salon_visits, found.salon_every, found.salon_average_bill) == (3, Decimal("31.5"), Decimal(70))
    assert found.salon_last_visit == date(2026, 5, 4)


def test_who_does_not_come_is_asked_after(crm: CRM, anna: Record) -> None:
    """A reminder after six weeks, a task after ten."""
    visit(crm, anna)
    crm.advance("41d")
    assert told(crm) == []
    crm.advance("1d")
    assert told(crm) == ["Anna is due: six weeks since the last visit"]
    crm.advance("4w")
    assert due(crm) == ["Win Anna back"]
    finish(crm, anna, "win_back")


def test_who_comes_is_left_in_peace(crm: CRM, anna: Record) -> None:
    """Each visit begins the waiting anew, also between the reminder and the task; others wait for themselves."""
    visit(crm, anna)
    visit(crm, make_contact(crm, name="Berta"))
    crm.advance("5w")
    visit(crm, anna)
    crm.advance("6w")
    assert told(crm) == [f"{name} is due: six weeks since the last visit" for name in ("Berta", "Anna")]
    visit(crm, anna)
    crm.advance("5w")
    assert due(crm) == ["Win Berta back"]


def test_it_is_counted_from_the_day_of_the_visit(crm: CRM, anna: Record) -> None:
    """A visit that is entered late; and one of long ago, of which nobody is reminded."""
    visit(crm, anna, ago=40)
    visit(crm, make_contact(crm, name="Berta"), ago=400)
    crm.advance("2d")
    assert told(crm) == ["Anna is due: six weeks since the last visit"]


def test_a_visit_entered_by_mistake_does_not_count(crm: CRM, anna: Record) -> None:
    """Taken away or put right, the waiting is that of the visit before."""
    visit(crm, anna, ago=30)
    wrong = visit(crm, anna)
    with crm.work(crm.sole_owner()) as work:
        records.delete(work, [Delete(Visit, wrong.id)])
    crm.advance("12d")
    assert len(told(crm)) == 1


def test_a_visit_of_somebody_else_is_given_to_them(crm: CRM, anna: Record) -> None:
    """It was entered for the wrong client: neither is forgotten."""
    berta = make_contact(crm, name="Berta")
    mixed_up = visit(crm, anna)
    with crm.work(crm.sole_owner()) as work:
        records.update(work, [Update(Visit, mixed_up.id, contact_id=berta.id)])
    crm.advance("6w")
    assert told(crm) == ["Berta is due: six weeks since the last visit"]


def test_who_was_deleted_is_not_asked_after(crm: CRM, anna: Record) -> None:
    """Until they are there again."""
    visit(crm, anna)
    with crm.work(crm.sole_owner()) as work:
        records.delete(work, [Delete(Contact, anna.id)])
    crm.advance("7w")
    assert told(crm) == []
    with crm.work(crm.sole_owner()) as work:
        records.restore(work, [Restore(Contact, anna.id)])
    crm.advance("3w")
    assert due(crm) == ["Win Anna back"]


def test_nothing_is_wrong_with_the_definitions(crm: CRM) -> None:
    assert crm.problems() == {}
