"""Deliveries in batches: in the order of each plugin and record, and nobody waits for others' failures."""

from __future__ import annotations

import pytest

from opencrm import Contact, Create, Update, records
from opencrm.services import queue
from opencrm.storage import tables
from opencrm.testing import make_contact


@pytest.fixture
def changed(crm, firm):
    """`changed(id, "a", "b")` sets a contact's source, one act after the other."""

    def set_(id, *sources):
        for source in sources:
            with crm.work(firm.owner) as work:
                records.update(work, [Update(Contact, id, source=source)])

    return set_


def test_many_events_of_one_record_come_in_order(crm, firm, listener, changed):
    """More of them than one batch holds."""
    ann = make_contact(crm, name="Ann")
    changed(ann.id, *(f"s{at}" for at in range(70)))
    crm.worker().run_once()
    assert listener.told == ["Ann", *(f"s{at}" for at in range(70))]


def test_a_batch_costs_few_statements(crm, firm, listener, statements, rows):
    """Fifty deliveries are claimed together and deleted together."""
    with crm.work(firm.owner) as work:
        records.create(work, [Create(Contact, name=f"C{at}") for at in range(50)])
    worker = crm.worker()
    statements.clear()
    assert worker.run_once() == 50
    print(statements)
    assert rows(tables.delivery) == []
    assert len([text for text in statements.texts if "crm_delivery" in text and "DELETE" in text]) == 1
    assert len([text for text in statements.texts if text.startswith("UPDATE crm_delivery SET state")]) <= 4


def test_what_comes_behind_a_failure_is_held(crm, firm, listener, changed, rows):
    """And comes in order once that is done; other records go on."""
    ann, bob = make_contact(crm, name="Ann"), make_contact(crm, name="Bob")
    changed(ann.id, "a1", "a2")
    listener.fails = {"a1"}
    changed(bob.id, "b1")
    crm.worker().run_once()
    assert sorted(listener.told) == ["Ann", "Bob", "b1"]
    changed(ann.id, "a3")
    crm.worker().run_once()
    assert sorted(row["state"] for row in rows(tables.delivery)) == ["held", "waiting", "waiting"]
    listener.fails = set()
    crm.advance("1m")
    crm.worker().run_once()
    assert listener.told[3:] == ["a1", "a2", "a3"]
    assert rows(tables.delivery) == []


def test_a_dead_one_holds_back_and_an_idle_worker_sleeps(crm, firm, listener, changed, rows):
    """Nothing is due while a person is to decide: the worker does not turn in circles."""
    ann = make_contact(crm, name="Ann")
    changed(ann.id, "a1")
    listener.fails = {"Ann"}
    for _ in range(queue.MOST_ATTEMPTS):
        crm.worker().run_once()
        crm.advance("1h")
    changed(ann.id, "a2")
    assert crm.worker().run_once() == 0
    assert sorted(row["state"] for row in rows(tables.delivery)) == ["dead", "held", "held"]
    with crm.database.read() as tx:
        assert queue.next_at(tx) is None


def test_two_workers_never_have_events_of_one_record_at_once(crm, firm, changed, listener):
    """What one worker claimed holds back what comes behind it from the others."""
    ann, bob = make_contact(crm, name="Ann"), make_contact(crm, name="Bob")
    changed(ann.id, "a1")
    station = _station(crm)
    station.fan_out()
    first = station.take(1)
    second = station.take(50)
    assert [one.record_id for one in first] == [ann.id]
    assert [one.record_id for one in second] == [bob.id]
    station.end(station.make(first))
    assert [one.record_id for one in station.take(50)] == [ann.id]


def _station(crm):
    from opencrm.app.working.delivering.deliveries import Deliveries

    return Deliveries(crm.workspace, crm._work)
