"""What follows from the declarations alone, on real databases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    inspect,
    text,
)

from opencrm.core.columns import AmountColumn, IdColumn, key_column
from opencrm.core.entity import NAMES
from opencrm.errors import ConfigurationError
from opencrm.storage.engines import make_engine
from opencrm.storage.migrations import Applied, Failed, Owner, check, current, upgrade
from opencrm.storage.migrations.transaction import migration, reading

Core = Callable[..., Owner]


def invoices(core: Owner, *more: Any) -> Table:
    """Declare a plugin's table, in its own MetaData, that refers to the core's."""
    deal = core.tables[1]
    columns = [
        Column("id", IdColumn(), primary_key=True),
        Column("deal_id", IdColumn(), ForeignKey(deal.c.id)),
    ]
    return Table("invoicing_invoice", MetaData(naming_convention=NAMES), *columns, *more)


def test_a_fresh_database_gets_everything_and_a_second_run_does_nothing(
    place: Any, core: Core, renaming: Path, now: Any
) -> None:
    """All tables of all owners are made from the declarations; their scripts count as run."""
    owner = core(scripts=renaming)
    plugin = Owner("invoicing", [invoices(owner)])
    assert place.waiting(owner, plugin) == [
        "core: create table crm_deal",
        "core: create table crm_user",
        "invoicing: create table invoicing_invoice",
    ]

    [first, second] = place.up(owner, plugin)

    assert first.operations == ("create table crm_deal", "create table crm_user")
    assert second.operations == ("create table invoicing_invoice",)
    assert place.waiting(owner, plugin) == []
    assert place.up(owner, plugin) == (Applied("core"), Applied("invoicing"))
    with reading(place.engine, place.schema) as connection:
        [of_core, of_plugin] = current(connection, [owner, plugin])
    assert (of_core.revision, of_core.applied_at, of_core.up_to_date) == ("0001", now, True)
    assert (of_plugin.revision, of_plugin.up_to_date) == (None, True)


def test_before_the_first_upgrade_nothing_was_applied(place: Any, core: Core) -> None:
    """Where a fresh workspace stands can be asked."""
    with reading(place.engine, place.schema) as connection:
        [found] = current(connection, [core()])
    assert (found.applied_at, found.revision, found.up_to_date) == (None, None, False)


def test_what_a_declaration_adds_is_added(place: Any, core: Core) -> None:
    """A new table, an optional column, an optional reference and indexes need no script, and data stays."""
    place.up(core())
    place.fill()
    seller = ForeignKey("crm_user.id", deferrable=True, initially="DEFERRED")
    unique = Index("uq_title", "title", unique=True)
    grown = core(Column("source", key_column(50)), Column("seller_id", IdColumn(), seller), unique)
    tag = Table("crm_tag", MetaData(), Column("id", IdColumn(), primary_key=True))
    later = Owner("core", [tag, *grown.tables])
    lines = place.waiting(later)

    [done] = place.up(later)

    assert done.operations == (
        "create table crm_tag",
        "add column crm_deal.source",
        "add column crm_deal.seller_id",
        "create index crm_deal.uq_title",
    )
    assert lines == [f"core: {each}" for each in done.operations]
    assert place.waiting(later) == []
    titles = place.rows("SELECT title, source FROM crm_deal ORDER BY title")
    assert titles == [("Deal 0", None), ("Deal 1", None), ("Deal 2", None)]
    assert place.observe(later) == later.snapshot


def test_indexes_are_replaced_and_dropped(place: Any, core: Core) -> None:
    """An index that is not unique follows its declaration."""
    place.up(core(Index("ix_a", "title"), Index("ix_b", "title")))
    [done] = place.up(core(Index("ix_a", "title", "amount")))
    assert done.operations == (
        "drop index crm_deal.ix_a",
        "drop index crm_deal.ix_b",
        "create index crm_deal.ix_a",
    )
    with migration(place.engine, place.schema) as connection:
        names = {each["name"]: each["column_names"] for each in inspect(connection).get_indexes("crm_deal")}
    assert names == {"ix_a": ["title", "amount"], "ix_crm_deal_owner_id": ["owner_id"]}


def test_a_table_of_sqlite_that_is_replaced_keeps_what_hangs_on_it(tmp_path: Path, core: Core, now: Any) -> None:
    """Triggers and undeclared indexes survive, and so do other tables' references."""
    engine = make_engine(f"sqlite:///{tmp_path / 'crm.db'}")
    first = core()
    upgrade(engine, [first, Owner("invoicing", [invoices(first)])], now=now)
    with migration(engine, None) as connection:
        connection.exec_driver_sql("CREATE INDEX ix_custom ON crm_deal (lower(title))")
        connection.exec_driver_sql("CREATE TRIGGER tr AFTER INSERT ON crm_deal BEGIN SELECT 1; END")
    upgrade(engine, [core(Column("seller_id", ForeignKey("crm_user.id")))], now=now)
    with engine.connect() as connection:
        query = "SELECT name FROM sqlite_master WHERE tbl_name = 'crm_deal' AND sql IS NOT NULL ORDER BY name"
        names = list(connection.execute(text(query)).scalars())
        [key] = inspect(connection).get_foreign_keys("invoicing_invoice")
    engine.dispose()
    assert names == ["crm_deal", "ix_crm_deal_owner_id", "ix_custom", "tr"]
    assert key["referred_table"] == "crm_deal"


REFUSED: list[tuple[Callable[[Core], Owner], str]] = [
    (lambda core: core(without=["amount"]), "column crm_deal.amount is declared no longer"),
    (lambda core: core(Column("x", Integer, nullable=False)), "column crm_deal.x is new and NOT NULL"),
    (
        lambda core: core(Column("amount", String(9)), without=["amount"]),
        "column crm_deal.amount changes its type from BIGINT to VARCHAR(9)",
    ),
    (
        lambda core: core(Column("amount", AmountColumn(), nullable=False), without=["amount"]),
        "column crm_deal.amount becomes NOT NULL",
    ),
    (
        lambda core: core(Column("amount", AmountColumn(), server_default="1"), without=["amount"]),
        "column crm_deal.amount changes its default from None to '1'",
    ),
    (lambda core: core(UniqueConstraint("title")), "table crm_deal gains CONSTRAINT uq_crm_deal_title"),
    (lambda core: core(CheckConstraint("amount > 0", name="ck")), "table crm_deal gains CONSTRAINT ck"),
    (lambda core: Owner("core", core().tables[:1]), "table crm_deal is declared no longer"),
    (
        lambda core: core(Column("name", String(9), nullable=False), without=["title"]),
        "column crm_deal.title is declared no longer; column crm_deal.name is new and NOT NULL",
    ),
]


@pytest.mark.parametrize("declare, said", REFUSED)
def test_anything_else_is_refused_and_nothing_changes(
    place: Any, core: Core, declare: Callable[[Core], Owner], said: str
) -> None:
    """Without a script the message names owner, table and column."""
    place.up(core())
    before = place.shape()
    with pytest.raises(ConfigurationError, match=r"^core: .*needs a script") as caught:
        place.up(declare(core))
    assert said in str(caught.value)
    assert f"core: cannot go on without a script: {said.split(';', maxsplit=1)[0]}" in "\n".join(
        place.waiting(declare(core))
    )
    assert place.shape() == before
    assert place.up(core()) == (Applied("core"),)


def test_a_unique_index_needs_a_script_to_go(place: Any, core: Core) -> None:
    """What kept doubles out is not given up by leaving out a line."""
    place.up(core(Index("uq_a", "title", unique=True)))
    with pytest.raises(ConfigurationError, match=r"unique index crm_deal\.uq_a is declared no longer"):
        place.up(core())


def test_a_unique_index_over_doubles_fails_with_a_sentence(place: Any, core: Core) -> None:
    """The data refuses the declaration; nothing is changed."""
    place.up(core())
    place.fill()
    with pytest.raises(ConfigurationError, match="core: the upgrade failed, and nothing was changed"):
        place.up(core(Index("uq_owner", "owner_id", unique=True), Column("source", String(9))))
    assert "source" not in str(place.shape())


def test_a_plugin_may_not_take_an_existing_table(place: Any, core: Core) -> None:
    """Its tables are made anew or not at all."""
    place.up(core())
    thief = Table("crm_deal", MetaData(), Column("id", Integer, primary_key=True))
    [_, failed] = place.up(core(), Owner("thief", [thief]))
    assert isinstance(failed, Failed)
    assert "crm_deal" in str(failed.error)


def test_two_workspaces_in_one_postgresql_database_do_not_meet(pg_url: str, core: Core, now: Any) -> None:
    """Each schema has its own tables and its own record; public stays empty until it is meant."""
    engine = make_engine(pg_url)
    upgrade(engine, [core()], now=now, schema="one")
    upgrade(engine, [core(Column("source", String(9)))], now=now, schema="two")
    assert inspect(engine).get_table_names() == []
    counts = [len(inspect(engine).get_columns("crm_deal", schema=schema)) for schema in ("one", "two")]
    assert counts == [5, 6]
    upgrade(engine, [core()], now=now)
    with engine.connect() as connection:
        assert check(connection, [core()]) == []
    engine.dispose()


def test_tables_that_refer_to_each_other_in_a_circle_keep_their_keys_in_every_workspace(
    tmp_path: Path, pg_url: str, now: Any
) -> None:
    """PostgreSQL adds such keys afterwards; SQLite, in the same process, still gets them with the table."""
    metadata = MetaData(naming_convention=NAMES)
    for here, there in (("crm_one", "crm_two"), ("crm_two", "crm_one")):
        reference = Column("other", ForeignKey(f"{there}.id"))
        Table(here, metadata, Column("id", Integer, primary_key=True), reference)
    for url in (pg_url, f"sqlite:///{tmp_path / 'a.db'}", f"sqlite:///{tmp_path / 'b.db'}"):
        engine = make_engine(url)
        upgrade(engine, [Owner("core", list(metadata.tables.values()))], now=now)
        keys = [len(inspect(engine).get_foreign_keys(name)) for name in metadata.tables]
        engine.dispose()
        assert keys == [1, 1]


def test_an_engine_whose_driver_manages_transactions_is_refused(tmp_path: Path, core: Core, now: Any) -> None:
    """With the driver's defaults a failed migration would leave half a schema."""
    engine = create_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with pytest.raises(ConfigurationError, match="must leave transactions to opencrm"):
        upgrade(engine, [core()], now=now)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_an_owner_name_that_is_no_identifier_is_refused() -> None:
    """It becomes part of a table's name."""
    with pytest.raises(ValueError, match="an owner's name"):
        Owner("Robert'); DROP", [])
