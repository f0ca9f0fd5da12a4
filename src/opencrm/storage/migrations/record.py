"""What is known to have been done to a database: one row an owner."""

from __future__ import annotations

import json
from datetime import datetime
from typing import cast

import attrs
from sqlalchemy import Column, Connection, MetaData, String, Table, Text, inspect, select
from sqlalchemy.schema import CreateTable

from opencrm.core.columns import InstantColumn, key_column
from opencrm.storage.migrations.owner import Owner
from opencrm.storage.migrations.snapshot import Snapshot

_SCHEMA = Table(
    "crm_schema",
    MetaData(),
    Column("owner", key_column(48), primary_key=True),
    Column("snapshot", Text, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("applied_at", InstantColumn(), nullable=False),
)


@attrs.frozen
class Recorded:
    """What an owner's tables became, and when (aware, UTC)."""

    snapshot: Snapshot
    fingerprint: str
    applied_at: datetime


def schema_of(connection: Connection) -> str | None:
    """Return the PostgreSQL schema that a connection puts in front of names, if it does."""
    translated = connection.get_execution_options().get("schema_translate_map") or {}
    return translated.get(None)


def recorded(connection: Connection) -> dict[str, Recorded]:
    """Return what is recorded, by owner; nothing in a fresh database."""
    if not inspect(connection).has_table(_SCHEMA.name, schema=schema_of(connection)):
        return {}
    return {
        row.owner: Recorded(cast(Snapshot, json.loads(row.snapshot)), row.fingerprint, row.applied_at)
        for row in connection.execute(select(_SCHEMA))
    }


def record(connection: Connection, owner: Owner, now: datetime) -> None:
    """Write down that an owner's tables are as declared."""
    if not inspect(connection).has_table(_SCHEMA.name):
        connection.execute(CreateTable(_SCHEMA))
    connection.execute(_SCHEMA.delete().where(_SCHEMA.c.owner == owner.name))
    row = {
        "owner": owner.name,
        "snapshot": json.dumps(owner.snapshot, sort_keys=True),
        "fingerprint": owner.fingerprint,
        "applied_at": now,
    }
    connection.execute(_SCHEMA.insert().values(row))
