"""Open tasks of stages that a definition changes: counted for the plan, and cancelled where their stage goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs
from sqlalchemy import Integer, Select, bindparam, select

from opencrm.core.change import Change, Kind, Values
from opencrm.core.columns import key_column
from opencrm.core.conditions import All, Equal, In, Link, Not
from opencrm.core.entities import Task
from opencrm.core.entity import Spec
from opencrm.core.pipeline import Pipeline, Stage
from opencrm.core.pipeline.moves import located
from opencrm.core.pipeline.staging import standing_in
from opencrm.core.process.reactions import FINISHED, TASK
from opencrm.core.values import Id
from opencrm.services.process.tasking.standing import still_open
from opencrm.services.reading.counting import Count
from opencrm.services.reading.reader import Reader

if TYPE_CHECKING:
    from opencrm.services.writing.work import Work

Fate: TypeAlias = Literal["cancelled", "kept", "left"]
_CHUNK = 500


@attrs.frozen
class Given:
    """A kind of task that a stage gave before a change of its pipeline.

    Attributes:
        stage: The stage's key.
        kind: The task's.
        fate: What becomes of those that are open and about records that stand there: `"left"` as they are, to be done
            by hand, where the stage stays and gives them no more.
    """

    stage: str
    kind: str
    fate: Fate


def given(
    old: Pipeline, new: Pipeline | None, pipelines: Mapping[str, Pipeline], places: Mapping[str, str]
) -> list[Given]:
    """Return what the stages of a pipeline gave, and what becomes of it.

    Only of a stage that goes they are cancelled. A task is kept that `stays`, or that is also given where its record
    stands then: its stage, or the one that takes the stage's place.

    Args:
        old: The pipeline as it was.
        new: As it is to be; None where it goes.
        pipelines: All as they are to be, by their keys.
        places: For stages that go, which take their places.
    """
    found = []
    for stage in old.stages:
        same = new.stage(stage.key) if new else None
        then = same or taking(old, pipelines, places.get(stage.key))
        kinds = {it.key for it in then.tasks} if then else set()
        otherwise: Fate = "cancelled" if same is None else "left"
        found += [Given(stage.key, it.key, "kept" if it.stays or it.key in kinds else otherwise) for it in stage.tasks]
    return found


def taking(old: Pipeline, pipelines: Mapping[str, Pipeline], place: str | None) -> Stage | None:
    """Return the stage that takes the place of one of a pipeline: `"new"`, or `"sales.new"` of another."""
    key, stage = located(place or "", old.key)
    target = pipelines.get(key)
    return None if target is None else target.stage(stage)


def count(reader: Reader, old: Pipeline, it: Given) -> Count:
    """Count the open tasks of a kind about records that stand in a stage, as far as the reader may read them."""
    subject = reader.configuration.catalogue.process.subjects.get(old.entity)
    if subject is None:
        return Count(0)
    there = Link(subject, old.entity, All((Equal("pipeline", old.key), Equal("stage", it.stage))))
    return reader.count(reader.entity(Task), All((Equal("kind", it.kind), Not(In("state", FINISHED)), there)))


def cancel(work: Work, old: Pipeline, several: Sequence[Given]) -> None:
    """Cancel the open tasks that are not kept; nothing follows from it.

    Args:
        work: As opencrm itself.
        old: The pipeline as it was; its records stand where they stood.
        several: What its stages gave.
    """
    spec = standing_in(work.entity(old.entity), old)
    subject = work.configuration.catalogue.process.subjects.get(old.entity)
    for it in several if subject is not None else ():
        if it.fate == "cancelled":
            for ids in _open(work, spec, str(subject), old.key, it):
                states = work.states(work.entity(Task), ids).values()
                work.apply([_cancelled(work, state) for state in states])


def _cancelled(work: Work, state: Values) -> Change:
    after = {**state, "state": "cancelled", "updated_at": work.now}
    return Change(TASK, state["id"], Kind.CHANGED, state, after)


def _open(work: Work, spec: Spec, subject: str, pipeline: str, it: Given) -> Iterator[list[Id]]:
    """Give the open tasks of a kind about records that stand in a stage, so many at a time, until there are none."""
    named = {"pipeline": pipeline, "stage": it.stage, "kind": it.kind, "most": _CHUNK}

    def build() -> Select[Any]:
        record, tasks = spec.table, work.entity(Task)
        task = tasks.table
        there = [spec.column(name) == bindparam(name, type_=key_column(64)) for name in ("pipeline", "stage")]
        mine = (task.c.kind == bindparam("kind", type_=key_column(64)), still_open(), task.c.deleted_at.is_(None))
        found = select(task.c.id).join(record, record.c.id == tasks.column(subject)).where(*there, *mine)
        return found.order_by(task.c.id).limit(bindparam("most", type_=Integer()))

    while rows := work.tx.query(("open tasks of stage", spec.name, subject), build, named):
        yield [row["id"] for row in rows]
