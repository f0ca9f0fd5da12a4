"""Links that are good once, for a time, and for one address: invitations, and passwords to be chosen anew."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from sqlalchemy import bindparam, delete, select, update

from opencrm.core.change import Values
from opencrm.core.columns import IdColumn, InstantColumn, key_column
from opencrm.core.entities import User
from opencrm.core.values import Id
from opencrm.services.identity import secret
from opencrm.storage import tables
from opencrm.storage.choosing import chosen
from opencrm.storage.transactions import Transaction

Kind: TypeAlias = Literal["invitation", "reset"]

GOOD_FOR: Mapping[str, timedelta] = MappingProxyType({"invitation": timedelta(days=7), "reset": timedelta(hours=1)})
"""How long a link of each kind is good."""

_LINK, _USER = tables.link, User.__table__
_NOW = bindparam("now", type_=InstantColumn())
_DIGEST = bindparam("of", type_=key_column(64))


def make(tx: Transaction, new_id: Id, kind: Kind, user: Values, *, by: str, now: datetime) -> str:
    """Make a link for a user, and return its secret, which is not shown again.

    Args:
        tx: The transaction.
        new_id: A fresh id.
        kind: What it is good for.
        user: The user's `id` and `email`.
        by: Who makes it, such as `"user:0190..."`.
        now: The instant.
    """
    fresh = secret.fresh()
    row = {"id": new_id, "user_id": user["id"], "kind": kind, "digest": secret.digest(fresh), "email": user["email"]}
    tx.insert(_LINK, [row | {"created_by": by, "created_at": now, "expires_at": now + GOOD_FOR[kind]}])
    return fresh


def find(tx: Transaction, kind: Kind, given: str, now: datetime) -> Values | None:
    """Return the id and the address of whose link this is; None where it is not good, or no longer."""

    def build() -> Any:
        good = (_LINK.c.digest == _DIGEST, _LINK.c.kind == bindparam("kind", type_=_LINK.c.kind.type))
        fresh = (_LINK.c.used_at.is_(None), _LINK.c.expires_at > _NOW)
        same = (_USER.c.id == _LINK.c.user_id, _USER.c.email == _LINK.c.email)
        living = (_USER.c.deleted_at.is_(None), _USER.c.active)
        return select(_USER.c.id, _USER.c.email).where(*good, *fresh, *same, *living)

    rows = tx.query("link", build, {"of": secret.digest(given), "kind": kind, "now": now})
    return rows[0] if rows else None


def spend(tx: Transaction, given: str, now: datetime) -> bool:
    """Use a link up; say whether nobody else did."""
    mine = (_LINK.c.digest == _DIGEST, _LINK.c.used_at.is_(None))
    told = [{"of": secret.digest(given), "now": now}]
    return tx.run("spend link", lambda: update(_LINK).where(*mine).values(used_at=_NOW), told) == 1


def end_all(tx: Transaction, user_id: Id, now: datetime) -> None:
    """End all links of a user."""
    user = bindparam("user", type_=IdColumn())
    theirs = (_LINK.c.user_id == user, _LINK.c.used_at.is_(None))
    tx.run("end links", lambda: update(_LINK).where(*theirs).values(used_at=_NOW), [{"user": user_id, "now": now}])


def sweep(tx: Transaction, now: datetime) -> None:
    """Delete the links that are over."""

    def build() -> Any:
        over = select(_LINK.c.id).where(_LINK.c.expires_at < _NOW).with_for_update(skip_locked=True)
        return delete(_LINK).where(chosen(_LINK.c.id, over, sqlite=tx.sqlite))

    tx.run("sweep links", build, [{"now": now}])
