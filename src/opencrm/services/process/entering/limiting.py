"""How many records may stand in a stage at once: judged so that two movers at once cannot both take the last place."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Select, bindparam, func, select

from opencrm.core.change import Change, Kind, Objection, Values
from opencrm.core.columns import key_column

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.block import Block

CODE = "stage_full"
_Place: TypeAlias = tuple[str, str, str]
_ENTERS = (Kind.CREATED, Kind.MOVED, Kind.RESTORED)


def objections(work: Block, changes: Sequence[Change], past: Collection[str]) -> Iterator[Objection]:
    """Object to records that enter a stage in which there is no place left.

    Args:
        work: The work block; places are held until its transaction ends.
        changes: What is to be stored together.
        past: The records that come with a history, which stand where they stood.
    """
    entering: dict[_Place, list[Change]] = {}
    for change in changes:
        place = _place(change.entity, change.after) if change.kind in _ENTERS and change.id not in past else None
        if place is not None and place != _before(change) and _limit(work, place) is not None:
            entering.setdefault(place, []).append(change)
    for place in sorted(entering):
        yield from _beyond(work, place, entering[place], changes)


def _beyond(work: Block, place: _Place, entering: Sequence[Change], changes: Sequence[Change]) -> Iterator[Objection]:
    entity, pipeline, stage = place
    limit = _limit(work, place)
    assert limit is not None
    work.tx.hold(f"stage {pipeline}.{stage}")
    leaving = sum(_before(it) == place != _place(it.entity, it.after) for it in changes if it.entity == entity)
    free = max(limit - standing(work, place) + leaving, 0)
    label = work.configuration.catalogue.process.stages[pipeline, stage].stage.label
    for change in entering[free:]:
        yield Objection(change.id, CODE, f"{label!r} is full: {limit} may stand there at once", "stage")


def standing(work: Reader, place: _Place) -> int:
    """Return how many living records stand in a stage, named by entity, pipeline and stage."""
    entity, pipeline, stage = place
    spec = work.entity(entity)

    def build() -> Select[Any]:
        here = (
            spec.column("pipeline") == bindparam("pipeline", type_=key_column(64)),
            spec.column("stage") == bindparam("stage", type_=key_column(64)),
            spec.table.c.deleted_at.is_(None),
        )
        return select(func.count().label("number")).select_from(spec.table).where(*here)

    [row] = work.tx.query(("standing", entity), build, {"pipeline": pipeline, "stage": stage})
    return int(row["number"])


def _limit(work: Block, place: _Place) -> int | None:
    found = work.configuration.catalogue.process.stages.get(place[1:])
    return None if found is None else found.stage.limit


def _before(change: Change) -> _Place | None:
    return None if change.before is None else _place(change.entity, change.before)


def _place(entity: str, state: Values) -> _Place | None:
    """Return where a living record stands."""
    pipeline, stage = state.get("pipeline"), state.get("stage")
    return (
        None if pipeline is None or stage is None or state.get("deleted_at") is not None else (entity, pipeline, stage)
    )
