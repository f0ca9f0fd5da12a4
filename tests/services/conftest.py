"""What the stories about services share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Table, func, select

from opencrm import CRM, Entity, Principal
from opencrm.storage import tables

STORED: tuple[Table, ...] = (tables.journal, tables.stage_move, tables.delivery)


@pytest.fixture
def rows(crm: CRM) -> Callable[[Table], list[dict[str, Any]]]:
    """`rows(table)`: what really stands in a table, past all services."""

    def read(table: Table) -> list[dict[str, Any]]:
        with crm.database.read() as tx:
            return [dict(row) for row in tx.query(("test", table.name), lambda: select(table).order_by("id"), {})]

    return read


@pytest.fixture
def sizes(crm: CRM) -> Callable[[], dict[str, int]]:
    """`sizes()`: how many rows each table has, the journal included."""

    def count() -> dict[str, int]:
        spec_tables = [spec.table for spec in crm.catalogue.entities.values()]
        with crm.database.read() as tx:
            return {
                table.name: tx.query(
                    ("size", table.name), lambda table=table: select(func.count().label("n")).select_from(table), {}
                )[0]["n"]
                for table in (*spec_tables, *STORED)
            }

    return count


@pytest.fixture
def titles(crm: CRM) -> Callable[..., list[str]]:
    """`titles(principal, Deal, "title")`: the values of a field that a principal sees, in order."""

    def read(principal: Principal, entity: type[Entity], field: str) -> list[str]:
        from opencrm import Query

        with crm.read(principal) as reader:
            return sorted(row[field] for row in reader.list(Query(entity)))

    return read
