"""Leases: prolonged while work goes on, and what somebody else took is not written by the one who lost it."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from opencrm import Contact, Query, Update, records
from opencrm.app.working import keeping
from opencrm.app.working.delivering.deliveries import Deliveries
from opencrm.app.working.keeping import Keeper
from opencrm.services import queue
from opencrm.services.queue.leases import backoff
from opencrm.storage import tables
from opencrm.testing import make_contact


@pytest.mark.parametrize(
    "failures, given, seconds",
    [
        (1, {}, 5),
        (2, {}, 10),
        (8, {}, 640),
        (3, {"first": timedelta(seconds=30)}, 120),
        (9, {"first": timedelta(seconds=30), "longest": timedelta(minutes=15)}, 900),
        (5000, {}, 5120),
    ],
)
def test_what_failed_is_left_alone_for_twice_as_long_each_time(failures, given, seconds):
    """As long as is said at the most; and no number of failures is too large to be counted with."""
    assert backoff(failures, **given) == timedelta(seconds=seconds)


@pytest.fixture
def station(crm):
    return Deliveries(crm.workspace, crm._work)


def test_a_lost_lease_keeps_the_losers_changes_out(crm, firm, listener, station, rows, caplog):
    """Neither its `once` nor its rows are kept; whoever took the delivery over does it, once."""

    def late(door, entry):
        listener.doing = doing
        crm.advance(queue.LEASE * 2)
        winner = Deliveries(crm.workspace, crm._work)
        winner.end(winner.make(winner.take(50)))
        doing(door, entry)

    def doing(door, entry):
        with door.work() as work:
            if door.once(work, entry.entry_id):
                records.update(work, [Update(Contact, entry.record_id, source="told")])

    ann = make_contact(crm, name="Ann")
    station.fan_out()
    listener.doing = late
    with caplog.at_level(logging.WARNING, "opencrm.worker"):
        station.end(station.make(station.take(50)))
    with crm.database.read() as tx:
        assert len(tx.query("keys", lambda: select(tables.once), {})) == 1
    assert "taken by another worker" in caplog.text
    with crm.read(firm.owner) as reader:
        assert [it.id for it in reader.list(Query(Contact)) if it.source == "told"] == [ann.id]
    assert rows(tables.delivery) == []


def test_what_a_worker_took_and_lost_is_made_after_its_lease(crm, firm, listener, station, rows):
    """A process that dies loses nothing."""
    make_contact(crm, name="Ann")
    station.fan_out()
    assert len(station.take(50)) == 1
    assert crm.worker().run_once() == 0
    crm.advance(queue.LEASE + timedelta(seconds=1))
    crm.worker().run_once()
    assert (listener.told, rows(tables.delivery)) == (["Ann"], [])


def test_what_loses_its_worker_every_time_is_left_for_a_person(crm, firm, listener, station, rows):
    """A delivery that kills whoever makes it does not do so for ever."""
    make_contact(crm, name="Ann")
    station.fan_out()
    for _ in range(queue.MOST_ATTEMPTS):
        assert len(station.take(50)) == 1
        crm.advance(queue.LEASE + timedelta(seconds=1))
    assert station.take(50) == []
    [dead] = rows(tables.delivery)
    assert (dead["state"], dead["error"]) == ("dead", "the worker was lost at every attempt")


def test_a_lease_is_prolonged(crm, firm, station, rows):
    """Whoever still works on it keeps it."""
    make_contact(crm, name="Ann")
    station.fan_out()
    [one] = station.take(50)
    crm.advance(queue.LEASE / 2)
    with crm.database.write() as tx:
        assert queue.prolong(tx, one.lease, crm.clock.now()) == 1
    crm.advance(queue.LEASE - timedelta(seconds=1))
    assert station.take(50) == []


def test_prolonging_goes_on_after_an_error():
    """While the block runs, and no longer."""
    beats, enough = [], threading.Event()

    def beat():
        beats.append(1)
        if len(beats) >= 3:
            enough.set()
        raise ValueError

    with Keeper().prolonging(beat, 0.001):
        assert enough.wait(10)
    number = len(beats)
    assert number >= 3
    assert len(beats) == number


def test_leases_share_a_thread_that_ends_after_them(monkeypatch):
    """A thread for each batch costs more than a small batch; one that stays would keep a worker that sleeps awake."""
    keeper, threads = Keeper(), set()
    for _ in range(20):
        with keeper.prolonging(lambda: None, 20):
            threads.add(keeper._thread)
    assert len(threads) == 1
    monkeypatch.setattr(keeping, "_LINGERS", 0.01)
    threads.pop().join(10)
    assert keeper._thread is None


def test_a_lease_that_ends_soon_is_prolonged_in_time_though_the_thread_sleeps(monkeypatch):
    """It is woken for that."""
    monkeypatch.setattr(keeping, "_LINGERS", 60)
    keeper, beaten = Keeper(), threading.Event()
    with keeper.prolonging(lambda: None, 60), keeper.prolonging(beaten.set, 0.01):
        assert beaten.wait(10)


def test_a_worker_told_to_stop_gives_back_what_it_did_not_begin(crm, firm, listener, station, rows):
    """Others may have it at once."""
    stop = threading.Event()
    station.heed(stop)
    listener.doing = lambda *_: stop.set()
    make_contact(crm, name="Ann")
    make_contact(crm, name="Bob")
    Deliveries(crm.workspace, crm._work).fan_out()
    assert station.work() == 1
    [left] = rows(tables.delivery)
    assert (left["state"], left["attempts"], left["lease"]) == ("waiting", 0, None)
