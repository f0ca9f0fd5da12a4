"""The workspace itself, its plugins, and what came in from outside."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

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
    Column("sandbox", BooleanColumn()),
    Column("shift", BigInteger),
)
"""One row; another `config_version` tells every process that roles, definitions or plugins changed."""

plugin = Table(
    "crm_plugin",
    _METADATA,
    Column("name", key_column(64), primary_key=True),
    Column("enabled", BooleanColumn(), nullable=False),
    Column("version", key_column(64)),
    Column("grants", JsonColumn(), nullable=False),
)
"""Which plugins this workspace uses, and what an owner let their automations do."""

submission = Table(
    "crm_submission",
    _METADATA,
    Column("id", IdColumn(), primary_key=True),
    Column("form", key_column(64), nullable=False),
    Column("at", InstantColumn(), nullable=False),
    Column("values", JsonColumn(), nullable=False),
    Column("attribution", JsonColumn(), nullable=False),
    Column("consent", Text()),
    Column("contact_id", IdColumn()),
    Column("entity", key_column(100), nullable=False),
    Column("record_id", IdColumn()),
    Column("once", key_column(200)),
    Column("error", Text()),
)
"""What came by web forms: what was filled in, the way by which somebody came, the text that they agreed to, and the
record that it went to; `once` tells one sending from the same one again, and `error` why it could not become what its
form says."""
Index("ix_crm_submission_record", submission.c.entity, submission.c.record_id, submission.c.id)
Index("ix_crm_submission_contact_id", submission.c.contact_id, submission.c.id)
Index(
    "ix_crm_submission_error",
    submission.c.id,
    sqlite_where=submission.c.error.is_not(None),
    postgresql_where=submission.c.error.is_not(None),
)
Index("uq_crm_submission_once", submission.c.form, submission.c.once, unique=True)

file_read = Table(
    "crm_file_read",
    _METADATA,
    Column("id", IdColumn(), primary_key=True),
    Column("file_id", IdColumn(), _deferred("crm_file.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", InstantColumn(), nullable=False),
    Column("principal", key_column(100), nullable=False),
    Column("acting_as", key_column(100)),
)
"""Who was given which version of a file, and when: written before the first byte is sent."""
Index("ix_crm_file_read_file_id", file_read.c.file_id, file_read.c.id)
