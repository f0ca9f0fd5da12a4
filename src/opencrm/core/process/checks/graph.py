"""Whether every stage of a pipeline can be reached, and left again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opencrm.core.pipeline.definition import Pipeline
from opencrm.core.process.checks.finding import Finding


def stages_of(it: Pipeline, at: str, others: Iterable[Pipeline] = ()) -> Iterator[Finding]:
    """Give the stages that no move leads to, and open ones that no move leads out of; told, and not refused.

    Args:
        it: The pipeline.
        at: How its place is called: `"definition"`.
        others: Other pipelines, whose moves may lead here.
    """
    reached = _reached(it, others)
    for number, stage in enumerate(it.stages):
        place = f"{at}.stages[{number}]"
        if stage.key not in reached:
            yield Finding(place, f"no move leads to the stage {it.key}.{stage.key}", grave=False)
        if not stage.closed and not any(_leads(it, start, end, stage.key) for start, end in it.moves):
            yield Finding(place, f"no move leads out of the open stage {it.key}.{stage.key}", grave=False)


def _leads(it: Pipeline, start: str, end: str, stage: str) -> bool:
    return start in (stage, "*") and end not in (stage, f"{it.key}.{stage}")


def _reached(it: Pipeline, others: Iterable[Pipeline]) -> set[str]:
    named = {end for other in others if other.key != it.key for _, end in other.moves}
    found = {it.initial, *(stage.key for stage in it.stages if f"{it.key}.{stage.key}" in named)}
    while True:
        further = {end for start, end in it.moves if start in found or start == "*"} - found
        if not further:
            return found
        found |= further
