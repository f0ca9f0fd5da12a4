"""Places for workspaces, on SQLite and PostgreSQL, and declarations to bring to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
from sqlalchemy import (
    Column,
    Engine,
    ForeignKey,
    MetaData,
    String,
    Table,
    inspect,
    text,
)

from opencrm.core.columns import AmountColumn, IdColumn, InstantColumn
from opencrm.core.entity import NAMES
from opencrm.storage.engines import make_engine
from opencrm.storage.migrations import Outcome, Owner, check, upgrade
from opencrm.storage.migrations.observed import observed
from opencrm.storage.migrations.snapshot import Snapshot
from opencrm.storage.migrations.transaction import migration, reading

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@attrs.frozen
class Place:
    """Where a workspace lives."""

    engine: Engine
    schema: str | None

    @property
    def sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def up(self, *owners: Owner) -> tuple[Outcome, ...]:
        return upgrade(self.engine, owners, now=NOW, schema=self.schema)

    def waiting(self, *owners: Owner) -> list[str]:
        with reading(self.engine, self.schema) as connection:
            return check(connection, owners)

    def observe(self, owner: Owner) -> Snapshot:
        with migration(self.engine, self.schema) as connection:
            return observed(connection, owner.tables, owner.snapshot, owner.snapshot)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with migration(self.engine, self.schema) as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    def fill(self) -> None:
        """Add a user and her three deals."""
        identity = "00000000-0000-7000-8000-{:012d}".format
        with migration(self.engine, self.schema) as connection:
            connection.exec_driver_sql(f"INSERT INTO crm_user (id) VALUES ('{identity(0)}')")
            for at in range(3):
                values = f"'{identity(at)}', 'Deal {at}', '{identity(0)}'"
                connection.exec_driver_sql(f"INSERT INTO crm_deal (id, title, owner_id) VALUES ({values})")

    def shape(self) -> dict[str, Any]:
        """Everything that reflection tells of all tables, without the order of columns."""
        with migration(self.engine, self.schema) as connection:
            inspector = inspect(connection)
            return {name: _shape(inspector, name) for name in sorted(inspector.get_table_names())}


def _shape(inspector: Any, table: str) -> tuple[Any, ...]:
    return (
        sorted((each["name"], str(each["type"]), each["nullable"]) for each in inspector.get_columns(table)),
        sorted(_index(each) for each in inspector.get_indexes(table)),
        sorted(map(repr, inspector.get_foreign_keys(table))),
        inspector.get_pk_constraint(table)["constrained_columns"],
    )


def _index(found: Any) -> tuple[Any, ...]:
    options = sorted((key, str(value)) for key, value in found.get("dialect_options", {}).items())
    return found["name"], found["column_names"], bool(found["unique"]), options


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """An empty place for a workspace; on PostgreSQL in a schema whose name needs quotes."""
    if request.param == "sqlite":
        found = Place(make_engine(f"sqlite:///{tmp_path / 'crm.db'}"), None)
    else:
        found = Place(make_engine(request.getfixturevalue("pg_url")), "Client-A")
    yield found
    found.engine.dispose()


def _core(*more: Any, scripts: Path | None = None, without: Sequence[str] = ()) -> Owner:
    metadata = MetaData(naming_convention=NAMES)
    user = Table("crm_user", metadata, Column("id", IdColumn(), primary_key=True))
    to_user = ForeignKey(user.c.id, deferrable=True, initially="DEFERRED")
    columns = [
        Column("id", IdColumn(), primary_key=True),
        Column("title", String(100), nullable=False),
        Column("amount", AmountColumn()),
        Column("owner_id", IdColumn(), to_user, index=True),
        Column("created_at", InstantColumn()),
    ]
    deal = Table("crm_deal", metadata, *(each for each in columns if each.name not in without), *more)
    return Owner("core", [user, deal], scripts)


@pytest.fixture
def core() -> Callable[..., Owner]:
    """Declare users and deals; arguments are more columns and indexes of deals, `without` some usual ones."""
    return _core


@pytest.fixture
def renaming(tmp_path: Path) -> Path:
    """A folder with a script that makes the title of deals their name."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "0001_rename.py").write_text(RENAME)
    return folder


RENAME = """'''Rename title to name.'''
from alembic import op
import sqlalchemy as sa

revision = "0001"
down_revision = None

def upgrade():
    with op.batch_alter_table("crm_deal") as batch:
        batch.add_column(sa.Column("name", sa.String(100)))
    op.execute("UPDATE crm_deal SET name = title")
    with op.batch_alter_table("crm_deal") as batch:
        batch.alter_column("name", nullable=False, existing_type=sa.String(100))
        batch.drop_column("title")
"""


@pytest.fixture
def now() -> datetime:
    """The instant of every upgrade here."""
    return NOW


@pytest.fixture(scope="session")
def places() -> type[Place]:
    """Make places of one's own: `places(engine, schema)`."""
    return Place
