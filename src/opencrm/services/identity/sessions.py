"""Sessions: who is signed in, by the digest of a secret."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import and_, bindparam, case, delete, select, update

from opencrm.core.access.organisation import mark_of
from opencrm.core.access.rights import Rights
from opencrm.core.change import Values
from opencrm.core.columns import IdColumn, InstantColumn, key_column
from opencrm.core.values import Id
from opencrm.services.identity import secret
from opencrm.services.identity.policy import SignIn
from opencrm.storage import tables
from opencrm.storage.choosing import chosen
from opencrm.storage.transactions import Transaction

_SESSION, _TOKEN = tables.session, tables.token
_NOW, _USER = bindparam("now", type_=InstantColumn()), bindparam("user", type_=IdColumn())
_DIGEST = bindparam("of", type_=key_column(64))
_LABEL = 200


@attrs.frozen(kw_only=True)
class Opened:
    """A session that was just begun; its secret is not shown again.

    Attributes:
        secret: What a browser's cookie or a program's header carries.
        user_id: Whose it is.
        idle_at: When it ends unless it is used before.
        expires_at: When it ends in any case.
    """

    secret: str = attrs.field(repr=False)
    user_id: Id
    idle_at: datetime
    expires_at: datetime


def begin(tx: Transaction, new_id: Id, rights: Rights, policy: SignIn, *, label: str | None, now: datetime) -> Opened:
    """Begin a session of a person with these rights.

    Args:
        tx: The transaction.
        new_id: A fresh id.
        rights: What the person may do at this moment; the session ends when it is something else.
        policy: How long it lasts.
        label: What it is used with.
        now: The instant.
    """
    fresh, user_id = secret.fresh(secret.SESSION), rights.user_id or ""
    ends = {"idle_at": now + min(policy.idle, policy.longest), "expires_at": now + policy.longest}
    row = {"id": new_id, "user_id": user_id, "digest": secret.digest(fresh), "rights": rights_of(rights)}
    told = "".join(letter for letter in label or "" if letter.isprintable())[:_LABEL] or None
    tx.insert(tables.session, [row | {"label": told, "created_at": now, "seen_at": now} | ends])
    return Opened(secret=fresh, user_id=user_id, **ends)


def rights_of(rights: Rights) -> str:
    """Return the mark of what somebody may do: with another one their sessions end."""
    return mark_of(rights.seats, rights.contact_id)


def find(tx: Transaction, digest: str) -> Values:
    """Return the row of a session that is signed in."""
    wanted = ("label", "created_at", "seen_at", "idle_at", "expires_at")
    columns = [_SESSION.c[name] for name in wanted]
    [row] = tx.query("session", lambda: select(*columns).where(_SESSION.c.digest == _DIGEST), {"of": digest})
    return row


def end(tx: Transaction, digest: str, now: datetime) -> None:
    """End one session."""
    mine = and_(_SESSION.c.digest == _DIGEST, _SESSION.c.ended_at.is_(None))
    tx.run("end session", lambda: update(_SESSION).where(mine).values(ended_at=_NOW), [{"of": digest, "now": now}])


def end_all(tx: Transaction, user_id: Id, now: datetime, *, but: str = "") -> int:
    """End all sessions of a user, but that of one digest; return how many there were."""

    def build() -> Any:
        theirs = (_SESSION.c.user_id == _USER, _SESSION.c.ended_at.is_(None), _SESSION.c.digest != _DIGEST)
        return update(_SESSION).where(*theirs).values(ended_at=_NOW)

    return tx.run("end sessions", build, [{"user": user_id, "of": but, "now": now}])


def touch(tx: Transaction, digest: str, policy: SignIn, now: datetime) -> None:
    """Move the end of a session in use on, unless somebody is changing it; one that is over stays over."""

    def build() -> Any:
        idle = bindparam("idle", type_=InstantColumn())
        alive = (_SESSION.c.ended_at.is_(None), _SESSION.c.idle_at > _NOW, _SESSION.c.expires_at > _NOW)
        mine = select(_SESSION.c.id).where(_SESSION.c.digest == _DIGEST, *alive).with_for_update(skip_locked=True)
        capped = case((_SESSION.c.expires_at < idle, _SESSION.c.expires_at), else_=idle)
        free = chosen(_SESSION.c.id, mine, sqlite=tx.sqlite)
        return update(_SESSION).where(free).values(seen_at=_NOW, idle_at=capped)

    tx.run("touch session", build, [{"of": digest, "now": now, "idle": now + policy.idle}])


def touch_key(tx: Transaction, digest: str, now: datetime) -> None:
    """Write down that a key was used, unless somebody is changing it."""

    def build() -> Any:
        mine = select(_TOKEN.c.id).where(_TOKEN.c.digest == _DIGEST).with_for_update(skip_locked=True)
        return update(_TOKEN).where(chosen(_TOKEN.c.id, mine, sqlite=tx.sqlite)).values(used_at=_NOW)

    tx.run("touch token", build, [{"of": digest, "now": now}])


def sweep(tx: Transaction, now: datetime) -> None:
    """Delete the sessions that are over."""

    def build() -> Any:
        over = select(_SESSION.c.id).where(_SESSION.c.expires_at < _NOW).with_for_update(skip_locked=True)
        return delete(_SESSION).where(chosen(_SESSION.c.id, over, sqlite=tx.sqlite))

    tx.run("sweep sessions", build, [{"now": now}])
