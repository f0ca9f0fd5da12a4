"""Moves: built, judged and logged by pure functions over changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TypeAlias

import attrs

from opencrm.core.change import Change, Kind, Objection, Values
from opencrm.core.pipeline.definition import Pipeline
from opencrm.core.pipeline.reasons import REASON, unknown
from opencrm.core.values import Id
from opencrm.errors import InvalidMove

Pipelines: TypeAlias = Mapping[str, Pipeline]
_PLACE = ("pipeline", "stage", "stage_since")


@attrs.frozen
class StageMove:
    """One line of a record's log of stages.

    Attributes:
        start: The stage left, None where the record entered its first.
        seconds: How long the record stood in `start`.
    """

    entity: str
    record_id: Id
    pipeline: str
    start: str | None
    end: str
    at: datetime
    seconds: int | None


def located(to: str, current: str) -> tuple[str, str]:
    """Return the keys of the pipeline and the stage that `to` names: `"won"` of the current one, or `"sales.new"`."""
    pipeline, _, stage = to.rpartition(".")
    return pipeline or current, stage


def target(pipelines: Pipelines, current: str | None, to: str) -> tuple[str, str]:
    """Return the pipeline and the stage that `to` names: `"won"`, or `"sales.new"` of another pipeline.

    Raises:
        InvalidMove: There is no such pipeline or stage.
    """
    key, stage = located(to, current or "")
    if not key:
        raise InvalidMove("the record stands in no pipeline: name one, as in 'sales.new'", field="pipeline")
    if key not in pipelines:
        raise InvalidMove(f"there is no pipeline {key!r}", field="pipeline", pipeline=key)
    if pipelines[key].stage(stage) is None:
        raise InvalidMove(f"pipeline {key!r} has no stage {stage!r}", field="stage", pipeline=key, stage=stage)
    return key, stage


def entered(pipelines: Pipelines, values: Values, at: datetime) -> dict[str, object]:
    """Return a record's values as they are when it enters its pipeline's stage at `at`."""
    stage = pipelines[values["pipeline"]].stage(values["stage"])
    closed = {"closed_at": at if stage is not None and stage.closed else None} if "closed_at" in values else {}
    return {**values, "stage_since": at, **closed}


def moved(pipelines: Pipelines, entity: str, before: Values, to: str, at: datetime) -> Change:
    """Return the change that moves a record to a stage; judges nothing.

    Raises:
        InvalidMove: There is no such pipeline or stage.
    """
    pipeline, stage = target(pipelines, before["pipeline"], to)
    after = entered(pipelines, {**before, "pipeline": pipeline, "stage": stage}, at)
    return Change(entity, before["id"], Kind.MOVED, before, after)


def move_rule(pipelines: Pipelines, change: Change) -> Iterator[Objection]:
    """Object to a move that the pipeline's graph does not have."""
    if change.kind is not Kind.MOVED or change.before is None:
        return
    before, after = change.before, change.after
    same = before["pipeline"] == after["pipeline"]
    end = after["stage"] if same else f"{after['pipeline']}.{after['stage']}"
    home = pipelines.get(before["pipeline"] or "")
    if same and before["stage"] == after["stage"]:
        yield Objection(change.id, "invalid_move", f"the record stands in {end!r} already", "stage")
    elif home is not None and not home.allows(before["stage"], end):
        text = f"pipeline {home.key!r} has no move from {before['stage']!r} to {end!r}"
        yield Objection(change.id, "invalid_move", text, "stage")


def unknown_reason(pipelines: Pipelines, change: Change) -> str | None:
    """Say what is wrong with a reason for losing that is new to a record; None where its stage knows it, or none."""
    after = change.after
    if change.kind is not Kind.CHANGED or REASON not in change.fields:
        return None
    home = pipelines.get(after.get("pipeline") or "")
    stage = None if home is None else home.stage(after["stage"])
    return unknown(stage.reasons, after[REASON]) if stage is not None and stage.reasons else None


def stage_moves(changes: Iterable[Change]) -> Iterator[StageMove]:
    """Give the log's lines for the changes that enter a stage."""
    for change in changes:
        after, before = change.after, change.before
        if after.get("stage") is None or (before is not None and all(before[it] == after[it] for it in _PLACE)):
            continue
        since = before["stage_since"] if before else None
        spent = _seconds(since, after["stage_since"]) if since else None
        start = before["stage"] if before else None
        yield StageMove(change.entity, change.id, after["pipeline"], start, after["stage"], after["stage_since"], spent)


def history_of(entity: str, id: Id, pipeline: str, stages: Iterable[tuple[str, datetime]]) -> list[StageMove]:
    """Return the log's lines of a record that went through these stages somewhere else, in order."""
    found: list[StageMove] = []
    for stage, at in stages:
        last = found[-1] if found else None
        spent = _seconds(last.at, at) if last else None
        found.append(StageMove(entity, id, pipeline, last.end if last else None, stage, at, spent))
    return found


def _seconds(start: datetime, end: datetime) -> int | None:
    """Return how long a stage lasted; None where a foreign history says that it ended before it began."""
    return int((end - start).total_seconds()) if end >= start else None
