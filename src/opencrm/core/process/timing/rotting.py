"""What is rotten: records that have stood in their stage for longer than it allows, as a condition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from opencrm.core.conditions.nodes import All, AnyOf, AtMost, Condition, Equal, Not, any_of
from opencrm.core.entity import Spec
from opencrm.core.pipeline import Pipeline
from opencrm.core.process.timing.moments import moved
from opencrm.errors import InputError

WORD = "rotten"
"""What conditions say, as if records had a field of that name."""


def expanded(item: Condition, spec: Spec, pipelines: Sequence[Pipeline], zone: str, now: datetime) -> Condition:
    """Return a condition with `rotten` told by the stages' `rots_after` and the fields of the record's place.

    Args:
        item: The condition as it was written.
        spec: The entity; one that has a field of that name means the field.
        pipelines: Those of the entity.
        zone: The workspace's zone: days go by its wall clock.
        now: The present instant.

    Raises:
        InputError: It is compared with anything but true and false.
    """
    if not spec.staged or WORD in spec.fields:
        return item
    match item:
        case All(items):
            return All(tuple(expanded(each, spec, pipelines, zone, now) for each in items))
        case AnyOf(items):
            return AnyOf(tuple(expanded(each, spec, pipelines, zone, now) for each in items))
        case Not(inner):
            return Not(expanded(inner, spec, pipelines, zone, now))
        case Equal("rotten", value):
            found = any_of(_rotten(pipelines, zone, now))
            return found if _yes(value) else Not(found)
    return item


def _rotten(pipelines: Sequence[Pipeline], zone: str, now: datetime) -> Iterator[Condition]:
    for pipeline in pipelines:
        for stage in pipeline.stages:
            since = None if stage.rots_after is None else moved(now, f"-{stage.rots_after}", zone)
            if since is not None:
                place = (Equal("pipeline", pipeline.key), Equal("stage", stage.key))
                yield All((*place, AtMost("stage_since", since)))


def _yes(value: object) -> bool:
    known = {True: True, False: False, "true": True, "false": False, "yes": True, "no": False}
    if not isinstance(value, bool | str) or value not in known:
        raise InputError({WORD: ["must be true or false"]})
    return known[value]
