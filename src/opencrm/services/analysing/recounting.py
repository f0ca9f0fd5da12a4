"""The counters' upkeep: counted anew from the records where they were not kept, and rows of one place put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, literal_column, select

from opencrm.core.counters import PLACE, Counted, Place, Step, counted
from opencrm.core.entities import Core
from opencrm.core.entity import Spec, specs
from opencrm.services.analysing.counters import TOLD, of_records
from opencrm.services.workspaces.configuration import Configuration, bump
from opencrm.services.workspaces.workspace import Workspace
from opencrm.services.writing.counting import TASK, rows
from opencrm.storage import tables
from opencrm.storage.periods import day_of
from opencrm.storage.transactions import Transaction

_TABLE = tables.counter
_SPARE = 50
"""An owner's rows are put together once they are so many more than twice what they would come to."""


def begin(tx: Transaction, now: datetime) -> None:
    """Say of a new workspace that all its records are counted: it has none."""
    tx.insert(tables.upkeep, [_mark(spec, now) for spec in specs(Core) if counted(spec)])


def counted_entities(tx: Transaction) -> frozenset[str]:
    """Return the entities of which every record stands on a counter."""

    def build() -> Any:
        return select(tables.upkeep.c.task).where(tables.upkeep.c.task.like(bindparam("tasks")))

    found = tx.query("counted entities", build, {"tasks": f"{TASK}%"})
    return frozenset(row["task"].removeprefix(TASK) for row in found)


def kept(configuration: Configuration) -> Iterator[Spec]:
    """Give the entities whose records are counted."""
    return (spec for spec in configuration.catalogue.entities.values() if counted(spec))


def due(configuration: Configuration) -> Iterator[Spec]:
    """Give those that were not counted yet."""
    return (spec for spec in kept(configuration) if spec.name not in configuration.counted)


def recount(workspace: Workspace, configuration: Configuration, spec: Spec) -> int:
    """Count all records of an entity anew, in one transaction; meanwhile those who write them wait.

    Returns:
        How many records there are.
    """
    one = counted(spec)
    if one is None:
        return 0
    with workspace.database.write() as tx:
        tx.edition = configuration.catalogue.edition
        tx.lock(_TABLE)
        found = _standing(tx, one, configuration.locale.zone)
        tx.run(("forget counters", spec.name), lambda: _forget(spec), [{}])
        tx.insert(_TABLE, _rows(workspace, spec.name, found))
        mark = _mark(spec, workspace.clock.now())
        tx.run("forget upkeep of", _unmark, [{"old": mark["task"]}])
        tx.insert(tables.upkeep, [mark])
        bump(tx, workspace.ids.new())
    return sum(step.number for step in found.values())


def fold(workspace: Workspace) -> int:
    """Put rows of the same place together, of one owner after another; return how many rows are fewer."""
    with workspace.database.read() as tx:
        several = tx.select("counters to fold", _crowded, {})
    return sum(_fold(workspace, entity, owner) for entity, owner in several)


def _fold(workspace: Workspace, entity: str, owner: str | None) -> int:
    with workspace.database.write() as tx:
        given = {"entity": entity, "owner": owner}
        taken = tx.select(("take counters", owner is None), lambda: _taking(unowned=owner is None), given)
        found = _merged((tuple(place), Step(*told)) for place, told in _parted(taken))
        kept = _rows(workspace, entity, found)
        tx.insert(_TABLE, kept)
    return len(taken) - len(kept)


def _standing(tx: Transaction, one: Counted, zone: str) -> dict[Place, Step]:
    """Count the living records of an entity."""

    def build() -> Any:
        each = of_records(one, zone).where(one.entity.table.c.deleted_at.is_(None)).subquery()
        places = [each.c[name] for name in PLACE]
        told = [func.coalesce(func.sum(each.c[name]), literal_column("0")) for name in TOLD]
        return select(*places, *told).group_by(*places)

    found = tx.select(("count anew", one.spec.name, zone), build, {})
    return _merged(((*place[:-1], _month(place[-1], zone)), Step(*map(int, told))) for place, told in _parted(found))


def _parted(several: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Give each row's place, and what it tells of it."""
    return ((row[: len(PLACE)], row[len(PLACE) :]) for row in several)


def _merged(several: Iterable[tuple[Place, Step]]) -> dict[Place, Step]:
    found: dict[Place, Step] = {}
    for place, step in several:
        found[place] = found.get(place, Step()) + step
    return {place: step for place, step in found.items() if step}


def _month(text: str | None, zone: str) -> str | None:
    return None if text is None else day_of(text, zone).isoformat()[:7]


def _rows(workspace: Workspace, entity: str, found: Mapping[Place, Step]) -> list[dict[str, Any]]:
    return list(rows([(entity, *each) for each in found.items()], workspace.ids.many(len(found))))


def _crowded() -> Any:
    """Select the owners of whom many rows have their place in common."""
    entity, owner = _TABLE.c.entity, _TABLE.c.owner_id
    places = [_TABLE.c[name] for name in PLACE]
    each = select(entity, owner, func.count().label("rows")).group_by(entity, *places).subquery()
    crowded = func.sum(each.c.rows) > func.count() * literal_column("2") + literal_column(str(_SPARE))
    return select(each.c.entity, each.c.owner_id).group_by(each.c.entity, each.c.owner_id).having(crowded)


def _taking(*, unowned: bool) -> Any:
    """Delete the rows of an owner: of two who do so, the second waits, and finds those of the first gone."""
    owner, entity = _TABLE.c.owner_id, _TABLE.c.entity
    own = owner.is_(None) if unowned else owner == bindparam("owner", type_=owner.type)
    named = entity == bindparam("entity", type_=entity.type)
    return delete(_TABLE).where(named, own).returning(*[_TABLE.c[name] for name in (*PLACE, *TOLD)])


def _forget(spec: Spec) -> Any:
    return delete(_TABLE).where(_TABLE.c.entity == literal_column(f"'{spec.name}'"))


def _mark(spec: Spec, now: datetime) -> dict[str, Any]:
    return {"task": f"{TASK}{spec.name}", "at": now}


def _unmark() -> Any:
    return delete(tables.upkeep).where(tables.upkeep.c.task == bindparam("old"))
