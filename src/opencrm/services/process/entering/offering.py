"""Where a record may go from where it stands, and what would be asked of whoever moves it there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.change import Values
from opencrm.core.entity import Entity, Spec
from opencrm.core.pipeline import Pipeline, Stage, moved
from opencrm.core.values import Id
from opencrm.errors import InputError, NotFound, OpenCRMError
from opencrm.services.process import demanding
from opencrm.services.process.entering.asking import missing_of

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader


@attrs.frozen
class Offer:
    """A stage that a record may be moved to.

    Attributes:
        to: What `move` takes: the stage's key, or `pipeline.stage` of another pipeline.
        label: What a person reads.
        kind: `open`, `parked`, `won` or `lost`.
        missing: What would be asked for, each as `{"text": ..., "form": {"key", "label", "schema"}}`.
    """

    to: str
    label: str
    kind: str
    missing: tuple[dict[str, Any], ...] = attrs.field(hash=False)


def moves(reader: Reader, entity: type[Entity] | Spec | str, id: Id) -> list[Offer]:
    """Return the moves that the graph has for a record and that the reader may make, in the pipeline's order.

    Args:
        reader: As whom.
        entity: The record's entity.
        id: The record.

    Raises:
        NotFound: There is no such record, or none that the reader may know of.
        InputError: The entity has no stages.
    """
    spec = reader.entity(entity)
    if not spec.staged:
        raise InputError({"stage": [f"{spec.name} has no stages"]})
    state = reader.states(spec, [id]).get(id)
    if state is None:
        raise NotFound(f"there is no such {spec.name}", entity=spec.name)
    if not {"pipeline", "stage"} <= reader.rights.readable(spec):
        return []
    return [_offer(reader, spec, state, to, stage) for to, stage in _allowed(reader, spec, state)]


def _offer(reader: Reader, spec: Spec, state: Values, to: str, stage: Stage) -> Offer:
    change = moved(reader.configuration.catalogue.pipelines, spec.name, state, to, reader.now)
    asked = [*missing_of(reader, change)]
    for reaction in reader.configuration.catalogue.process.reactions(change):
        with suppress(OpenCRMError):  # What fails for another reason is told by the move.
            asked += _beyond(asked, demanding.lacking(reader, reaction, spec, change.after))
    return Offer(to, stage.label, stage.kind, tuple(asked))


def _beyond(asked: Sequence[Mapping[str, Any]], more: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give what is missing beyond what is asked for already: a field for which a form asks is told once."""
    known = {name for it in asked if "form" in it for name in it["form"]["schema"]["properties"]}
    for it in more:
        names = {*it["form"]["schema"]["properties"]} if "form" in it else set[str]()
        if not names or not names <= known:
            yield it
        known |= names


def _allowed(reader: Reader, spec: Spec, state: Values) -> Iterator[tuple[str, Stage]]:
    home = reader.configuration.catalogue.pipelines.get(state["pipeline"] or "")
    if home is None:
        return
    for pipeline, stage in _ends(reader, home):
        to = stage.key if pipeline is home else f"{pipeline.key}.{stage.key}"
        action = f"move:{pipeline.key}.{stage.key}"
        here = pipeline is home and stage.key == state["stage"]
        if not here and home.allows(state["stage"], to) and _may(reader, spec, action, state):
            yield to, stage


def _ends(reader: Reader, home: Pipeline) -> Iterator[tuple[Pipeline, Stage]]:
    """Give the stages of a pipeline, then those of others of the same entity."""
    others = [it for it in reader.configuration.catalogue.pipelines_of(home.entity) if it.key != home.key]
    yield from ((it, stage) for it in (home, *others) for stage in it.stages)


def _may(reader: Reader, spec: Spec, action: str, state: Values) -> bool:
    return reader.rights.unbound or reader.rights.expression(spec, action).test(reader.linked)(state)
