"""Reflection tells of freshly made tables what their declarations say."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    UniqueConstraint,
    func,
    text,
)

from opencrm.core.columns import BooleanColumn, DateColumn, JsonColumn, key_column
from opencrm.core.entities import Core
from opencrm.storage.migrations import Applied, Owner


def test_the_entities_are_observed_as_declared(place: Any) -> None:
    """It holds for all of opencrm's own."""
    owner = Owner("core", list(Core.metadata.tables.values()))
    place.up(owner)
    assert place.observe(owner) == owner.snapshot


def test_rich_declarations_are_observed_as_declared(place: Any) -> None:
    """It holds for defaults, checks, unique constraints, expressions, and constraints without a name."""
    metadata = MetaData()
    code = Column("code", String(9), unique=True)
    parent = Table("crm_parent", metadata, Column("id", Integer, primary_key=True), code)
    order = Table("crm_order", metadata, Column("id", Integer, primary_key=True))
    child = Table(
        "crm_child",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("parent", ForeignKey(parent.c.id, ondelete="CASCADE")),
        Column("number", Integer, server_default="7", nullable=False),
        Column("price", Numeric(10, 2), server_default=text("0")),
        Column("share", Float),
        Column("at", DateTime(timezone=True)),
        Column("day", DateColumn()),
        Column("sure", BooleanColumn()),
        Column("key", key_column(20)),
        Column("extra", JsonColumn()),
        Column("order", ForeignKey("crm_order.id", onupdate="NO ACTION", deferrable=True, initially="IMMEDIATE")),
        CheckConstraint("number > 0", name="ck_positive"),
        UniqueConstraint("key", "number", name="uq_both"),
    )
    Index("ix_lower", func.lower(child.c.key))
    where = child.c.key.is_(None)
    Index("ix_some", child.c.number, sqlite_where=where, postgresql_where=where)
    owner = Owner("core", [child, order, parent])
    place.up(owner)
    assert place.observe(owner) == owner.snapshot
    assert place.up(owner) == (Applied("core"),)
