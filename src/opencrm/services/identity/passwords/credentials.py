"""What is kept of people's passwords."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Text, bindparam, select, update

from opencrm.core.change import Values
from opencrm.core.columns import IdColumn
from opencrm.core.entities import User
from opencrm.core.values import Id
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction
from opencrm.storage.upserts import upsert

_USER, _CREDENTIAL = User.__table__, tables.credential
_LONGEST = 320
_USER_ID = bindparam("user", type_=IdColumn())
_COLUMNS = [_USER.c[name] for name in ("id", "email", "active")]


def normal(email: Any) -> str:
    """Return an address as users have it; of what is none, something that nobody has."""
    try:
        if isinstance(email, str) and len(email) <= _LONGEST:
            return str(User.spec.fields["email"].type.parse(email))
    except ValueError:
        pass
    return sha256(repr(email).encode(errors="replace")).hexdigest()


def by_email(tx: Transaction, email: str) -> Values | None:
    """Return a user by an address in its normal form, with what is kept of their password; None for nobody."""

    def build() -> Any:
        named = _USER.c.email == bindparam("email", type_=_USER.c.email.type)
        return _select().where(named, _USER.c.deleted_at.is_(None))

    rows = tx.query("credential by address", build, {"email": email})
    return rows[0] if rows else None


def by_id(tx: Transaction, user_id: Id) -> Values | None:
    """Return a user by id, with what is kept of their password; None for nobody."""

    def build() -> Any:
        named = _USER.c.id == bindparam("id", type_=IdColumn())
        return _select().where(named, _USER.c.deleted_at.is_(None))

    rows = tx.query("credential by id", build, {"id": user_id})
    return rows[0] if rows else None


def changed_since(tx: Transaction, user_id: Id, instant: datetime) -> bool:
    """Say whether a password was changed since; whoever is changing it at the moment is waited for."""

    def build() -> Any:
        mine = select(_CREDENTIAL.c.changed_at).where(_CREDENTIAL.c.user_id == _USER_ID)
        return mine if tx.sqlite else mine.with_for_update(read=True)

    rows = tx.query("credential changed", build, {"user": user_id})
    return any(row["changed_at"] > instant for row in rows)


def store(tx: Transaction, user_id: Id, kept: str, now: datetime) -> None:
    """Keep this of a user's password, in the place of what was kept before."""
    given = [{"user_id": user_id, "hash": kept, "changed_at": now}]
    names, key = [column.name for column in _CREDENTIAL.columns], ["user_id"]
    tx.run(("store credential", tx.sqlite), lambda: upsert(_CREDENTIAL, names, key, sqlite=tx.sqlite), given)


def replace(tx: Transaction, user_id: Id, kept: str, before: str) -> bool:
    """Keep this in the place of what was kept before; say whether that was what was kept."""

    def build() -> Any:
        same = (_CREDENTIAL.c.user_id == _USER_ID, _CREDENTIAL.c.hash == bindparam("before", type_=Text()))
        return update(_CREDENTIAL).where(*same).values(hash=bindparam("kept", type_=Text()))

    return tx.run("replace credential", build, [{"user": user_id, "kept": kept, "before": before}]) == 1


def _select() -> Any:
    joined = _USER.outerjoin(_CREDENTIAL, _CREDENTIAL.c.user_id == _USER.c.id)
    return select(*_COLUMNS, _CREDENTIAL.c.hash).select_from(joined)
