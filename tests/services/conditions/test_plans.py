"""What is compared stands alone on its side, so that an index finds it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from opencrm import AtLeast, Between, Changed, Company, Create, Deal, Equal, StartsWith, at_most, records
from opencrm.core.conditions import bind, clause
from opencrm.storage.statements import Prepared


def plan_of(reader, entity, where):
    """Return the plan of a filter's statement, on PostgreSQL with scans of whole tables switched off."""
    spec, tx = reader.entity(entity), reader.tx
    bound = bind(where, spec, spec.fields, reader.configuration.locale, reader.rights.asker(reader.now))
    living = spec.table.c.deleted_at.is_(None)
    statement = select(spec.table.c.id).where(living, clause(bound, spec, reader.configuration.catalogue.entities))
    prepared = Prepared(statement, tx.connection.dialect, tx.statements.schema)
    if not tx.sqlite:
        tx.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    explain = "EXPLAIN QUERY PLAN " if tx.sqlite else "EXPLAIN "
    return "\n".join(map(str, tx.connection.exec_driver_sql(explain + prepared.sql, prepared.parameters({}))))


RANGES = [
    (Company, Equal("name", "a"), "name_key"),
    (Company, StartsWith("name", "client 1"), "name_key"),
    (Deal, Between("amount", 1, 2), "amount"),
    (Deal, at_most("amount", 1), "amount"),
    (Deal, AtLeast("created_at", "-7d"), "created_at"),
    (Deal, Equal("created_at", "this_month"), "created_at"),
    (Deal, Equal("expected_close", "last_quarter"), "expected_close"),
]


@pytest.fixture
def filled(crm, firm):
    """Enough records for an index to be worth it, all of them long ago."""
    with crm.work(firm.owner) as work:
        records.create(work, [Create(Company, name=f"Client {at}") for at in range(400)])
        deals = [{"title": str(at), "amount": at + 9, "expected_close": "2020-01-01"} for at in range(400)]
        records.create(work, [Create(Deal, values=values) for values in deals])
    crm.advance("100d")
    with crm.database.engine.begin() as connection:
        for table in ("crm_company", "crm_deal"):
            schema = f"{crm.database.schema}." if crm.database.schema else ""
            connection.exec_driver_sql(f"ANALYZE {schema}{table}")
    return crm


def test_a_comparison_is_found_by_an_index(filled, firm):
    """Ranges and beginnings too: none of them becomes an `or`, or an expression of the column."""
    for entity, where, index in RANGES:
        with filled.read(firm.owner) as reader:
            plan = plan_of(reader, entity, where)
            if reader.tx.sqlite:
                assert any(f"{index}{sign}" in plan for sign in "<>="), plan
            else:
                assert any(index in line for line in plan.splitlines() if "Index Cond" in line), plan


def test_the_journal_is_asked_by_record(crm, firm):
    """By its index of entities and records; a change is looked for where it would stand."""
    with crm.read(firm.owner) as reader:
        plan = plan_of(reader, Deal, Changed("stage", "-7d"))
    assert "ix_crm_journal_record" in plan
    assert "entity" in plan
    assert "record_id" in plan
