"""Roll-ups of records that were there before the roll-up was: counted once, by the worker."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, select

from opencrm.core.columns import IdColumn
from opencrm.core.entity import Spec
from opencrm.core.rollups import Kept
from opencrm.errors import ConflictError
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.workspaces.workspace import Workspace
from opencrm.services.writing import rolling
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction
from opencrm.storage.waiting.settling import settle

_CHUNK = 200
PATIENCE = 30.0
"""For how many seconds transactions from before a definition are waited for."""


def count(workspace: Workspace, configuration: Configuration) -> Iterator[str]:
    """Compute the roll-ups that were not computed yet, some hundred records a transaction; give a line for each.

    One that is cut off begins again; what is written meanwhile is counted by its own transaction, and those that began
    before the roll-up was known are waited for. It ends early where the definitions change: then it is to be called
    again.

    Raises:
        ConflictError: A transaction from before is still under way.
    """
    due = _due(workspace, configuration)
    if due:
        wait(workspace, "a roll-up was defined")
    for task, (spec, one) in due.items():
        if not _count_all(workspace, configuration, spec, one, task):
            return
        yield f"{spec.name}.{one.field.name} counted"


def wait(workspace: Workspace, what: str) -> None:
    """Wait for the transactions that began before a definition was known.

    Args:
        workspace: The workspace.
        what: What happened that they do not know of.

    Raises:
        ConflictError: One is still under way.
    """
    if not settle(workspace.database, tables.workspace, seconds=PATIENCE):
        raise ConflictError(f"a transaction that began before {what} is still under way")


def uncounted(tx: Transaction, configuration: Configuration) -> set[tuple[str, str]]:
    """Return the roll-ups that the worker has still to compute, as entity and field."""
    return {(spec.name, one.field.name) for spec, one in _due_in(tx, configuration).values()}


def _due(workspace: Workspace, configuration: Configuration) -> dict[str, tuple[Spec, Kept]]:
    with workspace.database.read() as tx:
        return _due_in(tx, configuration)


def _due_in(tx: Transaction, configuration: Configuration) -> dict[str, tuple[Spec, Kept]]:
    done = {row["task"] for row in tx.query("upkeep", lambda: select(tables.upkeep.c.task), {})}
    every = {_task(*each): each for several in configuration.rollups.values() for each in several}
    return {task: each for task, each in every.items() if task not in done}


def forget(tx: Transaction, slot: str = "") -> None:
    """Have roll-ups counted again by the worker: they were not kept for a while.

    Args:
        tx: The transaction of the change.
        slot: Where one stands; without it, all of them.
    """

    def build() -> Any:
        return delete(tables.upkeep).where(tables.upkeep.c.task.like(bindparam("tasks"), escape="/"))

    tx.run("forget upkeep", build, [{"tasks": f"rollup % {slot.replace('_', '/_')}%"}])


def _task(spec: Spec, one: Kept) -> str:
    """Name the computation: another definition is another one."""
    told = repr((one.rollup, one.currency))
    return f"rollup {spec.name} {one.field.slot} {hashlib.sha256(told.encode()).hexdigest()[:16]}"


def _count_all(workspace: Workspace, configuration: Configuration, spec: Spec, one: Kept, task: str) -> bool:
    """Compute a roll-up of all records; say whether that was done to the end."""
    last, entities = "", configuration.catalogue.entities
    while True:
        with workspace.database.read() as tx:
            ids = _next(tx, spec, last)
        with workspace.database.write() as tx:
            if not _in_force(tx, configuration):
                return False
            tx.edition = configuration.catalogue.edition
            if not ids:
                _remember(tx, task, workspace.clock.now())
                return True
            rolling.compute(tx, entities, spec, [one], ids)
        last = ids[-1]


def _in_force(tx: Transaction, configuration: Configuration) -> bool:
    """Say whether the definitions are still those; they cannot change until the transaction ends."""
    table = tables.workspace

    def build() -> Any:
        found = select(table.c.config_version)
        return found if tx.sqlite else found.with_for_update(read=True)

    return bool(tx.query("version in force", build, {})[0]["config_version"] == configuration.version)


def _next(tx: Transaction, spec: Spec, last: str) -> list[str]:
    column = spec.table.c.id

    def build() -> Any:
        after = column > bindparam("last", type_=IdColumn())
        return select(column).where(after).order_by(column).limit(_CHUNK)

    first = "00000000-0000-0000-0000-000000000000"
    return [row["id"] for row in tx.query(("next", spec.name), build, {"last": last or first})]


def _remember(tx: Transaction, task: str, now: datetime) -> None:
    same = {"task": task}
    if not tx.query("upkeep of", lambda: select(tables.upkeep).where(tables.upkeep.c.task == bindparam("task")), same):
        tx.insert(tables.upkeep, [{"task": task, "at": now}])
        tx.wakes = True  # Rules that go by it have waited.
