"""Engines, transactions, statements and the border to the drivers."""

from __future__ import annotations

import pytest
from sqlalchemy import column, create_engine, select, table, text

from opencrm import CRM, ConfigurationError, ConflictError, Contact, Create, Principal, records
from opencrm.storage.engines import make_engine
from opencrm.storage.waiting.fair import FairLock
from opencrm.testing import make_contact


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "oracle://x", "http://x"]
)
def test_a_database_that_cannot_be_used_is_refused(url):
    """With a sentence, and before anything is opened."""
    with pytest.raises(ConfigurationError):
        make_engine(url)


def test_either_an_address_or_an_engine_is_given():
    """Not both, not none."""
    for given in ({}, {"url": "sqlite:///x.db", "engine": create_engine("sqlite://")}):
        with pytest.raises(ConfigurationError):
            CRM(**given)


def test_sqlite_keeps_what_it_acknowledges(tmp_path):
    """Full synchronisation, a log ahead, foreign keys on, and our own transactions."""
    engine = make_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("synchronous", "journal_mode", "foreign_keys")
        }
        assert settings == {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1}
        assert connection.connection.dbapi_connection.isolation_level is None
    engine.dispose()


def test_a_write_takes_its_lock_at_once(tmp_path):
    """BEGIN IMMEDIATE: a second writer waits its turn instead of failing at its first write."""
    engine = make_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with engine.connect() as plain:
        connection = plain.execution_options(opencrm="write")
        with connection.begin(), make_engine(f"sqlite:///{tmp_path / 'x.db'}").connect() as other:
            other.exec_driver_sql("PRAGMA busy_timeout = 1")
            other.rollback()
            with pytest.raises(Exception, match="locked"):
                other.execution_options(opencrm="write").begin()
    engine.dispose()


def test_an_empty_database_says_what_to_do(tmp_path):
    """Not a driver's error about a table."""
    crm = CRM(f"sqlite:///{tmp_path / 'x.db'}")
    with pytest.raises(ConfigurationError, match="opencrm"), crm.read(Principal.system("test")):
        pass
    crm.upgrade()
    with pytest.raises(ConfigurationError, match="init"), crm.read(Principal.system("test")):
        pass
    crm.close()


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all/x.db", "postgresql://nobody@127.0.0.1:1/x"])
def test_a_database_that_cannot_be_reached_is_told(url):
    """One error, whatever the driver raises."""
    crm = CRM(url)
    for door in (crm.read, crm.work):
        with pytest.raises(ConfigurationError), door(Principal.system("test")):
            pass


def test_reading_writes_nothing(crm, firm):
    """Not even by raw SQL on PostgreSQL; on SQLite whatever is tried is taken back."""
    before = make_contact(crm)
    with crm.read(firm.owner) as reader:
        name = f'"{crm.database.schema}".crm_contact' if crm.database.schema else "crm_contact"
        try:
            reader.tx.connection.execute(text(f"UPDATE {name} SET name = 'x'"))
        except Exception as error:  # noqa: BLE001  # either driver's
            assert "read-only" in str(error)
    with crm.read(firm.owner) as reader:
        assert reader.get(Contact, before.id).name == before.name


def test_a_statement_is_compiled_once(crm):
    """The second asking finds the first one's text."""
    made = []

    def build():
        made.append(1)
        return select(table("crm_unit", column("id")).c.id)

    statements = crm.database.statements
    assert statements.prepare("test once", build) is statements.prepare("test once", build)
    assert len(made) == 1


def test_kept_statements_are_bounded(crm):
    """The oldest goes when there are too many."""
    from opencrm.storage.statements import Statements

    kept = Statements(crm.database.engine.dialect, None, most=10)
    for at in range(30):
        kept.prepare(at, lambda: select(table("x", column("y")).c.y))
    assert len(kept._kept) == 10


def test_turns_are_taken_in_order():
    """Whoever asked first goes first."""
    import threading

    lock, order, ready = FairLock(), [], []

    def go(number):
        ready.append(number)
        with lock:
            order.append(number)

    with lock:
        threads = []
        for number in range(5):
            threads.append(threading.Thread(target=go, args=(number,)))
            threads[-1].start()
            while len(lock._queue) <= number:
                pass
    for thread in threads:
        thread.join()
    assert order == ready == list(range(5))


def test_a_deadlock_is_a_conflict(crm, firm):
    """Two who wait for each other: one is told to try again."""
    from sqlalchemy.exc import DBAPIError

    from opencrm.storage.translation import translated

    class Deadlock(Exception):
        sqlstate = "40P01"

    with pytest.raises(ConflictError), translated():
        raise DBAPIError("x", {}, Deadlock("deadlock detected"))


def test_a_connection_is_given_back_whatever_happens(crm, firm):
    """More failing blocks than a pool holds connections."""
    for _ in range(60):
        with pytest.raises(ZeroDivisionError), crm.work(firm.owner) as work:
            records.create(work, [Create(Contact, name="x")])
            raise ZeroDivisionError
        with pytest.raises(ZeroDivisionError), crm.read(firm.owner):
            raise ZeroDivisionError
    assert crm.database.engine.pool.checkedout() == 0
