"""How often something may be tried: counted in the database, so that all processes count together."""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import datetime, timedelta
from typing import Any

import attrs
from sqlalchemy import bindparam, case, delete, select, update

from opencrm.core.change import Values
from opencrm.core.columns import InstantColumn
from opencrm.errors import TooManyAttempts
from opencrm.storage import tables
from opencrm.storage.choosing import chosen
from opencrm.storage.databases import Database
from opencrm.storage.transactions import Transaction
from opencrm.storage.upserts import upsert

_ATTEMPT = tables.attempt
_NOW, _UNTIL = bindparam("now", type_=InstantColumn()), bindparam("until", type_=InstantColumn())


@attrs.frozen
class Limit:
    """How often something may be tried in a window of time, which begins with the first try.

    Args:
        what: What is tried, and by what it is counted.
        number: How often.
        window: In what time.
    """

    what: str
    number: int
    window: timedelta


ACCOUNT = Limit("password of an account", 10, timedelta(minutes=15))
REMOTE = Limit("passwords from an address", 100, timedelta(minutes=15))
RESETS = Limit("resets of an account", 5, timedelta(hours=1))
RESETS_REMOTE = Limit("resets from an address", 30, timedelta(hours=1))
LINKS_REMOTE = Limit("links from an address", 60, timedelta(minutes=15))


def count(database: Database, limit: Limit, who: str | None, now: datetime) -> None:
    """Count one more try, in a transaction of its own.

    Args:
        database: Where it is counted.
        limit: What is tried.
        who: By whom; nothing is counted where it is not known.
        now: The instant.

    Raises:
        TooManyAttempts: There were too many; says when to come again.
    """
    if who is None:
        return
    with database.write() as tx:
        given = {"key": _key(limit, who), "number": 1, "now": now, "until": now + limit.window}
        [row] = tx.query(("count attempt", tx.sqlite), lambda: _counting(sqlite=tx.sqlite), given)
    if row["number"] > limit.number:
        raise TooManyAttempts.until(_seconds(row, now))


def forget(tx: Transaction, limit: Limit, who: str | None) -> None:
    """Count anew from nothing: it was they."""
    given = [{"key": _key(limit, who or "")}]
    tx.run("forget attempts", lambda: delete(_ATTEMPT).where(_ATTEMPT.c.key == _given("key")), given)


def give_back(tx: Transaction, limit: Limit, who: str | None) -> None:
    """Take one try from the count: it was none of a stranger's."""

    def build() -> Any:
        mine = (_ATTEMPT.c.key == _given("key"), _ATTEMPT.c.number > 0)
        return update(_ATTEMPT).where(*mine).values(number=_ATTEMPT.c.number - 1)

    tx.run("give attempt back", build, [{"key": _key(limit, who or "")}])


def sweep(tx: Transaction, now: datetime) -> None:
    """Delete what no longer counts, but what somebody else is counting on at the moment."""

    def build() -> Any:
        over = select(_ATTEMPT.c.key).where(_ATTEMPT.c.until < _NOW).with_for_update(skip_locked=True)
        return delete(_ATTEMPT).where(chosen(_ATTEMPT.c.key, over, sqlite=tx.sqlite))

    tx.run("sweep attempts", build, [{"now": now}])


def network(remote: str | None) -> str | None:
    """Return by what a caller is counted: their address, of IPv6 the network of it."""
    try:
        address = ipaddress.ip_address((remote or "").partition("%")[0])
    except ValueError:
        return remote or None
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _counting(*, sqlite: bool) -> Any:
    table = _ATTEMPT
    over = table.c.until <= _NOW
    anew = {
        "number": case((over, 1), else_=table.c.number + 1),
        "until": case((over, _UNTIL), else_=table.c.until),
    }
    stored = upsert(table, ["key", "number", "until"], ["key"], anew, sqlite=sqlite)
    return stored.returning(table.c.number, table.c.until)


def _given(name: str) -> Any:
    return bindparam(name, type_=_ATTEMPT.c[name].type)


def _key(limit: Limit, who: str) -> str:
    return hashlib.sha256(f"{limit.what}: {who}".encode(errors="replace")).hexdigest()


def _seconds(row: Values, now: datetime) -> int:
    return max(1, -int((now - row["until"]).total_seconds() // 1))
