"""Stages that would hold more than may stand there at once, after stages went or a limit came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from opencrm.core.change import Change
from opencrm.core.pipeline import Pipeline
from opencrm.core.pipeline.moves import located
from opencrm.services.definitions.process.moving import gone
from opencrm.services.process.entering.limiting import standing
from opencrm.services.reading.reader import Reader

_Name: TypeAlias = tuple[str, str]


def overfilled(
    reader: Reader, changes: Sequence[Change], pipelines: Mapping[str, Pipeline]
) -> dict[int, dict[str, list[str]]]:
    """Return what is wrong with changes of definitions that move more records into a stage than may stand there.

    Args:
        reader: Reads what stands where.
        changes: What is to be stored together.
        pipelines: All pipelines as they are to be.
    """
    coming: defaultdict[_Name, dict[int, int]] = defaultdict(dict)
    for at, change in enumerate(changes):
        for place, number in _coming(reader, change):
            coming[place][at] = coming[place].get(at, 0) + number
    wrong: dict[int, dict[str, list[str]]] = {}
    for place, by_change in sorted(coming.items()):
        text = _too_many(reader, pipelines, place, sum(by_change.values()))
        for at in by_change if text else ():
            wrong.setdefault(at, {"replaced_by": []})["replaced_by"].append(str(text))
    return wrong


def crowded(reader: Reader, it: Pipeline) -> Iterator[tuple[int, str]]:
    """Give the stages, by their places, in which more records stand than may at once."""
    for at, stage in enumerate(it.stages):
        number = 0 if stage.limit is None else standing(reader, (it.entity, it.key, stage.key))
        if stage.limit is not None and number > stage.limit:
            yield at, f"{_some(number)} there, and {stage.limit} may: nobody else enters until fewer do"


def _coming(reader: Reader, change: Change) -> Iterator[tuple[_Name, int]]:
    """Give where the records of stages that a change takes away go, and how many."""
    found = None if change.before is None else gone(change.entity, change.before, change.after)
    if found is None or found[0].entity not in reader.configuration.catalogue.entities:
        return
    old, stages = found
    for stage in stages:
        to = (change.after["replaced_by"] or {}).get(stage)
        number = 0 if to is None else standing(reader, (old.entity, old.key, stage))
        if number:
            yield located(str(to), old.key), number


def _too_many(reader: Reader, pipelines: Mapping[str, Pipeline], place: _Name, number: int) -> str | None:
    it = pipelines.get(place[0])
    stage = None if it is None else it.stage(place[1])
    if it is None or stage is None or stage.limit is None:
        return None
    there = standing(reader, (it.entity, *place))
    if there + number <= stage.limit:
        return None
    go = f"{number} {'record goes' if number == 1 else 'records go'} to {place[0]}.{place[1]}"
    stand = f"{there} {'stands' if there == 1 else 'stand'}"
    return f"{go}, where {stand}, and {stage.limit} may at once: raise its limit, or name another stage"


def _some(number: int) -> str:
    return f"{number} {'record stands' if number == 1 else 'records stand'}"
