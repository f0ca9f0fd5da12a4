"""Timers of rules that are new: for the records that were there before the rule was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Select, bindparam, delete, select

from opencrm.core.columns import IdColumn, key_column
from opencrm.core.process.events import OnField, OnRotten, OnTime
from opencrm.core.process.reactions import Owned, Process
from opencrm.core.values import Id
from opencrm.errors import ConflictError
from opencrm.services.definitions import counting
from opencrm.services.process.timing import firing, keeping, table
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.workspaces.workspace import Workspace
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction
from opencrm.storage.waiting.settling import settle

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

Opening: TypeAlias = "Callable[[], AbstractContextManager[Work]]"
_CHUNK = 500
_PATIENCE = 1.0
_FIRST = "00000000-0000-0000-0000-000000000000"
_UPKEEP = tables.upkeep


def arm(workspace: Workspace, configuration: Configuration, opening: Opening) -> bool:
    """Set the timers of rules that are new, some hundred records a transaction; forget those that are gone.

    One that is cut off begins again; what is written meanwhile sets its timers itself, and transactions that began
    before the rule was known are waited for.

    Args:
        workspace: Whose.
        configuration: The configuration in force.
        opening: Opens a work block of the system.

    Returns:
        Whether it came to its end: not where the configuration changed meanwhile, and not while a roll-up by which a
        rule goes is still to be computed.

    Raises:
        ConflictError: A transaction from before is still under way.
    """
    process = configuration.catalogue.process
    wanted = dict(_tasks(process))
    with workspace.database.read() as tx:
        known, set_up = _known(tx), set(table.keys_of(tx, "every"))
        early = _early(tx, configuration, wanted)
    wanted = {task: owned for task, owned in wanted.items() if task not in early}
    new = {task: owned for task, owned in wanted.items() if task not in known}
    with_records = {owned.rule.key: owned for owned in new.values() if not isinstance(owned.rule.on, OnTime)}
    if with_records and not settle(workspace.database, tables.workspace, seconds=_PATIENCE):
        raise ConflictError("a transaction that began before a rule was known is still under way")
    for entity in dict.fromkeys(
        entity for owned in with_records.values() for entity in _entities(configuration, owned)
    ):
        if not _arm_all(configuration, opening, entity):
            return False
    if new or known - wanted.keys() or set_up != {firing.every_key(it) for it in wanted.values() if _timely(it)}:
        return _settle_down(configuration, opening, wanted, known) and not early
    return not early


def _early(tx: Transaction, configuration: Configuration, wanted: Mapping[str, Owned]) -> set[str]:
    """Return the rules that go by a roll-up which is not computed yet: their time comes when it is."""
    found = {task: _rolled(configuration, owned) for task, owned in wanted.items()}
    uncounted = counting.uncounted(tx, configuration) if any(found.values()) else set()
    return {task for task, name in found.items() if name in uncounted}


def _rolled(configuration: Configuration, owned: Owned) -> tuple[str, str] | None:
    on, entities = owned.rule.on, configuration.catalogue.entities
    if not isinstance(on, OnField) or on.entity not in entities:
        return None
    return (on.entity, on.field) if keeping.rolled(entities[on.entity], owned) else None


def _tasks(process: Process) -> Iterator[tuple[str, Owned]]:
    """Give the rules that go by time, each by what tells it from another definition of it."""
    for owned in process.rules.values():
        if owned.rule.active and isinstance(owned.rule.on, OnField | OnRotten | OnTime):
            yield _task(process, owned), owned


def _task(process: Process, owned: Owned) -> str:
    told = repr((owned.rule.on, process.zone, _length(process, owned)))
    return f"timers {owned.rule.key} {hashlib.sha256(told.encode()).hexdigest()[:16]}"


def _length(process: Process, owned: Owned) -> str | None:
    on = owned.rule.on
    place = process.stages.get((on.pipeline, on.stage)) if isinstance(on, OnRotten) else None
    return None if place is None else place.stage.rots_after


def _timely(owned: Owned) -> bool:
    return isinstance(owned.rule.on, OnTime)


def _entities(configuration: Configuration, owned: Owned) -> Iterator[str]:
    on, pipelines = owned.rule.on, configuration.catalogue.pipelines
    if isinstance(on, OnField) and on.entity in configuration.catalogue.entities:
        yield on.entity
    elif isinstance(on, OnRotten) and on.pipeline in pipelines:
        yield pipelines[on.pipeline].entity


def _arm_all(configuration: Configuration, opening: Opening, entity: str) -> bool:
    """Set the timers of all records of an entity; say whether that was done to the end."""
    last = _FIRST
    while last:
        with opening() as work:
            if not _in_force(work, configuration):
                return False
            last = _arm_some(work, entity, last)
    return True


def _arm_some(work: Work, entity: str, last: Id) -> Id:
    """Set the timers of the next records; return the last of them, nothing where there are no more."""
    process, spec = work.configuration.catalogue.process, work.entity(entity)
    column = spec.table.c.id

    def build() -> Select[Any]:
        living = spec.table.c.deleted_at.is_(None)
        return select(column).where(column > bindparam("last", type_=IdColumn()), living).order_by(column).limit(_CHUNK)

    ids = [row["id"] for row in work.tx.query(("to arm", entity), build, {"last": last})]
    states = work.states(spec, ids) if ids else {}
    timers = [timer for state in states.values() for timer in keeping.of_record(process, entity, state, work.now)]
    table.set_all(work.tx, timers, work.new_ids(len(timers)))
    return ids[-1] if len(ids) == _CHUNK else ""


def _settle_down(configuration: Configuration, opening: Opening, wanted: Mapping[str, Owned], known: set[str]) -> bool:
    """Set the timers of times of the day, and remember which rules have theirs."""
    process = configuration.catalogue.process
    timely = [owned for owned in wanted.values() if _timely(owned)]
    with opening() as work:
        work.tx.hold("timers of rules")
        if not _in_force(work, configuration):
            return False
        there, changed = set(table.keys_of(work.tx, "every")), wanted.keys() - known
        mine = {firing.every_key(owned): owned for owned in timely}
        table.drop_all(work.tx, there - mine.keys())
        new = [
            it for task, it in wanted.items() if _timely(it) and (task in changed or firing.every_key(it) not in there)
        ]
        timers = [firing.every_timer(process, owned, work.now) for owned in new]
        table.set_all(work.tx, timers, work.new_ids(len(timers)))
        _forget(work.tx, sorted(known - wanted.keys()))
        rows = [{"task": task, "at": work.now} for task in sorted(changed - _known(work.tx))]
        work.tx.insert(_UPKEEP, rows)
    return True


def _in_force(work: Work, configuration: Configuration) -> bool:
    """Say whether the definitions are still those; they cannot change until the transaction ends."""
    table_ = tables.workspace

    def build() -> Any:
        found = select(table_.c.config_version)
        return found if work.tx.sqlite else found.with_for_update(read=True)

    return bool(work.tx.query("version in force", build, {})[0]["config_version"] == configuration.version)


def _known(tx: Transaction) -> set[str]:
    def build() -> Select[Any]:
        return select(_UPKEEP.c.task).where(_UPKEEP.c.task.like(bindparam("like", type_=key_column(200))))

    return {row["task"] for row in tx.query("timers known", build, {"like": "timers %"})}


def _forget(tx: Transaction, tasks: Sequence[str]) -> None:
    if tasks:

        def build() -> Any:
            return delete(_UPKEEP).where(_UPKEEP.c.task == bindparam("one", type_=key_column(200)))

        tx.run("forget timers", build, [{"one": task} for task in tasks])
