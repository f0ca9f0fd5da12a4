"""What search needs of a database, and what it does without."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from opencrm import CRM, ConfigurationError, Contact, Create, records, searching
from opencrm.storage.engines import make_engine
from opencrm.storage.migrations.operations import AFTER_CREATE
from opencrm.storage.search import document


def test_nothing_is_left_to_do(crm):
    """What is made beside the declared tables is no drift."""
    assert crm.pending() == []


def test_an_sqlite_without_fts5():
    """Is told in a sentence."""

    def refuse(_statement):
        raise OperationalError("CREATE", {}, Exception("no such module: fts5"))

    connection = SimpleNamespace(dialect=SimpleNamespace(name="sqlite"), exec_driver_sql=refuse)
    with pytest.raises(ConfigurationError, match="FTS5"):
        document.info[AFTER_CREATE](connection)


def test_a_user_who_may_not_create_extensions(pg_url):
    """Has a search without similar words."""
    mighty = make_engine(pg_url)
    with mighty.begin() as connection:
        for statement in (
            "DROP ROLE IF EXISTS search_poor",
            "CREATE ROLE search_poor LOGIN PASSWORD 'poor'",
            "CREATE SCHEMA poor AUTHORIZATION search_poor",
            "ALTER ROLE search_poor SET search_path = poor",
        ):
            connection.exec_driver_sql(statement)
    url = make_url(pg_url).set(username="search_poor", password="poor")
    poor = make_engine(url.render_as_string(hide_password=False))
    crm = CRM(engine=poor)
    owner = crm.init(owner="Ann")
    with crm.work(owner) as work:
        records.create(work, [Create(Contact, name="Anna Schmidt")])
    with crm.read(owner) as reader:
        assert [hit.title for hit in searching.search(reader, "schmidt")] == ["Anna Schmidt"]
        assert searching.search(reader, "schmit") == ()
    poor.dispose()
    with mighty.begin() as connection:
        connection.exec_driver_sql("DROP OWNED BY search_poor CASCADE")
        connection.exec_driver_sql("DROP ROLE search_poor")
    mighty.dispose()


def test_two_workspaces_of_one_database(pg_url):
    """Share the extension, and outlive each other."""
    engine = make_engine(pg_url)
    for schema in ("one", "two"):
        crm = CRM(engine=engine, schema=schema)
        owner = crm.init(owner="Anna Schmidt")
        with crm.read(owner) as reader:
            assert [hit.title for hit in searching.search(reader, "schmit")] == ["Anna Schmidt"]
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
    engine.dispose()


def test_an_extension_in_a_schema_whose_name_needs_quotes(pg_url):
    """Similar words are found through it."""
    engine = make_engine(pg_url)
    with engine.begin() as connection:
        connection.exec_driver_sql('CREATE SCHEMA "Ex-tra ""Select"""')
        connection.exec_driver_sql('CREATE EXTENSION pg_trgm SCHEMA "Ex-tra ""Select"""')
    crm = CRM(engine=engine)
    owner = crm.init(owner="Anna Schmidt")
    with crm.read(owner) as reader:
        assert [hit.title for hit in searching.search(reader, "schmit")] == ["Anna Schmidt"]
    engine.dispose()
