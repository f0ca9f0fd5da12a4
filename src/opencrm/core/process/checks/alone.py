"""What a plugin's declarations tell by themselves, before anything else of the workspace is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from opencrm.core.pipeline.definition import Pipeline
from opencrm.core.process.actions import MoveRecord
from opencrm.core.process.checks.loops import loops
from opencrm.core.process.checks.parts import about, parts_of, tasks_in
from opencrm.core.process.events import OnRotten, OnStage
from opencrm.core.process.rules import MOST_GENERATIONS, Rule


def tasks_of(
    pipelines: Mapping[str, Pipeline],
    rules: Iterable[Rule],
    forms: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> dict[str, set[str]]:
    """Return for each kind of task that is given the entities that it may be about.

    Args:
        pipelines: The pipelines, by key.
        rules: The rules; one that hears of a task, and gives another one, is about what the first is about.
        forms: For each web form, what it is about.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    for it in pipelines.values():
        for task in tasks_in(it):
            found[task.key].add(it.entity)
    giving = {rule.key: (rule, tasks_in(rule)) for rule in rules}
    for _ in giving:
        number = sum(map(len, found.values()))
        for rule, tasks in giving.values():
            for task in tasks:
                found[task.key].update(about(rule, pipelines, found, forms))
        if number == sum(map(len, found.values())):
            break
    return dict(found)


def alone(pipelines: Sequence[Pipeline], rules: Sequence[Rule]) -> Iterator[str]:
    """Give a sentence for each loop of rules, and for each stage that is named and cannot be meant.

    Args:
        pipelines: A plugin's own pipelines; those of others may be named, and are not looked at.
        rules: Its own rules.
    """
    own = {it.key: it for it in pipelines}
    for loop in loops(own, [it for it in rules if it.active], tasks_of(own, rules)):
        yield looping(loop)
    yield from unmet(own, [*pipelines, *rules])


def unmet(pipelines: Mapping[str, Pipeline], several: Iterable[Pipeline | Rule]) -> Iterator[str]:
    """Give a sentence for each stage that is named and is not there, or where nothing rots that is waited for.

    Args:
        pipelines: The pipelines that are known, by key; others may be named, and are not looked at.
        several: What names stages.
    """
    for it in several:
        for part in parts_of(it, it.key, ()):
            match part.item:
                case OnStage(pipeline, stage):
                    yield from _absent(pipelines, part.at, pipeline, stage)
                case OnRotten(pipeline, stage):
                    yield from _absent(pipelines, part.at, pipeline, stage)
                    if not rots(pipelines, pipeline, stage):
                        yield f"{part.at}: {unrotting(pipeline, stage)}"
                case MoveRecord(to) if "." in to:
                    yield from _absent(pipelines, part.at, *to.split(".", 1))


def rots(pipelines: Mapping[str, Pipeline], pipeline: str, stage: str) -> bool:
    """Say whether records can rot in a stage, as far as it is known."""
    found = pipelines.get(pipeline)
    place = found.stage(stage) if found else None
    return place is None or place.rots_after is not None


def unrotting(pipeline: str, stage: str) -> str:
    """Return what is said of a stage where nothing rots."""
    return f"the stage {pipeline}.{stage} has no `rots_after`, so nothing rots there"


def looping(loop: Sequence[str]) -> str:
    """Return what is said of a loop."""
    return f"rules set each other off without end, and nothing between them waits: {' > '.join((*loop, loop[0]))}"


def unending(loop: Sequence[str]) -> str:
    """Return what is said of a loop in which something waits."""
    ring = " > ".join((*loop, loop[0]))
    return f"goes on for ever: {ring}; only time lies between, and nobody: it is stopped after {MOST_GENERATIONS} times"


def _absent(own: Mapping[str, Pipeline], at: str, pipeline: str, stage: str) -> Iterator[str]:
    if pipeline in own and own[pipeline].stage(stage) is None:
        yield f"{at}: pipeline {pipeline!r} has no stage {stage!r}"
