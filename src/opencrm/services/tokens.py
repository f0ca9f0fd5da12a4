"""People's API keys: shown once, kept as a digest."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, update

from opencrm.core.access.principal import Principal
from opencrm.core.columns import IdColumn, InstantColumn
from opencrm.core.entities import User
from opencrm.core.values import Id
from opencrm.errors import InputError, NotFound, PermissionDenied
from opencrm.storage import tables

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

PREFIX = "opencrm_"


def issue(work: Work, user_id: Id, *, label: str, days: int | None = None) -> str:
    """Make a key with which a program acts as a user; it is not shown again.

    Args:
        work: The work block, of an owner or of that user.
        user_id: The user.
        label: What the key is for.
        days: After how many days it stops working; None for never.

    Raises:
        NotFound: There is no such user.
        PermissionDenied: The principal is neither an owner nor that user.
    """
    _may(work, user_id)
    holder = work.whole(User.spec, [user_id]).get(user_id)
    if holder is None:
        raise NotFound("there is no such user", entity="user")
    if not holder["active"]:
        raise InputError({"user": ["is disabled: no key would work"]})
    if work.rights.principal.kind == "token":
        name, action = work.rights.name, "user.token"
        raise PermissionDenied("a key makes no keys", principal=name, action=action, reason="signed in by a key")
    if not 1 <= len(label) <= 100 or (days is not None and days < 1):
        raise InputError(
            {"label": ["must have 1 to 100 characters"]}
            if days is None or days > 0
            else {"days": ["must be at least 1"]}
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    row = {
        "id": work.new_id(),
        "user_id": user_id,
        "digest": digest(secret),
        "label": label,
        "created_at": work.now,
    }
    work.tx.insert(tables.token, [row | {"expires_at": work.now + timedelta(days=days) if days else None}])
    return secret


def revoke(work: Work, user_id: Id) -> int:
    """End all keys of a user at once; return how many there were.

    Raises:
        PermissionDenied: The principal is neither an owner nor that user.
    """
    _may(work, user_id)
    table = tables.token

    def build() -> object:
        mine = (table.c.user_id == bindparam("user", type_=IdColumn()), table.c.revoked_at.is_(None))
        return update(table).where(*mine).values(revoked_at=bindparam("at", type_=InstantColumn()))

    return work.tx.run("revoke tokens", build, [{"user": user_id, "at": work.now}])  # type: ignore[arg-type]  # an Update


def principal_of(secret: str) -> Principal:
    """Return whom a key stands for; whether it still does is judged when a read or a work begins."""
    return Principal.token(digest(secret))


def digest(secret: str) -> str:
    """Return what is kept of a key: it has 256 random bits, so a plain SHA-256 suffices."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _may(work: Work, user_id: Id) -> None:
    if not work.rights.owner and work.rights.user_id != user_id:
        raise PermissionDenied(
            "only an owner makes or ends keys for others",
            principal=work.rights.name,
            action="user.token",
            reason="not an owner",
        )
