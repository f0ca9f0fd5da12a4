"""A statement that chooses its rows takes as many as it says, however PostgreSQL plans it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from opencrm import CRM
from opencrm.storage import tables
from opencrm.storage.choosing import chosen
from opencrm.storage.transactions import Transaction

MOST = 5
COUNTER = tables.counter


@pytest.fixture
def rows(crm: CRM) -> None:
    several = [
        {"id": id, "entity": "deal", "number": 1, "valued": 0, "high": 0, "low": 0} for id in crm.workspace.ids.many(60)
    ]
    with crm.database.write() as tx:
        tx.insert(COUNTER, several)


def loops_only(tx: Transaction) -> None:
    """Have PostgreSQL ask the inner query again for each row of the outer one, where it may."""
    for way in ("hashjoin", "mergejoin", "material", "hashagg", "indexscan", "bitmapscan", "sort"):
        tx.connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")


@pytest.mark.usefixtures("rows")
def test_it_takes_no_more(crm: CRM) -> None:
    def build() -> Any:
        waiting = select(COUNTER.c.id).where(COUNTER.c.number == 1).limit(MOST)
        free = waiting if crm.database.sqlite else waiting.with_for_update(skip_locked=True)
        return update(COUNTER).where(chosen(COUNTER.c.id, free, sqlite=crm.database.sqlite)).values(number=2)

    with crm.database.write() as tx:
        if not crm.database.sqlite:
            loops_only(tx)
        assert tx.run("take some", build, [{}]) == MOST
