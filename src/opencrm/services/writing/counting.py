"""Counters, as a step of the write path: what changes add to them is appended in their transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs
from sqlalchemy import Table, bindparam, delete

from opencrm.core.change import Change
from opencrm.core.counters import PLACE, Place, Step, counted
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.services.workspaces.configuration import bump
from opencrm.services.writing.block import Block
from opencrm.storage import tables

TASK = "counters "
"""How the upkeep is called that counts the records of an entity, before the entity's name."""
_ADDED = tuple(attrs.fields_dict(Step))


def appended(work: Block, groups: Mapping[Spec, Sequence[Change]]) -> tuple[Table, list[dict[str, Any]]]:
    """Return the rows that changes add to the counters."""
    _stop(work, groups)
    found = list(_steps(groups, work.configuration.locale.zone))
    return tables.counter, list(rows(found, work.new_ids(len(found))))


def rows(several: Iterable[tuple[str, Place, Step]], ids: Iterable[Id]) -> Iterator[dict[str, Any]]:
    """Give rows of the table: the entity, its counter, and what is added to it."""
    for (entity, place, step), id in zip(several, ids, strict=True):
        held = dict(zip(PLACE, place, strict=True))
        yield {"id": id, "entity": entity, **held, **{name: getattr(step, name) for name in _ADDED}}


def _stop(work: Block, groups: Iterable[Spec]) -> None:
    """Say of entities that their counters are no longer kept, where the pipeline that gave them stages is away."""
    for spec in groups:
        if spec.name in work.configuration.counted and counted(spec) is None:
            work.tx.run("forget counted", _forgetting, [{"gone": f"{TASK}{spec.name}"}])
            bump(work.tx, work.new_id())


def _forgetting() -> Any:
    return delete(tables.upkeep).where(tables.upkeep.c.task == bindparam("gone", type_=tables.upkeep.c.task.type))


def _steps(groups: Mapping[Spec, Sequence[Change]], zone: str) -> Iterator[tuple[str, Place, Step]]:
    for spec, changes in groups.items():
        one = counted(spec)
        if one is not None:
            yield from ((spec.name, place, step) for place, step in one.steps(changes, zone).items())
