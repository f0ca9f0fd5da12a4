"""Which stages the values of a column are."""

from __future__ import annotations

from collections.abc import Iterable

from opencrm import Pipeline
from opencrm.embed import fold
from opencrm.plugins.importing.guessing.profiling import Column
from opencrm.plugins.importing.guessing.words import words


def stage_kinds(value: str) -> list[str]:
    """Return the kinds of stages that may be called so."""
    text = fold(value)
    return [kind for kind, several in words().stages.items() if text in several]


def stages(
    column: Column, pipelines: Iterable[Pipeline], entity: str
) -> tuple[Pipeline, dict[str, str], list[str]] | None:
    """Return the pipeline that a column's values fit best, what each of them becomes, and which are guessed.

    A value that is no stage by its name, nor by what stages of a kind are called, becomes the first stage.
    """
    fitting = [pipeline for pipeline in pipelines if pipeline.entity == entity]
    if not fitting:
        return None
    known = {pipeline.key: {value: _stage(value, pipeline) for value in column.counts} for pipeline in fitting}
    best = max(fitting, key=lambda it: sum(column.counts[v] for v, stage in known[it.key].items() if stage))
    unsure = [value for value, stage in known[best.key].items() if stage is None]
    return best, {value: stage or best.initial for value, stage in known[best.key].items()}, unsure


def _stage(value: str, pipeline: Pipeline) -> str | None:
    text = fold(value)
    for stage in pipeline.stages:
        if text in (fold(stage.key), fold(stage.label)):
            return stage.key
    kinds = stage_kinds(text)
    return next((stage.key for stage in pipeline.stages if stage.kind in kinds), None)
