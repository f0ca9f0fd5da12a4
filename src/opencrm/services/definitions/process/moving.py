"""Records that stand in stages which go: found, and moved to where the definition says, with what they have to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import Integer, bindparam, select

from opencrm.core.change import Change, Values
from opencrm.core.columns import key_column
from opencrm.core.entity import Spec
from opencrm.core.pipeline import Pipeline, moved
from opencrm.core.pipeline.staging import standing_in
from opencrm.core.values import Id
from opencrm.services.definitions.process import ending
from opencrm.services.definitions.process.candidates import declared_by, in_force
from opencrm.services.definitions.process.loading import KINDS, automation
from opencrm.services.process.tasking import giving, standing
from opencrm.services.reading.reader import Reader

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

_CHUNK = 500


def gone(entity: str, before: Values | None, after: Values) -> tuple[Pipeline, tuple[str, ...]] | None:
    """Return the pipeline that a definition was, and its stages that are to be no more; None where none goes."""
    if before is None or not in_force(before):
        return None
    old = declared_by(entity, before)
    if not isinstance(old, Pipeline):
        return None
    new = declared_by(entity, after) if in_force(after) else None
    kept = {stage.key for stage in new.stages} if isinstance(new, Pipeline) else set()
    stages = tuple(stage.key for stage in old.stages if stage.key not in kept)
    return (old, stages) if stages else None


def in_use(reader: Reader, it: Pipeline, stage: str) -> bool:
    """Say whether a living record stands in a stage, whoever may know of it."""
    spec = reader.configuration.catalogue.entities.get(it.entity)
    return spec is not None and spec.staged and bool(_ids(reader, spec, it.key, stage, 1))


def replace(work: Work, change: Change) -> None:
    """Do what a change of a definition entails, which is stored already: records leave stages that go, for others.

    Open tasks of these stages are cancelled that no stage gives them any more. Where they stand then, they are given
    the tasks of that stage; its other actions are not done, since nothing happened but to the map. The journal names
    the definition as the rule of all of it.
    """
    old = _before(change)
    if old is None:
        return
    found, places = gone(change.entity, change.before, change.after), change.after["replaced_by"] or {}
    new = declared_by(change.entity, change.after) if in_force(change.after) else None
    name = automation(KINDS[change.entity], old.key)
    with work.entailing(f"stages of the pipeline {old.key} changed") as inner, inner.named(name):
        pipelines = inner.configuration.catalogue.pipelines
        now = new if isinstance(new, Pipeline) else None
        ending.cancel(inner, old, ending.given(old, now, pipelines, places))
        for stage in found[1] if found else ():
            for states in _standing(inner, old, stage):
                changes = [_moved(inner, old, state, places[stage]) for state in states.values()]
                lines = inner.apply(changes)
                _give(work, inner, changes, [line.entry_id for line in lines])


def _before(change: Change) -> Pipeline | None:
    """Return the pipeline that was in force, where a change changes a definition that was."""
    if change.entity != "pipeline_definition" or change.before is None or not in_force(change.before):
        return None
    it = declared_by(change.entity, change.before)
    return it if isinstance(it, Pipeline) else None


def _give(work: Work, inner: Work, moves: Sequence[Change], causes: Sequence[Id]) -> None:
    """Give records the tasks of the stage in which they stand now, but those of which they have one that is open."""
    after, spec = moves[0].after, inner.entity(moves[0].entity)
    place = inner.configuration.catalogue.process.stages[after["pipeline"], after["stage"]]
    for task in place.stage.tasks:
        have = {*standing.open_tasks(inner, spec, [it.id for it in moves], [task.key]).values()}
        lack = [(it.after, cause) for it, cause in zip(moves, causes, strict=True) if it.id not in have]
        if lack:
            with work.reacting_as(place.source, cause=lack[0][1]) as giver:
                giving.give(giver, task, spec, [state for state, _ in lack], [cause for _, cause in lack])


def _moved(work: Work, it: Pipeline, state: Values, to: str) -> Change:
    place = to if "." in to else f"{it.key}.{to}"
    change = moved(work.configuration.catalogue.pipelines, it.entity, state, place, work.now)
    return attrs.evolve(change, after={**change.after, "updated_at": work.now})


def _standing(work: Work, it: Pipeline, stage: str) -> Iterator[Mapping[Id, Values]]:
    spec = standing_in(work.entity(it.entity), it)
    while ids := _ids(work, spec, it.key, stage, _CHUNK):
        yield work.states(spec, ids)


def _ids(reader: Reader, spec: Spec, pipeline: str, stage: str, most: int) -> list[Id]:
    table = spec.table

    def build() -> Any:
        there = (
            spec.column("pipeline") == bindparam("pipeline", type_=key_column(64)),
            spec.column("stage") == bindparam("stage", type_=key_column(64)),
            table.c.deleted_at.is_(None),
        )
        return select(table.c.id).where(*there).order_by(table.c.id).limit(bindparam("most", type_=Integer()))

    given = {"pipeline": pipeline, "stage": stage, "most": most}
    return [row["id"] for row in reader.tx.query(("in stage", spec.name), build, given)]
