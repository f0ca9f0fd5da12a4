"""People's API keys: shown once, kept as a digest, ended one by one; one may be narrowed to some acts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import bindparam, select, update

from opencrm.core.access.grants import Grant, Scope, grant_rows, read_grants
from opencrm.core.access.principal import Principal
from opencrm.core.columns import IdColumn, InstantColumn
from opencrm.core.entities import User
from opencrm.core.values import Id, is_id
from opencrm.errors import InputError, NotFound
from opencrm.services.delegation.refusals import denied
from opencrm.services.identity import secret as secrets
from opencrm.services.workspaces import acts
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work

PREFIX = "opencrm_"
MOST_SCOPES = 100
_TOKEN = tables.token
_USER, _NOW = bindparam("user", type_=IdColumn()), bindparam("at", type_=InstantColumn())


@attrs.frozen(kw_only=True)
class KeyInfo:
    """What is known of a key; its secret is not.

    Attributes:
        id: Names it, so that it can be ended.
        label: What it is for.
        scopes: What it is narrowed to, as grants; None for all that its holder may do.
        created_at: When it was made.
        used_at: When it was used last, to some minutes; None for never.
        expires_at: When it stops working; None for never.
    """

    id: Id
    label: str
    scopes: list[dict[str, Any]] | None
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None


def issue(work: Work, user_id: Id, *, label: str, days: int | None = None, scopes: Sequence[Any] | None = None) -> str:
    """Make a key with which a program acts as a user; it is not shown again.

    Args:
        work: The work block, of an owner or of that user.
        user_id: The user.
        label: What the key is for.
        days: After how many days it stops working; None for never.
        scopes: What it is narrowed to: `"deal.read"`, `"deal.*"`, `"*.read"`, or grants. It never does more than
            its user may; None for all of that.

    Raises:
        NotFound: There is no such user.
        PermissionDenied: The principal is neither an owner nor that user, or is a key.
        InputError: The user is disabled, or an argument cannot be used.
    """
    may_manage(work, user_id, "user.token")
    holder = work.whole(User.spec, [user_id]).get(user_id)
    if holder is None:
        raise NotFound("there is no such user", entity="user")
    if not holder["active"]:
        raise InputError({"user": ["is disabled: no key would work"]})
    if work.rights.principal.kind == "token":
        raise denied(work, "user.token", "key", "a key makes no keys")
    narrowed = None if scopes is None else grant_rows(_scopes(work, scopes))
    _check(label, days)
    secret = secrets.fresh(PREFIX)
    expires = {"expires_at": work.now + timedelta(days=days) if days else None}
    row = {"id": work.new_id(), "user_id": user_id, "digest": digest(secret), "label": label, "created_at": work.now}
    work.tx.insert(_TOKEN, [row | expires | {"scopes": narrowed}])
    return secret


def living(reader: Reader, user_id: Id) -> list[KeyInfo]:
    """Return the keys of a user that work, the oldest first.

    Raises:
        PermissionDenied: The principal is neither an owner nor that user.
    """
    may_manage(reader, user_id, "user.token")

    def build() -> Any:
        good = (_TOKEN.c.revoked_at.is_(None), _TOKEN.c.expires_at.is_(None) | (_TOKEN.c.expires_at > _NOW))
        return select(*_KNOWN).where(_TOKEN.c.user_id == _USER, *good).order_by(_TOKEN.c.id)

    return [KeyInfo(**row) for row in reader.tx.query("tokens", build, {"user": user_id, "at": reader.now})]


def find(reader: Reader, secret: str) -> KeyInfo:
    """Return what is known of a key that was just made."""
    mine = _TOKEN.c.digest == bindparam("digest", type_=_TOKEN.c.digest.type)
    [row] = reader.tx.query("token by digest", lambda: select(*_KNOWN).where(mine), {"digest": digest(secret)})
    return KeyInfo(**row)


def end(work: Work, key_id: Id) -> None:
    """End one key at once.

    Raises:
        NotFound: There is no such key, or it is somebody else's and the principal is no owner.
    """
    given = {"id": key_id, "at": work.now}

    def build() -> Any:
        return select(_TOKEN.c.user_id).where(_TOKEN.c.id == _ID, _TOKEN.c.revoked_at.is_(None))

    rows = work.tx.query("token", build, given) if is_id(key_id) else []
    if not rows or not _manages(work, rows[0]["user_id"]):
        raise NotFound("there is no such key", entity="token")
    work.tx.run("end token", lambda: update(_TOKEN).where(_TOKEN.c.id == _ID).values(revoked_at=_NOW), [given])


def revoke(work: Work, user_id: Id) -> int:
    """End all keys of a user at once; return how many there were.

    Raises:
        PermissionDenied: The principal is neither an owner nor that user.
    """
    may_manage(work, user_id, "user.token")
    return end_all(work.tx, user_id, work.now)


def end_all(tx: Transaction, user_id: Id, now: datetime) -> int:
    """End all keys of a user, whoever asks; return how many there were."""

    def build() -> Any:
        theirs = (_TOKEN.c.user_id == _USER, _TOKEN.c.revoked_at.is_(None))
        return update(_TOKEN).where(*theirs).values(revoked_at=_NOW)

    return tx.run("revoke tokens", build, [{"user": user_id, "at": now}])


def may_manage(reader: Reader, user_id: Id, action: str) -> None:
    """Refuse to manage the keys and sessions of others to all but owners, and to narrowed keys everybody's.

    Raises:
        PermissionDenied: It is refused.
    """
    if not _manages(reader, user_id):
        narrowed = reader.rights.limits is not None
        told = "no narrowed key does this" if narrowed else "only an owner does this for others"
        raise denied(reader, action, "key" if narrowed else "owner", told)


def principal_of(secret: str) -> Principal:
    """Return whom a key's or a session's secret stands for; whether it still does is judged when a block begins."""
    kind = Principal.session if secret.startswith(secrets.SESSION) else Principal.token
    return kind(digest(secret))


digest = secrets.digest
_KNOWN = [_TOKEN.c[each.name] for each in attrs.fields(KeyInfo)]
_ID = bindparam("id", type_=IdColumn())


def _manages(reader: Reader, user_id: Id) -> bool:
    rights = reader.rights
    return rights.limits is None and (rights.owner or rights.user_id == user_id)


def _check(label: Any, days: Any) -> None:
    if not isinstance(label, str) or not 1 <= len(label) <= 100 or not label.isprintable():
        raise InputError({"label": ["must have 1 to 100 characters"]})
    if days is not None and (not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= 36_500):
        raise InputError({"days": ["must be a number of days, at least 1"]})


def _scopes(work: Work, given: Any) -> list[Grant]:
    """Return scopes as grants.

    Raises:
        InputError: There are none or too many, or one names what is not there.
    """
    if isinstance(given, str) or not isinstance(given, Sequence) or not 1 <= len(given) <= MOST_SCOPES:
        raise InputError({"scopes": [f"must be a list of 1 to {MOST_SCOPES} scopes, such as deal.read"]})
    try:
        grants = [_scope(each) for each in given]
    except ValueError as error:
        raise InputError({"scopes": [str(error)]}) from None
    wrong = [sentence for grant in grants for sentence in acts.unknown(work.configuration, grant)]
    if wrong:
        raise InputError({"scopes": wrong})
    return grants


def _scope(given: Any) -> Grant:
    if isinstance(given, str):
        entity, dot, action = given.partition(".")
        if not (entity and dot and action):
            raise ValueError(f"{given!r} is no scope such as deal.read, deal.* or *.read")
        return Grant(entity, action, Scope.ALL)
    [grant] = read_grants([given])
    if grant.when is not None:
        raise ValueError("a scope has no condition")
    return grant
