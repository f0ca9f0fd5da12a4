"""Roll-ups of records that were there before the roll-up was: counted once, by the worker."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import bindparam, select

from opencrm.core.columns import IdColumn
from opencrm.core.entity import Spec
from opencrm.core.rollups import Kept
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.workspaces.workspace import Workspace
from opencrm.services.writing import rolling
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction

_CHUNK = 200


def count(workspace: Workspace, configuration: Configuration) -> Iterator[str]:
    """Compute the roll-ups that were not computed yet, some hundred records a transaction; give a line for each.

    One that is cut off begins again; what is written meanwhile is counted by its own transaction.
    """
    with workspace.database.read() as tx:
        done = {row["task"] for row in tx.query("upkeep", lambda: select(tables.upkeep.c.task), {})}
    for several in configuration.rollups.values():
        for spec, one in several:
            task = _task(spec, one)
            if task not in done:
                _count_all(workspace, configuration, spec, one)
                _remember(workspace, task)
                yield f"{spec.name}.{one.field.name} counted"


def _task(spec: Spec, one: Kept) -> str:
    """Name the computation: another definition is another one."""
    told = repr((one.rollup, one.currency))
    return f"rollup {spec.name} {one.field.slot} {hashlib.sha256(told.encode()).hexdigest()[:16]}"


def _count_all(workspace: Workspace, configuration: Configuration, spec: Spec, one: Kept) -> None:
    last, entities = "", configuration.catalogue.entities
    while True:
        with workspace.database.read() as tx:
            ids = _next(tx, spec, last)
        if not ids:
            return
        with workspace.database.write() as tx:
            tx.edition = configuration.catalogue.edition
            rolling.compute(tx, entities, spec, [one], ids)
        last = ids[-1]


def _next(tx: Transaction, spec: Spec, last: str) -> list[str]:
    column = spec.table.c.id

    def build() -> Any:
        after = column > bindparam("last", type_=IdColumn())
        return select(column).where(after).order_by(column).limit(_CHUNK)

    first = "00000000-0000-0000-0000-000000000000"
    return [row["id"] for row in tx.query(("next", spec.name), build, {"last": last or first})]


def _remember(workspace: Workspace, task: str) -> None:
    with workspace.database.write() as tx:
        if not tx.query(
            "upkeep of", lambda: select(tables.upkeep).where(tables.upkeep.c.task == bindparam("task")), {"task": task}
        ):
            tx.insert(tables.upkeep, [{"task": task, "at": workspace.clock.now()}])
