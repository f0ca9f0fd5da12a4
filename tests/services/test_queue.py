"""Deliveries to plugins after the commit: what fails is tried again, and the worker goes on."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, text

from opencrm import ConfigurationError, Contact, Create, Grant, Scope, hookimpl, records
from opencrm.app.working import lanes
from opencrm.errors import OpenCRMError, Unavailable
from opencrm.services import queue
from opencrm.storage import engines, tables
from opencrm.testing import make_contact

ODD = ["lone \ud800 surrogate", "pair the wrong way \udc00\ud800", "NUL \x00 within", "\x00", "é" * 5000]


class Listener:
    """Notes whom it is told of; raises what it was given, as long as it has some."""

    name = "listener"

    def __init__(self) -> None:
        self.told: list[str] = []
        self.troubles: list[str] = []
        self.came = threading.Event()
        self.before = lambda: None

    @hookimpl
    def opencrm_register_grants(self):
        yield Grant("contact", "read", Scope.ALL)

    @hookimpl
    def opencrm_on_change(self, entry):
        self.before()
        if self.troubles:
            raise ValueError(self.troubles.pop())
        self.told.append(entry.after.get("name"))
        self.came.set()


@pytest.fixture
def listener():
    return Listener()


@pytest.fixture
def crm_plugins(listener):
    return [listener]


@pytest.mark.parametrize("trouble", ODD, ids=range(len(ODD)))
def test_whatever_a_hook_says_of_its_failure_is_kept(crm, firm, listener, rows, trouble):
    """The delivery waits, its error can be stored, others are made, and it is made in the end."""
    listener.troubles.append(trouble)
    make_contact(crm, name="Ann")
    make_contact(crm, name="Bob")
    assert crm.worker().run_once() == 2
    [waiting] = rows(tables.delivery)
    assert (waiting["state"], waiting["attempts"], listener.told) == ("waiting", 1, ["Bob"])
    assert "ValueError" in waiting["error"]
    waiting["error"].encode()
    crm.advance("1m")
    crm.worker().run_once()
    assert (listener.told, rows(tables.delivery)) == (["Bob", "Ann"], [])


def test_after_the_last_attempt_the_delivery_is_dead(crm, firm, listener, rows, caplog):
    """With the same odd text, which operators are told of; the next records' deliveries come."""
    listener.troubles += ["\ud800\x00"] * queue.MOST_ATTEMPTS
    make_contact(crm, name="Ann")
    with caplog.at_level(logging.WARNING, "opencrm.worker"):
        for _ in range(queue.MOST_ATTEMPTS):
            crm.worker().run_once()
            crm.advance("1h")
    [dead] = rows(tables.delivery)
    assert (dead["state"], dead["attempts"]) == ("dead", queue.MOST_ATTEMPTS)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 7 + ["ERROR"]
    assert caplog.text.encode()
    make_contact(crm, name="Bob")
    crm.worker().run_once()
    assert listener.told == ["Bob"]


@contextmanager
def at_work(crm, monkeypatch):
    """A worker of its own thread, that does not pause for long; gives the thread."""
    monkeypatch.setattr(lanes, "_PAUSE", 0.01)
    stop = threading.Event()
    thread = threading.Thread(target=crm.worker().run, args=(stop,))
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(timeout=30)
    assert not thread.is_alive()


class Log(logging.Handler):
    """Is set when the worker says that it waits."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = threading.Event()

    def emit(self, record):
        if "queue waits" in record.getMessage():
            self.waits.set()


@pytest.fixture
def log():
    handler, logger = Log(), logging.getLogger("opencrm.worker")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


class TestALockedFile:
    @pytest.fixture
    def crm_database(self):
        return "sqlite"

    def test_a_worker_outlives_a_lock_that_is_held_for_too_long(self, crm, firm, listener, log, monkeypatch):
        """Another process writes for longer than SQLite waits: the worker says so, and goes on afterwards."""
        make_contact(crm, name="Ann")
        monkeypatch.setattr(engines, "_BUSY_MILLISECONDS", 1)
        crm.database.engine.dispose()
        other = create_engine(crm.database.engine.url, isolation_level=None)
        with other.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            with at_work(crm, monkeypatch) as thread:
                assert log.waits.wait(30)
                assert thread.is_alive()
                assert listener.told == []
                connection.exec_driver_sql("ROLLBACK")
                assert listener.came.wait(30)
        other.dispose()
        assert listener.told == ["Ann"]


@pytest.fixture
def cut(pg_server, crm):
    """`cut()` ends every connection to the workspace's database, as a server that is restarted does."""
    admin = create_engine(crm.database.engine.url)

    def end():
        with admin.begin() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )

    yield end
    admin.dispose()
    crm.database.engine.dispose()


class TestALostServer:
    @pytest.fixture
    def crm_database(self):
        return "postgresql"

    def test_a_worker_outlives_its_connections(self, crm, firm, listener, log, cut, monkeypatch):
        """They are cut between two deliveries: the worker says so and takes new ones."""
        with at_work(crm, monkeypatch) as thread:
            make_contact(crm, name="Ann")
            assert listener.came.wait(30)
            listener.came.clear()
            cut()
            assert log.waits.wait(30)
            make_contact(crm, name="Bob")
            assert listener.came.wait(30)
            assert thread.is_alive()
        assert listener.told == ["Ann", "Bob"]

    def test_a_delivery_whose_end_could_not_be_noted_is_made_again(self, crm, firm, listener, log, monkeypatch):
        """At least once: the lease runs out, and the plugin is told once more."""
        finish, cuts = queue.finish, [Unavailable("the connection is closed")]
        monkeypatch.setattr(queue, "finish", lambda *given: finish(*given) if not cuts else raised(cuts.pop()))
        make_contact(crm, name="Ann")
        with at_work(crm, monkeypatch):
            assert log.waits.wait(30)
            listener.came.clear()
            crm.advance(queue.LEASE * 2)
            with crm.database.write() as tx:
                tx.wakes = True  # A worker asleep does not see a clock that was moved.
            assert listener.came.wait(30)
        assert listener.told == ["Ann", "Ann"]

    @pytest.mark.parametrize("size", [1, 60])
    def test_a_block_that_loses_its_connection_says_so_in_our_words(self, crm, firm, cut, size):
        """Not in a driver's, whether rows go one by one or by COPY; what comes next goes through."""
        with pytest.raises(OpenCRMError), crm.work(firm.owner) as work:
            cut()
            records.create(work, [Create(Contact, name="Ann") for _ in range(size)])
        with pytest.raises(ConfigurationError), crm.read(firm.owner) as reader:
            cut()
            reader.count(Contact)
        crm.database.engine.dispose()
        with crm.read(firm.owner) as reader:
            assert reader.count(Contact) == 0

    @pytest.mark.parametrize("door", ["read", "work"])
    def test_an_error_of_the_hosts_own_is_not_hidden_by_a_lost_connection(self, crm, firm, cut, door):
        """Whatever went wrong first is what is told."""
        with pytest.raises(ZeroDivisionError), getattr(crm, door)(firm.owner):
            cut()
            raise ZeroDivisionError

    def test_an_error_within_a_savepoint_is_told_in_our_words(self, crm, firm, cut):
        """Nobody goes on in a transaction that is gone."""
        with pytest.raises(OpenCRMError), crm.work(firm.owner) as work, work.tx.savepoint():
            cut()
            raise ZeroDivisionError

    @pytest.mark.parametrize("door", ["read", "work"])
    def test_a_server_that_went_away_is_told_in_our_words(self, crm, firm, door, monkeypatch):
        """Also by a workspace that has read and written before."""
        make_contact(crm)
        crm.database.engine.dispose()
        monkeypatch.setattr(crm.database.engine.dialect, "connect", refuse)
        with pytest.raises(ConfigurationError), getattr(crm, door)(firm.owner):
            pass


def refuse(*_given, **_named):
    import psycopg

    raise psycopg.OperationalError("connection refused")


def raised(error):
    raise error
