"""What lets people in, and what they are told."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text

from opencrm.core.columns import BooleanColumn, IdColumn, InstantColumn, JsonColumn, key_column
from opencrm.core.entities import Core

_METADATA = Core.metadata

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

notification = Table(
    "crm_notification",
    _METADATA,
    Column("id", IdColumn(), primary_key=True),
    Column("user_id", IdColumn(), ForeignKey("crm_user.id"), nullable=False),
    Column("at", InstantColumn(), nullable=False),
    Column("text", Text(), nullable=False),
    Column("said", JsonColumn()),
    Column("entity", key_column(100), nullable=False),
    Column("record_id", IdColumn(), nullable=False),
    Column("rule", key_column(200)),
    Column("cause", IdColumn()),
    Column("kind", key_column(32), nullable=False),
    Column("how", key_column(32)),
    Column("read_at", InstantColumn()),
    Column("mail", key_column(16), nullable=False),
    Column("mail_at", InstantColumn()),
    Column("mail_attempts", Integer, nullable=False),
    Column("mail_error", Text()),
    Column("mail_lease", IdColumn()),
)
"""What people are told, in their inboxes; `said` keeps what stood at the places of the text, which are filled when it
is read with what its reader may read of that, and `cause` the journal's line that it follows from. `how` says where the
person is told, if it is not as they chose: `inbox`, `mail` or `inbox mail`. `mail` says what became of the letter:
`new`, `sending`, `sent`, `none` or `dead`; `mail_at` when it is looked at next, or its lease ends."""
Index("ix_crm_notification_record", notification.c.entity, notification.c.record_id, notification.c.id)
Index("ix_crm_notification_user_id", notification.c.user_id, notification.c.id)
Index(
    "ix_crm_notification_unread",
    notification.c.user_id,
    notification.c.kind,
    sqlite_where=notification.c.read_at.is_(None),
    postgresql_where=notification.c.read_at.is_(None),
)
Index(
    "ix_crm_notification_mail_at",
    notification.c.mail_at,
    sqlite_where=notification.c.mail_at.is_not(None),
    postgresql_where=notification.c.mail_at.is_not(None),
)
Index(
    "ix_crm_notification_dead",
    notification.c.at,
    sqlite_where=notification.c.mail == "dead",
    postgresql_where=notification.c.mail == "dead",
)

notification_choice = Table(
    "crm_notification_choice",
    _METADATA,
    Column("user_id", IdColumn(), ForeignKey("crm_user.id"), primary_key=True),
    Column("kind", key_column(32), primary_key=True),
    Column("channel", key_column(16), primary_key=True),
    Column("wanted", BooleanColumn(), nullable=False),
    Column("at", InstantColumn(), nullable=False),
)
"""What each person wants to be told where, as far as it differs from what is usual."""

record_secret = Table(
    "crm_record_secret",
    _METADATA,
    Column("entity", key_column(100), primary_key=True),
    Column("record_id", IdColumn(), primary_key=True),
    Column("secret", key_column(100), nullable=False),
    Column("of", key_column(64), nullable=False),
    Column("user_id", IdColumn(), ForeignKey("crm_user.id"), nullable=False),
    Column("at", InstantColumn(), nullable=False),
)
"""Secrets by which a record's messages are signed, shown once; `of` is a digest of what each was taken for."""
