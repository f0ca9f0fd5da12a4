"""The queue as people see it: owners retry and drop, others see what waits of a record."""

from __future__ import annotations

import pytest

from opencrm import Contact, Grant, InputError, NotFound, PermissionDenied, Scope, Update, hookimpl, records
from opencrm.services import queue
from opencrm.services.queue import circuits, overview
from opencrm.testing import make_contact


@pytest.fixture
def dead(crm, firm, listener):
    """A contact of the seller's whose first delivery is dead; gives the contact."""
    ann = make_contact(crm, by=firm.seller, name="Ann")
    listener.fails = {"Ann"}
    for _ in range(queue.MOST_ATTEMPTS):
        crm.worker().run_once()
        crm.advance("1h")
    return ann


def test_an_owner_sees_what_is_dead_and_has_it_tried_again(crm, firm, listener, dead):
    """With its error, how many there are, and since when."""
    with crm.read(firm.owner) as reader:
        [one] = overview.waiting(reader, state="dead")
        [count] = overview.counts(reader)
    assert (one.plugin, one.record_id, one.attempts) == ("listener", dead.id, queue.MOST_ATTEMPTS)
    assert "cannot take Ann" in one.error
    assert (count.kind, count.name, count.state, count.number, count.oldest) == (
        "plugin",
        "listener",
        "dead",
        1,
        one.at,
    )
    listener.fails = set()
    with crm.work(firm.owner) as work:
        assert overview.retry(work, id=one.id) == 1
    crm.worker().run_once()
    assert listener.told == ["Ann"]


def test_all_of_a_plugin_are_tried_again(crm, firm, listener, dead):
    """What was held back behind them comes too."""
    make_contact(crm, name="Bob")
    listener.fails = set()
    with crm.work(firm.owner) as work:
        assert overview.retry(work, plugin="other") == 0
        assert overview.retry(work, plugin="listener") == 1
    crm.worker().run_once()
    assert listener.told == ["Ann", "Bob"]


class TestChannels:
    """What fails of a plugin with channels stands as theirs."""

    @pytest.fixture
    def crm_plugins(self):
        return [Posting()]

    @pytest.fixture
    def failed(self, crm, firm):
        """A contact of which two of the plugin's three channels could not be told."""
        ann = make_contact(crm, name="Ann")
        for _ in range(queue.MOST_ATTEMPTS):
            crm.worker().run_once()
            crm.advance("1h")
        return ann

    def test_all_of_a_plugin_are_those_of_its_channels(self, crm, firm, failed):
        """They are listed, tried again, and their circuits closed; so are those of one channel by its name."""
        with crm.read(firm.owner) as reader:
            listed = overview.waiting(reader, plugin="posting")
            assert [it.plugin for it in listed] == ["posting:a", "posting:b"]
            assert len(overview.waiting(reader, plugin="posting:a")) == 1
            assert overview.waiting(reader, plugin="post") == []
        with crm.work(firm.owner) as work:
            assert overview.retry(work, plugin="posting:a") == 1
            assert overview.retry(work, plugin="post") == 0
            assert [it.plugin for it in circuits.known(work.tx)] == ["posting:b"]
            assert overview.retry(work, plugin="posting") == 1
            assert circuits.known(work.tx) == []

    def test_what_is_held_back_behind_them_waits_again(self, crm, firm, failed):
        """As of every plugin."""
        with crm.work(firm.owner) as work:
            records.update(work, [Update(Contact, failed.id, name="Bea")])
        crm.worker().run_once()
        with crm.read(firm.owner) as reader:
            assert [it.plugin for it in overview.waiting(reader, state="held")] == ["posting:a", "posting:b"]
        with crm.work(firm.owner) as work:
            overview.retry(work, plugin="posting")
        with crm.read(firm.owner) as reader:
            assert overview.waiting(reader, state="held") == []


class Posting:
    """A plugin with three channels, of which two fail."""

    name = "posting"

    @hookimpl
    def opencrm_register_grants(self):
        yield Grant("contact", "read", Scope.ALL)

    @hookimpl(entity="contact")
    def opencrm_on_change(self, entry, door):
        if door.channel is None:
            with door.work() as work:
                door.pass_on(work, ["a", "b", "c"])
        elif door.channel != "c":
            raise ValueError("away")


def test_what_is_dropped_stays_on_the_record_with_the_reason(crm, firm, listener, dead):
    """And no longer holds back what comes behind it."""
    with crm.read(firm.owner) as reader:
        [one] = overview.of_record(reader, "contact", dead.id)
    with crm.work(firm.owner) as work:
        overview.drop(work, one.id, "the other system is gone \udc80 \x00")
    with crm.read(firm.owner) as reader:
        [dropped] = overview.of_record(reader, "contact", dead.id)
    assert dropped.state == "dropped"
    assert "the other system is gone" in dropped.error
    with pytest.raises(NotFound), crm.work(firm.owner) as work:
        overview.drop(work, one.id, "again")


def test_who_may_read_a_record_sees_that_something_waits_and_not_why(crm, firm, dead):
    """A stranger to the record learns nothing; only owners see the queue, and change it."""
    with crm.read(firm.seller) as reader:
        [one] = overview.of_record(reader, "contact", dead.id)
    assert (one.state, one.error) == ("dead", None)
    with crm.read(firm.fitter) as reader, pytest.raises(NotFound):
        overview.of_record(reader, "contact", dead.id)
    for call in (overview.counts, overview.broken, overview.waiting):
        with crm.read(firm.seller) as reader, pytest.raises(PermissionDenied):
            call(reader)
    with pytest.raises(PermissionDenied), crm.work(firm.seller) as work:
        overview.retry(work)
    with pytest.raises(PermissionDenied), crm.work(firm.seller) as work:
        overview.drop(work, one.id, "x")


@pytest.mark.parametrize("id", ["", "x", "0190a6f0-0000-7000-8000-000000000000"])
def test_bad_input_is_named(crm, firm, id):
    """Ids of nothing, states that are none, no reason."""
    with pytest.raises(NotFound), crm.work(firm.owner) as work:
        overview.drop(work, id, "why")
    with pytest.raises(NotFound), crm.work(firm.owner) as work:
        overview.retry(work, id=id)
    with pytest.raises(InputError, match="reason"), crm.work(firm.owner) as work:
        overview.drop(work, id, " ")
    with pytest.raises(InputError, match="state"), crm.read(firm.owner) as reader:
        overview.waiting(reader, state="lost")
