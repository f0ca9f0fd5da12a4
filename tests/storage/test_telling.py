"""Workers are told of commits that they wait for, and of no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from opencrm import CRM
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction
from opencrm.storage.waiting.alarms import Alarm


@pytest.fixture
def alarm(crm: CRM) -> Iterator[Alarm]:
    with Alarm(crm.database) as alarm:
        yield alarm


def write(crm: CRM, tx: Transaction) -> None:
    """Store a row in each of two tables: on PostgreSQL one statement, that tells workers, too."""
    act, move, counter = crm.workspace.ids.many(3)
    place = {"entity": "deal", "pipeline": "sales"}
    moved = {**place, "id": move, "act": act, "record_id": act, "end": "new", "at": crm.clock.now(), "by": "user:x"}
    counted = {**place, "id": counter, "number": 1, "valued": 0, "high": 0, "low": 0}
    tx.wakes = True
    tx.insert_all([(tables.stage_move, [moved]), (tables.counter, [counted])])


def heard(alarm: Alarm, seconds: float = 5) -> bool:
    return alarm._told(seconds)


def test_of_a_commit(crm: CRM, alarm: Alarm, statements: Any) -> None:
    with crm.database.write() as tx:
        write(crm, tx)
    assert heard(alarm)
    assert len(statements) == (4 if crm.database.sqlite else 3), str(statements)


def test_of_one_where_a_part_was_taken_back(crm: CRM, alarm: Alarm) -> None:
    """The word that the part gave is taken back with it."""
    with crm.database.write() as tx, suppress(RuntimeError), tx.savepoint():
        write(crm, tx)
        raise RuntimeError
    assert heard(alarm)


def test_not_of_what_is_taken_back(crm: CRM, alarm: Alarm) -> None:
    with suppress(RuntimeError), crm.database.write() as tx:
        write(crm, tx)
        raise RuntimeError
    assert not heard(alarm, 0.3)


@pytest.mark.parametrize("kept", [True, False])
def test_of_a_hosts_own_transaction_once_the_host_commits(crm: CRM, alarm: Alarm, *, kept: bool) -> None:
    """SQLite sees that the file was written."""
    with crm.database.engine.connect() as connection:
        with crm.database.join(connection) as tx:
            write(crm, tx)
        assert not heard(alarm, 0.3)
        connection.commit() if kept else connection.rollback()
    assert heard(alarm, 5 if kept else 0.3) is kept
