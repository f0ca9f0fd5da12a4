"""What happened: the journal, moves through stages, counters."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table

from opencrm.core.columns import BooleanColumn, IdColumn, InstantColumn, JsonColumn, key_column
from opencrm.core.entities import Core

_METADATA = Core.metadata


def _deferred(column: str) -> ForeignKey:
    return ForeignKey(column, deferrable=True, initially="DEFERRED")


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
    Column("rule", key_column(200)),
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
