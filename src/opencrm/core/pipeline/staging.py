"""The stages of entities that declare none: while a pipeline is about one, its records have the fields of a stage.

Where a class inherits `Staged`, its table has columns for them. An entity of somebody else's has them as any field
that is added to it: in the JSON column of the record's own row, where they stay when the pipeline goes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import attrs

from opencrm.core.entity import Spec
from opencrm.core.fields import Field, Instant, Key, Text
from opencrm.core.pipeline.definition import Pipeline
from opencrm.core.pipeline.reasons import REASON


def _moved(field: Field) -> Field:
    return attrs.evolve(field, author="move", slot=field.name)


_STAGES = tuple(
    map(
        _moved,
        (
            Field(name="pipeline", type=Key(64), label="Pipeline"),
            Field(name="stage", type=Key(64), label="Stage"),
            Field(name="stage_since", type=Instant(), label="In this stage since", settable=False),
            Field(name="closed_at", type=Instant(), label="Closed", settable=False),
        ),
    )
)
_LOST = Field(name=REASON, type=Text(200, folded=True), label="Lost reason", slot=REASON)

NAMES = frozenset(it.name for it in (*_STAGES, _LOST))
"""What the fields are called that a pipeline may give the entity that it is about."""


def with_stages(entities: Mapping[str, Spec], pipelines: Iterable[Pipeline]) -> Mapping[str, Spec]:
    """Return entities as they are with these pipelines, and no others.

    Args:
        entities: By name.
        pipelines: All that are in force.
    """
    about = defaultdict[str, list[Pipeline]](list)
    for it in pipelines:
        about[it.entity].append(it)
    return MappingProxyType({name: _staged(spec, about.get(name, ())) for name, spec in entities.items()})


def standing_in(spec: Spec, pipeline: Pipeline) -> Spec:
    """Return an entity as it is with a pipeline that may be about to go: its records stand there for a last time."""
    return spec if spec.staged else _staged(spec, [pipeline])


def given(entities: Mapping[str, Spec]) -> dict[str, list[Field]]:
    """Return the fields that pipelines give their entities, by the name of the entity."""
    found = {name: _given(spec) for name, spec in entities.items()}
    return {name: fields for name, fields in found.items() if fields}


def unfit(spec: Spec) -> str | None:
    """Say why an entity cannot have stages; None where it has them, or can have them."""
    if spec.cls.spec.staged:
        return None
    options = spec.options
    kinds = {"a part of another record": options.part_of, "a part of the organisation": options.organisation}
    kind = next((text for text, so in {**kinds, "somebody's own": options.personal}.items() if so), None)
    if kind is not None:
        return f"{spec.name} cannot have stages: it is {kind}"
    mine = [it.name for it in _given(spec)]
    taken = [it.name for it in _STAGES if it.name in spec.fields and it.name not in mine]
    return f"{spec.name} cannot have stages: it has a field {taken[0]!r} of its own" if taken else None


def _staged(spec: Spec, pipelines: Sequence[Pipeline]) -> Spec:
    wanted = [] if spec.cls.spec.staged or not pipelines or unfit(spec) else _wanted(spec, pipelines)
    mine = _given(spec)
    if wanted == mine:
        return spec
    kept = {name: field for name, field in spec.fields.items() if field not in mine}
    fields = MappingProxyType({**kept, **{it.name: it for it in wanted}})
    return attrs.evolve(spec, fields=fields, staged=bool(wanted))


def _wanted(spec: Spec, pipelines: Sequence[Pipeline]) -> list[Field]:
    """Return the fields of a stage, and of the reason for losing where a stage asks for one and nothing has it."""
    reasoned = any(stage.reasons for it in pipelines for stage in it.stages)
    own = REASON in spec.fields and spec.fields[REASON] is not _LOST
    return [*_STAGES, *([_LOST] if reasoned and not own else [])]


def _given(spec: Spec) -> list[Field]:
    return [it for it in (*_STAGES, _LOST) if spec.fields.get(it.name) is it]
