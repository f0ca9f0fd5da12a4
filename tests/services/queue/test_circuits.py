"""A plugin that fails again and again is left alone; its owner sees it, and it is told all in the end."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from opencrm import Grant, Scope, hookimpl
from opencrm.app.working.delivering.deliveries import Deliveries
from opencrm.services import queue
from opencrm.services.queue import circuits, overview
from opencrm.services.queue.circuits import MOST_FAILURES, Outcome
from opencrm.storage import tables
from opencrm.testing import make_contact


def test_a_circuit_opens_and_closes_after_a_success(crm, firm, listener, rows, caplog):
    """Nothing is tried in between but one now and then, so that nothing dies of an outage."""
    for at in range(30):
        make_contact(crm, name=f"C{at}")
    listener.broken = True
    with caplog.at_level(logging.WARNING, "opencrm.worker"):
        crm.worker().run_once()
    assert "times in a row" in caplog.text
    with crm.read(firm.owner) as reader:
        [circuit] = overview.broken(reader)
    assert (circuit.plugin, circuit.failures >= MOST_FAILURES) == ("listener", True)
    assert "listener" in crm.problems()
    make_contact(crm, name="later")
    assert crm.worker().run_once() == 0
    for _ in range(20):
        crm.advance("15m")
        assert crm.worker().run_once() <= 1
    assert {row["state"] for row in rows(tables.delivery)} <= {"waiting", "dead"}
    listener.broken = False
    for _ in range(3):
        crm.advance("1h")
        crm.worker().run_once()
    assert "listener" not in crm.problems()
    with crm.database.read() as tx:
        assert circuits.known(tx) == []
    dead = [row for row in rows(tables.delivery) if row["state"] == "dead"]
    assert len(listener.told) == 31 - len(dead)
    assert len(dead) <= 3


class TestTwoAtOnce:
    """Two workers that write down at once how plugins fared."""

    @pytest.fixture
    def crm_plugins(self):
        return [Broken("first"), Broken("second")]

    @pytest.fixture
    def failures(self, crm, firm):
        """Gives failures of deliveries, claimed by somebody each: `failures("first")`."""
        make_contact(crm, name="Ann")
        make_contact(crm, name="Bob")
        station = Deliveries(crm.workspace, crm._work)
        station.fan_out()
        claimed = [one for _ in range(4) for one in station.take(1)]
        found = {name: [it for it in claimed if it.plugin == name] for name in ("first", "second")}
        return lambda name: queue.Failure(found[name].pop(), "broken")

    def test_no_failure_is_lost(self, crm, failures):
        """Each adds its own to what stands there."""
        one, other = failures("first"), failures("first")
        with Meanwhile() as meanwhile, crm.database.write() as tx:
            finish(tx, crm, one)
            meanwhile.do(lambda: ended(crm, other))
        with crm.database.read() as tx:
            assert [(it.plugin, it.failures) for it in circuits.known(tx)] == [("first", 2)]

    def test_they_never_wait_for_each_other(self, crm, failures):
        """Whatever the order in which the plugins failed."""
        mine, theirs = [failures("first"), failures("second")], [failures("second"), failures("first")]
        with Meanwhile() as meanwhile, crm.database.write() as tx:
            finish(tx, crm, mine[0])
            meanwhile.do(lambda: ended(crm, *theirs))
            finish(tx, crm, mine[1])
        with crm.database.read() as tx:
            assert [(it.plugin, it.failures) for it in circuits.known(tx)] == [("first", 2), ("second", 2)]

    def test_whoever_tries_an_open_one_waits_for_nobody_who_closes_it(self, crm, failures):
        """Who writes down how it fares goes on to claim, and would wait for them in turn."""
        with crm.database.write() as tx:
            circuits.ended(tx, {"first": Outcome(failures=MOST_FAILURES)}, crm.clock.now())
        crm.advance("1m")
        with Meanwhile() as meanwhile, crm.database.write() as tx:
            finish(tx, crm, failures("first"))
            meanwhile.do(lambda: claimed(crm))
            queue.claim(tx, crm.workspace.ids.new(), crm.clock.now())

    def test_a_batch_of_failures_opens_a_circuit_once(self, crm):
        """Also where it leaps over the number."""
        told = []
        for number in (MOST_FAILURES - 3, 5, 5):
            with crm.database.write() as tx:
                told += circuits.ended(tx, {"first": Outcome(failures=number, error="x")}, crm.clock.now())[0]
        assert [(it.plugin, it.failures, it.open) for it in told] == [("first", MOST_FAILURES + 2, True)]


class Broken:
    """A plugin that fails."""

    def __init__(self, name):
        self.name = name

    @hookimpl
    def opencrm_register_grants(self):
        yield Grant("contact", "read", Scope.ALL)

    @hookimpl(entity="contact")
    def opencrm_on_change(self, entry, door):
        raise ValueError


class Meanwhile:
    """Does something in another thread, which is done before the block ends."""

    def __init__(self):
        self._threads = ThreadPoolExecutor(1)
        self._done = []

    def __enter__(self):
        return self

    def do(self, what):
        """Begin, and give it time to come to where it has to wait."""
        self._done.append(self._threads.submit(what))
        wait(self._done, 0.5)

    def __exit__(self, *_):
        self._threads.shutdown()
        for it in self._done:
            it.result()


def finish(tx, crm, *failures):
    queue.finish(tx, [], failures, [], crm.clock.now())


def ended(crm, *failures):
    with crm.database.write() as tx:
        finish(tx, crm, *failures)


def claimed(crm):
    with crm.database.write() as tx:
        return queue.claim(tx, crm.workspace.ids.new(), crm.clock.now())
