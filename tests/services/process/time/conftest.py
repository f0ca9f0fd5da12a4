"""What the tests of time share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opencrm import CRM, Deal, Move, Principal, Query, Task, Update, pipelines, records
from opencrm.services.reading.rows import Record
from opencrm.storage import tables


@pytest.fixture
def timers(crm: CRM) -> Callable[[], list[dict[str, Any]]]:
    """`timers()` gives the rows of timers, by key."""

    def found() -> list[dict[str, Any]]:
        with crm.database.read() as tx:
            return sorted((dict(row) for row in tx.query("timers", tables.timer.select, {})), key=lambda it: it["key"])

    return found


@pytest.fixture
def told(crm: CRM) -> Callable[[], list[str]]:
    """`told()` gives the texts of all notifications, oldest first, but of new tasks."""

    def found() -> list[str]:
        with crm.database.read() as tx:
            rows = tx.query("told", lambda: tables.notification.select().order_by(tables.notification.c.id), {})
        return [row["text"] for row in rows if not row["text"].startswith("New task")]

    return found


@pytest.fixture
def tasks(crm: CRM) -> Callable[[], list[Record]]:
    """`tasks()` gives all tasks, oldest first, as the owner sees them."""

    def found() -> list[Record]:
        with crm.read(crm.sole_owner()) as reader:
            return sorted(reader.list(Query(Task, limit=1000)), key=lambda it: it.id)

    return found


def update(crm: CRM, by: Principal, id: str, **values: Any) -> None:
    """Change a deal."""
    with crm.work(by) as work:
        records.update(work, [Update(Deal, id, values=values)])


def move(crm: CRM, by: Principal, id: str, to: str) -> None:
    """Move a deal."""
    with crm.work(by) as work:
        pipelines.move(work, [Move(Deal, id, to=to)])
