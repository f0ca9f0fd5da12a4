"""How long work is somebody's own, how long it waits after a failure, and the locks that keep it in order."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, bindparam, func, select

from opencrm.storage.transactions import Transaction

LEASE = timedelta(minutes=1)
"""How long work is left to whoever took it; the one who does it prolongs that meanwhile."""

SOON = timedelta(seconds=5)
"""How long after its first failure work is tried again."""

_MOST_DOUBLED = 10
_FAN_OUT, _CLAIM = 0x6F63_7201, 0x6F63_7202


def until(real: datetime) -> datetime:
    """Return when a lease ends that begins now, in real time: no clock that is moved takes work from its holder."""
    return real + LEASE


def backoff(failures: int, *, first: timedelta = SOON, longest: timedelta = timedelta.max) -> timedelta:
    """Return how long to leave alone what failed: twice as long after each further failure.

    Args:
        failures: How often it failed, from 1.
        first: How long after the first failure.
        longest: How long at the most.
    """
    return min(first * 2.0 ** min(failures - 1, _MOST_DOUBLED), longest)


def alone_fanning_out(tx: Transaction) -> bool:
    """Say whether nobody else fans this workspace's journal out, and keep it so until the transaction ends."""
    return tx.sqlite or bool(_locked(tx, "pg_try_advisory_xact_lock", _FAN_OUT))


def wait_to_fan_out(tx: Transaction) -> None:
    """Keep everybody from fanning out until the transaction ends."""
    if not tx.sqlite:
        _locked(tx, "pg_advisory_xact_lock", _FAN_OUT)


def wait_to_claim(tx: Transaction) -> None:
    """Keep everybody from claiming until the transaction ends: two at once could take two events of one record."""
    if not tx.sqlite:
        _locked(tx, "pg_advisory_xact_lock", _CLAIM)


def _locked(tx: Transaction, function: str, key: int) -> Any:
    """Take PostgreSQL's lock of this name, each schema of a database by itself."""

    def build() -> Any:
        numbers = (bindparam("key", type_=Integer()), bindparam("schema", type_=Integer()))
        return select(getattr(func, function)(*numbers).label("got"))

    schema = zlib.crc32((tx.statements.schema or "").encode()) - 2**31
    return tx.query(function, build, {"key": key, "schema": schema})[0]["got"]
