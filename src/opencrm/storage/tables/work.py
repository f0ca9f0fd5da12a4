"""What is still to be done, and what was done once: deliveries, runs, timers, imports."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, UniqueConstraint

from opencrm.core.columns import BooleanColumn, IdColumn, InstantColumn, JsonColumn, key_column
from opencrm.core.entities import Core

_METADATA = Core.metadata

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
    Column("lease", IdColumn()),
    UniqueConstraint("entry_id", "plugin", name="uq_crm_delivery_entry_id_plugin"),
)
"""What a plugin has still to be told: `waiting`, `running` under a lease, `held` back by one that failed, `dead`, or
`dropped` by an owner; done ones are deleted."""
Index("ix_crm_delivery_state", delivery.c.state, delivery.c.run_at)
Index("ix_crm_delivery_record", delivery.c.plugin, delivery.c.entity, delivery.c.record_id, delivery.c.id)

circuit = Table(
    "crm_circuit",
    _METADATA,
    Column("plugin", key_column(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("since", InstantColumn(), nullable=False),
    Column("until", InstantColumn()),
    Column("error", Text()),
)
"""Plugins whose last deliveries failed, one after the other; from a number on nothing is delivered before `until`."""

once = Table(
    "crm_once",
    _METADATA,
    Column("plugin", key_column(64), primary_key=True),
    Column("key", key_column(200), primary_key=True),
    Column("at", InstantColumn(), nullable=False),
)
"""Keys of effects that a plugin has had, written in the transaction of the effect."""

run = Table(
    "crm_run",
    _METADATA,
    Column("id", IdColumn(), primary_key=True),
    Column("rule", key_column(200), nullable=False),
    Column("automation", key_column(100), nullable=False),
    Column("entity", key_column(100), nullable=False),
    Column("record_id", IdColumn(), nullable=False),
    Column("cause", IdColumn()),
    Column("at", InstantColumn(), nullable=False),
    Column("state", key_column(16), nullable=False),
    Column("steps", JsonColumn(), nullable=False),
    Column("rest", JsonColumn()),
    Column("anew", key_column(200)),
    Column("attempts", Integer, nullable=False),
    Column("due_at", InstantColumn()),
    Column("lease_until", InstantColumn()),
    Column("error", Text()),
    Column("lease", IdColumn()),
    Column("generation", Integer),
    Column("letter", BooleanColumn()),
)
"""What rules did: each step with when and how it went, and what is `waiting` to be done, or `failed`."""
Index("ix_crm_run_due_at", run.c.state, run.c.due_at)
Index("ix_crm_run_record", run.c.entity, run.c.record_id, run.c.id)
Index("ix_crm_run_rule", run.c.rule, run.c.id)

timer = Table(
    "crm_timer",
    _METADATA,
    Column("id", IdColumn(), primary_key=True),
    Column("kind", key_column(16), nullable=False),
    Column("key", key_column(200), nullable=False, unique=True),
    Column("entity", key_column(100), nullable=False),
    Column("record_id", IdColumn()),
    Column("due_at", InstantColumn(), nullable=False),
    Column("payload", JsonColumn(), nullable=False),
    Column("state", key_column(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text()),
)
"""What comes with time, beside tasks' own deadlines: `waiting` until it is due, `dead` where it failed too often.

A row goes, or is set anew, in the transaction of its effect."""
Index("ix_crm_timer_due_at", timer.c.state, timer.c.due_at)
Index("ix_crm_timer_record", timer.c.entity, timer.c.record_id)

sla_clock = Table(
    "crm_sla_clock",
    _METADATA,
    Column("id", IdColumn(), primary_key=True),
    Column("sla", key_column(64), nullable=False),
    Column("entity", key_column(100), nullable=False),
    Column("record_id", IdColumn(), nullable=False),
    Column("state", key_column(16), nullable=False),
    Column("started_at", InstantColumn(), nullable=False),
    Column("since", InstantColumn()),
    Column("due_at", InstantColumn()),
    Column("paused_at", InstantColumn()),
    Column("breached_at", InstantColumn()),
    Column("ended_at", InstantColumn()),
    Column("elapsed", BigInteger, nullable=False),
    Column("target", BigInteger, nullable=False),
    Column("rung", Integer, nullable=False),
)
"""Clocks of promises about time: `running`, `paused`, `met` or `breached`; one that has ended stays."""
Index("ix_crm_sla_clock_record", sla_clock.c.entity, sla_clock.c.record_id, sla_clock.c.id)

turn = Table(
    "crm_turn",
    _METADATA,
    Column("key", key_column(200), primary_key=True),
    Column("user_id", IdColumn(), nullable=False),
)
"""Whose turn it was last, among those who take turns."""

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
