"""The units between a record and the membership whose grant reaches it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from opencrm.core.access.expressions import Reason
from opencrm.core.change import Values
from opencrm.core.entities import Unit
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.services.reading.reader import Reader


@attrs.frozen(kw_only=True)
class Step:
    """A unit on the way from a record up to the membership whose grant reaches it."""

    unit_id: Id
    name: str


def path(reader: Reader, spec: Spec, state: Values, reason: Reason) -> tuple[Step, ...]:
    """Return the units between a record and the membership that a reason comes from; none where no unit decides."""
    if reason.way == "part":
        return _through_whole(reader, spec, state, reason)
    if reason.way == "carried":
        return ()
    if reason.because is not None:
        return path(reader, spec, state, reason.because)
    if reason.way == "personal":
        return _steps(reader, reason.unit, state.get(spec.options.published_in or ""))
    return _steps(reader, state.get("unit_id"), reason.unit)


def _through_whole(reader: Reader, spec: Spec, state: Values, reason: Reason) -> tuple[Step, ...]:
    """Return the path of what a part is a part of, as far as the reader may know of that."""
    references = spec.references()
    for name in spec.options.part_of:
        target, id = str(references.get(name, state.get("entity"))), state.get(name)
        if target == reason.entity and id is not None and reason.because is not None:
            whole = reader.entity(target)
            found = reader.states(whole, [id]).get(id)
            return () if found is None else path(reader, whole, found, reason.because)
    return ()


def _steps(reader: Reader, start: Id | None, end: Id | None) -> tuple[Step, ...]:
    above: Sequence[Id] = () if start is None else reader.rights.organisation.above(start)
    if end not in above:
        return ()
    way = above[: above.index(end) + 1]
    names = reader.states(Unit.spec, way)
    return tuple(Step(unit_id=one, name=names[one]["name"] if one in names else "") for one in way)
