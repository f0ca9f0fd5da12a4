"""Sandboxes: workspaces for trying out, whose clocks an owner moves for every process."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, select, update

from opencrm.core.columns import IdColumn
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction

_WORKSPACE, _SESSION = tables.workspace, tables.session


def shift_of(tx: Transaction) -> timedelta:
    """Return by how much a workspace's clock was moved."""
    rows = tx.query("shift of the clock", lambda: select(_WORKSPACE.c.shift), {})
    return timedelta(microseconds=rows[0]["shift"] or 0) if rows else timedelta()


def make(tx: Transaction) -> None:
    """Make the workspace a sandbox."""
    given = bindparam("yes", type_=_WORKSPACE.c.sandbox.type)
    tx.run("make sandbox", lambda: update(_WORKSPACE).values(sandbox=given), [{"yes": True}])


def move(tx: Transaction, by: timedelta) -> timedelta:
    """Move the clock forward for every process, and with it the ends of sessions; return by how much in all."""
    tx.hold("clock")
    shift = shift_of(tx) + by
    given = bindparam("new", type_=_WORKSPACE.c.shift.type)
    tx.run("move clock", lambda: update(_WORKSPACE).values(shift=given), [{"new": shift // timedelta(microseconds=1)}])
    _prolong(tx, by)
    tx.wakes = True
    return shift


def _prolong(tx: Transaction, by: timedelta) -> None:
    """Keep people signed in: they sit before the screen for minutes, whatever the clock shows."""
    names = ("idle_at", "expires_at")

    def found() -> Any:
        return select(_SESSION.c.id, *(_SESSION.c[name] for name in names)).where(_SESSION.c.ended_at.is_(None))

    def changed() -> Any:
        new = {name: bindparam(f"new_{name}", type_=_SESSION.c[name].type) for name in names}
        return update(_SESSION).where(_SESSION.c.id == bindparam("one", type_=IdColumn())).values(new)

    rows = tx.query("sessions going on", found, {})
    if rows:
        later = [{"one": row["id"], **{f"new_{name}": row[name] + by for name in names}} for row in rows]
        tx.run("prolong sessions", changed, later)
