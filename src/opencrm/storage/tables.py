"""The tables that are no entities: no generic route reads or writes them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from opencrm.core.columns import BooleanColumn, IdColumn, InstantColumn, JsonColumn, key_column
from opencrm.core.entities import Core

_METADATA = Core.metadata


def _deferred(column: str) -> ForeignKey:
    return ForeignKey(column, deferrable=True, initially="DEFERRED")


workspace = Table(
    "crm_workspace",
    _METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("config_version", key_column(36), nullable=False),
    Column("secret", key_column(64), nullable=False),
    Column("region", key_column(2), nullable=False),
    Column("currency", key_column(3), nullable=False),
    Column("zone", key_column(64), nullable=False),
    Column("created_at", InstantColumn(), nullable=False),
)
"""One row; another `config_version` tells every process that roles, definitions or plugins changed."""

journal = Table(
    "crm_journal",
    _METADATA,
    Column("id", IdColumn(), primary_key=True),
    Column("act", IdColumn(), nullable=False),
    Column("at", InstantColumn(), nullable=False),
    Column("entity", key_column(100), nullable=False),
    Column("record_id", IdColumn(), nullable=False),
    Column("kind", key_column(16), nullable=False),
    Column("principal", key_column(100), nullable=False),
    Column("acting_as", key_column(100)),
    Column("cause", IdColumn()),
    Column("origin", key_column(200)),
    Column("undoes", IdColumn()),
    Column("before", JsonColumn()),
    Column("after", JsonColumn(), nullable=False),
    Column("pending", BooleanColumn(), nullable=False),
)
"""History and outbox in one: a row a change; `pending` until the worker has fanned it out."""
Index("ix_crm_journal_record", journal.c.entity, journal.c.record_id, journal.c.id)
Index("ix_crm_journal_act", journal.c.act, journal.c.id)
Index("ix_crm_journal_pending", journal.c.id, sqlite_where=journal.c.pending, postgresql_where=journal.c.pending)

stage_move = Table(
    "crm_stage_move",
    _METADATA,
    Column("id", IdColumn(), primary_key=True),
    Column("act", IdColumn(), nullable=False),
    Column("entity", key_column(100), nullable=False),
    Column("record_id", IdColumn(), nullable=False),
    Column("pipeline", key_column(64), nullable=False),
    Column("start", key_column(64)),
    Column("end", key_column(64), nullable=False),
    Column("at", InstantColumn(), nullable=False),
    Column("by", key_column(100), nullable=False),
    Column("seconds", BigInteger),
)
"""Append-only: one row a move; the open visit of a stage is the last one."""
Index("ix_crm_stage_move_record", stage_move.c.entity, stage_move.c.record_id, stage_move.c.id)

counter = Table(
    "crm_counter",
    _METADATA,
    Column("id", IdColumn(), primary_key=True),
    Column("entity", key_column(100), nullable=False),
    Column("pipeline", key_column(64)),
    Column("stage", key_column(64)),
    Column("unit_id", IdColumn()),
    Column("owner_id", IdColumn()),
    Column("currency", key_column(3)),
    Column("month", key_column(7)),
    Column("number", Integer, nullable=False),
    Column("valued", Integer, nullable=False),
    Column("high", BigInteger, nullable=False),
    Column("low", BigInteger, nullable=False),
)
"""How many living records stand where, and what they are worth (see `core.counters`): a counter is the sum of its
rows. Each transaction appends what it adds; the worker puts rows of the same place together."""
Index("ix_crm_counter_unit_id", counter.c.entity, counter.c.unit_id)
Index("ix_crm_counter_owner_id", counter.c.entity, counter.c.owner_id)

delivery = Table(
    "crm_delivery",
    _METADATA,
    Column("id", IdColumn(), primary_key=True),
    Column("entry_id", IdColumn(), nullable=False),
    Column("plugin", key_column(64), nullable=False),
    Column("entity", key_column(100), nullable=False),
    Column("record_id", IdColumn(), nullable=False),
    Column("state", key_column(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("run_at", InstantColumn(), nullable=False),
    Column("lease_until", InstantColumn()),
    Column("error", Text()),
    UniqueConstraint("entry_id", "plugin", name="uq_crm_delivery_entry_id_plugin"),
)
"""What a plugin has still to be told: `waiting`, `running` under a lease, or `dead`; done ones are deleted."""
Index("ix_crm_delivery_state", delivery.c.state, delivery.c.run_at)
Index("ix_crm_delivery_record", delivery.c.plugin, delivery.c.entity, delivery.c.record_id, delivery.c.id)

once = Table(
    "crm_once",
    _METADATA,
    Column("plugin", key_column(64), primary_key=True),
    Column("key", key_column(200), primary_key=True),
    Column("at", InstantColumn(), nullable=False),
)
"""Keys of effects that a plugin has had, written in the transaction of the effect."""

plugin = Table(
    "crm_plugin",
    _METADATA,
    Column("name", key_column(64), primary_key=True),
    Column("enabled", BooleanColumn(), nullable=False),
    Column("version", key_column(64)),
    Column("grants", JsonColumn(), nullable=False),
)
"""Which plugins this workspace uses, and what an owner let their automations do."""

token = Table(
    "crm_token",
    _METADATA,
    Column("id", IdColumn(), primary_key=True),
    Column("user_id", IdColumn(), ForeignKey("crm_user.id"), nullable=False),
    Column("digest", key_column(64), nullable=False, unique=True),
    Column("label", key_column(100), nullable=False),
    Column("created_at", InstantColumn(), nullable=False),
    Column("expires_at", InstantColumn()),
    Column("revoked_at", InstantColumn()),
    Column("scopes", JsonColumn()),
    Column("used_at", InstantColumn()),
)
"""People's API keys; only a digest of the secret is kept. One with `scopes` does no more than they say."""
Index("ix_crm_token_user_id", token.c.user_id, token.c.id)

credential = Table(
    "crm_credential",
    _METADATA,
    Column("user_id", IdColumn(), ForeignKey("crm_user.id"), primary_key=True),
    Column("hash", Text(), nullable=False),
    Column("changed_at", InstantColumn(), nullable=False),
)
"""People's passwords, as argon2id with its parameters and salt."""

session = Table(
    "crm_session",
    _METADATA,
    Column("id", IdColumn(), primary_key=True),
    Column("user_id", IdColumn(), ForeignKey("crm_user.id"), nullable=False),
    Column("digest", key_column(64), nullable=False, unique=True),
    Column("rights", key_column(64), nullable=False),
    Column("label", key_column(200)),
    Column("created_at", InstantColumn(), nullable=False),
    Column("seen_at", InstantColumn(), nullable=False),
    Column("idle_at", InstantColumn(), nullable=False),
    Column("expires_at", InstantColumn(), nullable=False),
    Column("ended_at", InstantColumn()),
)
"""Who is signed in; only a digest of the secret is kept. It is good until `idle_at`, which use moves on, never beyond
`expires_at`, and for as long as `rights` is the mark of what its user may do."""
Index("ix_crm_session_user_id", session.c.user_id, session.c.id)
Index("ix_crm_session_expires_at", session.c.expires_at)

link = Table(
    "crm_link",
    _METADATA,
    Column("id", IdColumn(), primary_key=True),
    Column("user_id", IdColumn(), ForeignKey("crm_user.id"), nullable=False),
    Column("kind", key_column(16), nullable=False),
    Column("digest", key_column(64), nullable=False, unique=True),
    Column("email", key_column(320), nullable=False),
    Column("created_by", key_column(100), nullable=False),
    Column("created_at", InstantColumn(), nullable=False),
    Column("expires_at", InstantColumn(), nullable=False),
    Column("used_at", InstantColumn()),
)
"""What invites, or lets a forgotten password be chosen anew, once; only a digest of the secret is kept. It is good for
the address that it was made for alone."""
Index("ix_crm_link_user_id", link.c.user_id, link.c.id)
Index("ix_crm_link_expires_at", link.c.expires_at)

attempt = Table(
    "crm_attempt",
    _METADATA,
    Column("key", key_column(64), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("until", InstantColumn(), nullable=False),
)
"""How often something was tried since a window of time began; the key is a digest of who tried what."""
Index("ix_crm_attempt_until", attempt.c.until)

upkeep = Table(
    "crm_upkeep",
    _METADATA,
    Column("task", key_column(200), primary_key=True),
    Column("at", InstantColumn(), nullable=False),
)
"""What was done to all records once, so that it is not done again: roll-ups and counters counted for the first time."""

import_job = Table(
    "crm_import_job",
    _METADATA,
    Column("id", IdColumn(), primary_key=True),
    Column("file_hash", key_column(64), nullable=False),
    Column("map_hash", key_column(64), nullable=False),
    Column("file_name", Text(), nullable=False),
    Column("principal", key_column(100), nullable=False),
    Column("state", key_column(16), nullable=False),
    Column("rows_done", Integer, nullable=False),
    Column("counts", JsonColumn(), nullable=False),
    Column("started_at", InstantColumn(), nullable=False),
    Column("finished_at", InstantColumn()),
    Column("run", IdColumn()),
)
"""Imports under way and done; its row advances in the transaction of the rows that it counts. The files of one call
share a `run`."""
Index("ix_crm_import_job_file_hash", import_job.c.file_hash, import_job.c.map_hash)

segment_snapshot = Table(
    "crm_segment_snapshot",
    _METADATA,
    Column("id", IdColumn(), primary_key=True),
    Column("segment_id", IdColumn(), _deferred("crm_segment.id"), nullable=False),
    Column("entity", key_column(100), nullable=False),
    Column("where", JsonColumn(), nullable=False),
    Column("act", IdColumn(), nullable=False),
    Column("at", InstantColumn(), nullable=False),
    Column("by", key_column(100), nullable=False),
)
"""Who was in a segment at an instant, as far as the one who took it could read, and by which condition."""
Index("ix_crm_segment_snapshot_segment_id", segment_snapshot.c.segment_id, segment_snapshot.c.id)

segment_member = Table(
    "crm_segment_member",
    _METADATA,
    Column("snapshot_id", IdColumn(), _deferred("crm_segment_snapshot.id"), primary_key=True),
    Column("record_id", IdColumn(), primary_key=True),
)
"""The records of a snapshot."""

merged = Table(
    "crm_merged",
    _METADATA,
    Column("entity", key_column(100), primary_key=True),
    Column("record_id", IdColumn(), primary_key=True),
    Column("into_id", IdColumn(), nullable=False),
    Column("deleted_at", InstantColumn(), nullable=False),
)
"""Where merged records went; a row holds while its record is deleted since `deleted_at`."""

no_duplicate = Table(
    "crm_no_duplicate",
    _METADATA,
    Column("entity", key_column(100), primary_key=True),
    Column("one_id", IdColumn(), primary_key=True),
    Column("other_id", IdColumn(), primary_key=True),
    Column("by", key_column(100), nullable=False),
    Column("at", InstantColumn(), nullable=False),
)
"""Pairs of records that somebody looked at and found to be two; `one_id` is the lower id."""
