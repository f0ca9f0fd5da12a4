"""That a key or a session was used is written down when nobody else writes: nobody waits for it."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import select, text

from opencrm.embed import issue_token, principal_of
from opencrm.storage import tables

SOON = 10


@pytest.fixture
def key(crm, firm):
    with crm.work(firm.seller) as work:
        return principal_of(issue_token(work, firm.seller.id, label="laptop"))


@pytest.fixture(params=["key", "session"])
def used(request):
    """What was used: a key, or a session."""
    return request.getfixturevalue(request.param)


def told(crm, principal):
    """When it was used last, as far as that was written down."""
    column = tables.token.c.used_at if principal.kind == "token" else tables.session.c.seen_at
    with crm.database.read() as tx:
        [row] = tx.query(("used", principal.kind), lambda: select(column.label("at")), {})
    return row["at"]


@contextmanager
def another_program(crm):
    """Write the file without opencrm."""
    with closing(sqlite3.connect(crm.database.engine.url.database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def another_thread(crm):
    begun, done = threading.Event(), threading.Event()

    def write():
        with crm.database.write():
            begun.set()
            done.wait(SOON * 6)

    thread = threading.Thread(target=write)
    thread.start()
    assert begun.wait(SOON)
    yield
    done.set()
    thread.join()


def soon(act) -> bool:
    """Say whether something is done without waiting."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(SOON)
    return not thread.is_alive()


@pytest.mark.parametrize("other", [another_program, another_thread])
@pytest.mark.parametrize("crm_database", ["sqlite"], indirect=True)
def test_nobody_waits_for_the_file(crm, accounts, used, other):
    """It is written down at the next use, and whoever writes then is not held up either."""
    crm.advance("10m")
    before = told(crm, used)
    with other(crm):
        assert soon(lambda: accounts.touch(used))
        assert told(crm, used) == before
    accounts.touch(used)
    assert told(crm, used) == crm.clock.now()
    for _ in range(2):
        with crm.database.write_if_free() as tx:
            assert tx is not None
    with crm.database.write(), crm.database.write_if_free() as tx:
        assert tx is None


@pytest.mark.parametrize("crm_database", ["postgresql"], indirect=True)
def test_nobody_waits_for_the_row(crm, accounts, used):
    """Whoever is changing it."""
    crm.advance("10m")
    before, table = told(crm, used), tables.token if used.kind == "token" else tables.session
    with crm.database.write() as tx:
        schema = f'"{crm.database.schema}".' if crm.database.schema else ""
        tx.connection.execute(text(f"UPDATE {schema}{table.name} SET label = 'changed'"))
        assert soon(lambda: accounts.touch(used))
    assert told(crm, used) == before
