"""What went from the code while records were still in it: pipelines, stages and kinds of tasks, with their records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlalchemy import Select, bindparam, func, select

from opencrm.core.columns import key_column
from opencrm.core.entities import Task
from opencrm.core.entity import Spec
from opencrm.services.process.tasking.standing import still_open
from opencrm.storage import tables

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader

_COUNTER = tables.counter


def gone(reader: Reader) -> Iterator[tuple[str, str]]:
    """Give what is gone and still in use, as `pipeline.sales` and `task.call`, each with a sentence.

    Args:
        reader: Of the system.
    """
    for spec in reader.configuration.catalogue.entities.values():
        if spec.staged:
            yield from _stages(reader, spec)
    yield from _tasks(reader)


def _stages(reader: Reader, spec: Spec) -> Iterator[tuple[str, str]]:
    pipelines = reader.configuration.catalogue.pipelines
    for row in reader.tx.query("stages in use", _standing, {"entity": spec.name}):
        key, stage = row["pipeline"], row["stage"]
        standing = f"{row['number']} records of {spec.name} stand"
        if key not in pipelines:
            text = f"there is no pipeline {key!r}, and {standing} in its stage {stage!r}"
            yield f"pipeline.{key}", f"{text}; did a plugin bring it? See --plugin-dir and `opencrm plugin list`"
        elif pipelines[key].stage(stage) is None:
            yield f"pipeline.{key}", f"pipeline {key!r} has no stage {stage!r}, and {standing} in it"


def _standing() -> Select[tuple[str, str, int]]:
    """Return how many living records of an entity stand in each stage, as the counters tell."""
    place, number = (_COUNTER.c.pipeline, _COUNTER.c.stage), func.sum(_COUNTER.c.number)
    mine = (_COUNTER.c.entity == bindparam("entity", type_=key_column(100)), _COUNTER.c.stage.is_not(None))
    found = select(*place, number.label("number")).where(*mine).group_by(*place)
    return found.having(number > 0).order_by(*place)


def _tasks(reader: Reader) -> Iterator[tuple[str, str]]:
    task, known = Task.__table__, reader.configuration.catalogue.process.tasks

    def build() -> Select[tuple[str, int]]:
        kept = (task.c.kind.is_not(None), task.c.deleted_at.is_(None), still_open())
        return (
            select(task.c.kind, func.count().label("number")).where(*kept).group_by(task.c.kind).order_by(task.c.kind)
        )

    for row in reader.tx.query("kinds of tasks in use", build, {}):
        if row["kind"] not in known:
            told = f"nothing declares the task {row['kind']!r}, and {row['number']} of them are open"
            yield f"task.{row['kind']}", f"{told}: of each its owner is told when it is due, and nobody else"
