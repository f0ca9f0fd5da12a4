"""Indexes of custom fields."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select, text

from opencrm import Create, CustomField, Deal, Equal, Has, Query, Update, records
from opencrm.core.conditions import bind, clause
from opencrm.storage.statements import Prepared
from opencrm.testing import make_deal


def _built(crm):
    """Build; a database that tests share may still have indexes of another test, which are dropped."""
    return [line for line in crm.build_indexes() if line.endswith("built")]


def _indexes(crm):
    query = "SELECT name FROM sqlite_master WHERE type = 'index'"
    if not crm.database.sqlite:
        query = "SELECT indexname FROM pg_indexes WHERE schemaname = coalesce(:schema, current_schema())"
    with crm.database.read() as tx:
        given = {} if crm.database.sqlite else {"schema": crm.database.schema}
        return {name for name in tx.connection.execute(text(query), given).scalars() if name.startswith("cf_")}


def test_the_worker_builds_and_drops_them(crm, firm, define):
    """A field that can be filtered gets one, a field to sort by four; a retired one none."""
    plain, fast = define("deal", "town"), define("deal", "floors", "number", indexed=True)
    define("deal", "notes", "long_text")
    crm.worker().run_once()
    built = _indexes(crm)
    assert len([name for name in built if plain[-12:] in name]) == 1
    assert len([name for name in built if fast[-12:] in name]) == 4
    assert len(built) == 5
    assert crm.pending() == []
    with crm.work(firm.owner) as work:
        records.update(work, [Update(CustomField, fast, retired=True)])
    crm.worker().run_once()
    assert len(_indexes(crm)) == 1


def test_a_hosts_own_indexes_stay(crm, firm, define):
    """Hosts share the database: what stands on a table of theirs is theirs, whatever it is called."""
    at = f'"{crm.database.schema}".' if crm.database.schema else ""
    index, table = (f"{at}cf_host", "host_shop") if crm.database.sqlite else ("cf_host", f"{at}host_shop")
    with crm.database.write() as tx:
        tx.connection.exec_driver_sql(f"CREATE TABLE {at}host_shop (id INTEGER)")
        tx.connection.exec_driver_sql(f"CREATE INDEX {index} ON {table} (id)")
    try:
        define("deal", "town")
        assert len(_built(crm)) == 1
        assert "cf_host" in _indexes(crm)
        assert crm.build_indexes() == []
    finally:
        with crm.database.write() as tx:
            tx.connection.exec_driver_sql(f"DROP TABLE {at}host_shop")


def test_what_nobody_owns_is_sorted_by_an_index_of_its_maker(crm, firm, define):
    """As with declared fields: a reader's own records, their unit's, and those that they made and nobody owns."""
    key = define("deal", "floors", "number", indexed=True)[-12:]
    _built(crm)
    if crm.database.sqlite:
        query = "SELECT sql FROM sqlite_master WHERE type = 'index'"
    else:
        query = "SELECT indexdef FROM pg_indexes"
    with crm.database.read() as tx:
        made = [it for it in tx.connection.execute(text(query)).scalars() if it and f"_{key}_sc" in it]
    assert len(made) == 1
    assert "created_by" in made[0]
    assert "owner_id IS NULL" in made[0]


@pytest.mark.parametrize("kind", ["text", "number", "date", "datetime", "yes_no", "email", "choice"])
def test_a_filter_uses_it(crm, firm, define, kind):
    """The plan goes by the index and reads no other rows."""
    define("deal", "extra", kind, **({"choices": ["a", "b"]} if kind == "choice" else {}))
    value = {
        "text": "riga",
        "number": "3",
        "date": "2026-03-01",
        "datetime": "2026-03-01T00:00:00Z",
        "yes_no": True,
        "email": "a@example.com",
        "choice": "a",
    }[kind]
    one = make_deal(crm, extra=value).id
    with crm.work(firm.owner) as work:
        records.create(work, [Create(Deal, title=f"Deal {n}") for n in range(300)])
    assert len(_built(crm)) == 1
    query = Query(Deal, where=Equal("extra", value))
    with crm.read(firm.owner) as reader:
        assert [row.id for row in reader.list(query)] == [one]
        assert "cf_crm_deal" in _plan(reader, query)


def test_several_choices_have_an_index_where_there_is_one_for_arrays(crm, firm, define):
    """On PostgreSQL; SQLite reads the arrays of the records in reach."""
    define("deal", "extras", "choices", choices=["a", "b"])
    one = make_deal(crm, extras=["b"]).id
    with crm.work(firm.owner) as work:
        records.create(work, [Create(Deal, title=f"Deal {n}", extras=["a"]) for n in range(300)])
    built = _built(crm)
    with crm.database.write() as tx:
        tx.connection.exec_driver_sql("ANALYZE")
    query = Query(Deal, where=Has("extras", ["b"]))
    with crm.read(firm.owner) as reader:
        assert [row.id for row in reader.list(query)] == [one]
        if not crm.database.sqlite:
            assert "cf_crm_deal" in _plan(reader, query)
    assert len(built) == (0 if crm.database.sqlite else 1)


def _plan(reader, query):
    """Return the plan of a filter's statement, on PostgreSQL with scans of whole tables switched off."""
    spec = reader.entity(Deal)
    where = bind(query.where, spec, spec.fields, reader.configuration.locale)
    living = spec.table.c.deleted_at.is_(None)
    statement = select(spec.table.c.id).where(living, clause(where, spec, reader.configuration.catalogue.entities))
    prepared = Prepared(statement, reader.tx.connection.dialect, reader.tx.statements.schema)
    if not reader.tx.sqlite:
        reader.tx.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    explain = "EXPLAIN QUERY PLAN " if reader.tx.sqlite else "EXPLAIN "
    return "\n".join(map(str, reader.tx.connection.exec_driver_sql(explain + prepared.sql, prepared.parameters({}))))


def test_writers_go_on_while_it_is_built(crm, firm, define):
    """A build beside writes leaves both whole."""
    define("deal", "town")
    stop, failures = threading.Event(), []

    def write():
        try:
            while not stop.is_set():
                make_deal(crm, town="Ogre")
        except Exception as error:  # noqa: BLE001  # the test tells of it
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert len(_built(crm)) == 1
    finally:
        stop.set()
        writer.join()
    assert failures == []
    with crm.read(firm.owner) as reader:
        assert len(reader.list(Query(Deal, where=Equal("town", "ogre"), limit=1000))) > 0
