"""The queue's work over a real broker: each once, in order, and what the broker loses is sent again."""

from __future__ import annotations

import pytest

from opencrm import (
    Activity,
    ConfigurationError,
    Contact,
    Create,
    Grant,
    Rule,
    Scope,
    Update,
    changed,
    create,
    hookimpl,
    records,
    wait,
)
from opencrm.app.working.delivering.dispatching import ON_ITS_WAY, Parcel
from opencrm.plugins.dramatiq.engine import QUEUE, actor_of, broker_at, sending
from opencrm.storage import tables
from opencrm.testing import make_contact


class Listener:
    """Notes what it is told; a rule of it waits, and then writes."""

    name = "listener"

    def __init__(self) -> None:
        self.told: list[str] = []

    @hookimpl
    def opencrm_register_grants(self):
        yield Grant("contact", "read", Scope.ALL)

    @hookimpl
    def opencrm_register_rules(self):
        yield Rule("later", on=changed(Contact, "source"), do=[wait("1m"), create(Activity, subject="later")])

    @hookimpl(entity="contact")
    def opencrm_on_change(self, entry):
        self.told.append(entry.after.get("name") or entry.after["source"])


@pytest.fixture
def listener():
    return Listener()


@pytest.fixture
def crm_plugins(listener):
    return [listener]


@pytest.fixture
def broker(broker_url):
    """A broker whose queue is empty."""
    found = broker_at(broker_url)
    found.declare_queue(QUEUE)
    found.flush(QUEUE)
    yield found
    found.close()


@pytest.fixture
def worked(crm, broker):
    """`worked()` has a dramatiq worker do all that was sent."""
    import dramatiq

    actor_of(broker, crm)

    def work():
        worker = dramatiq.Worker(broker, worker_timeout=50, worker_threads=4)
        worker.start()
        try:
            broker.join(QUEUE)
            worker.join()
        finally:
            worker.stop()

    return work


@pytest.fixture
def sent(crm, broker):
    """`sent()` sends what waits; returns how many messages it took."""
    return crm.sender(sending(broker, crm)).run_once


def test_deliveries_and_runs_are_done_over_the_broker(crm, firm, listener, sent, worked, rows):
    """A record's events go in one message, in order; what a rule waits for goes when its time comes."""
    ann = make_contact(crm, name="Ann")
    with crm.work(firm.owner) as work:
        records.create(work, [Create(Contact, name=f"C{at}") for at in range(100)])
    for source in ("a1", "a2"):
        with crm.work(firm.owner) as work:
            records.update(work, [Update(Contact, ann.id, source=source)])
    while sent():
        worked()
    assert len(listener.told) == 103
    assert [it for it in listener.told if it in ("Ann", "a1", "a2")] == ["Ann", "a1", "a2"]
    crm.clock.advance(ON_ITS_WAY)
    while sent():
        worked()
    with crm.read(firm.owner) as reader:
        assert reader.count(Activity) == 2
    assert rows(tables.delivery) == []
    assert {row["state"] for row in rows(tables.run)} == {"done"}


def test_a_lost_message_is_sent_again(crm, firm, listener, broker, sent, worked, rows):
    """The row stays until the handler is done."""
    make_contact(crm, name="Ann")
    assert sent() == 1
    broker.flush(QUEUE)
    worked()
    assert (listener.told, len(rows(tables.delivery))) == ([], 1)
    assert sent() == 0
    crm.clock.advance(ON_ITS_WAY * 2)
    assert sent() == 1
    worked()
    assert (listener.told, rows(tables.delivery)) == (["Ann"], [])


def test_a_message_that_comes_twice_is_done_once(crm, firm, listener):
    """Whoever takes it over first does it."""
    parcels: list[Parcel] = []
    make_contact(crm, name="Ann")
    crm.sender(parcels.append).run_once()
    [parcel] = parcels
    again = Parcel.of(parcel.plain())
    assert (crm.perform(parcel), crm.perform(again)) == (1, 0)
    assert listener.told == ["Ann"]


def test_a_broker_of_no_known_kind_is_refused():
    """With what may be used."""
    with pytest.raises(ConfigurationError, match="redis"):
        broker_at("kafka://somewhere")
