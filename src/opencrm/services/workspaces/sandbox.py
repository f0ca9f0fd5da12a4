"""Sandboxes: workspaces for trying out, whose clocks an owner moves for every process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, select, update

from opencrm.core.columns import IdColumn
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction

HELD_BACK = "held back: this workspace is a sandbox"
"""Why nothing leaves it."""
_WORKSPACE, _SESSION, _KEY = tables.workspace, tables.session, tables.token


def shift_of(tx: Transaction) -> timedelta:
    """Return by how much a workspace's clock was moved."""
    rows = tx.query("shift of the clock", lambda: select(_WORKSPACE.c.shift), {})
    return timedelta(microseconds=rows[0]["shift"] or 0) if rows else timedelta()


def make(tx: Transaction) -> None:
    """Make the workspace a sandbox."""
    given = bindparam("yes", type_=_WORKSPACE.c.sandbox.type)
    tx.run("make sandbox", lambda: update(_WORKSPACE).values(sandbox=given), [{"yes": True}])


def move(tx: Transaction, by: timedelta) -> timedelta:
    """Move the clock forward for every process, and with it how long sessions and keys last; return by how much."""
    tx.hold("clock")
    shift = shift_of(tx) + by
    given = bindparam("new", type_=_WORKSPACE.c.shift.type)
    tx.run("move clock", lambda: update(_WORKSPACE).values(shift=given), [{"new": shift // timedelta(microseconds=1)}])
    _prolong(tx, by, _SESSION, _SESSION.c.ended_at.is_(None), ("idle_at", "expires_at"))
    _prolong(tx, by, _KEY, _KEY.c.revoked_at.is_(None) & _KEY.c.expires_at.is_not(None), ("expires_at",))
    tx.wakes = True
    return shift


def _prolong(tx: Transaction, by: timedelta, table: Table, living: ColumnElement[bool], names: Sequence[str]) -> None:
    """Keep people and their programs signed in: they wait for minutes, whatever the clock shows."""

    def found() -> Any:
        return select(table.c.id, *(table.c[name] for name in names)).where(living)

    def changed() -> Any:
        new = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
        return update(table).where(table.c.id == bindparam("one", type_=IdColumn())).values(new)

    rows = tx.query(("to be prolonged", table.name), found, {})
    if rows:
        later = [{"one": row["id"], **{f"new_{name}": row[name] + by for name in names}} for row in rows]
        tx.run(("prolong", table.name), changed, later)
