"""Where a reader may search: in which records, and in which of their fields."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import attrs

from opencrm.core.conditions import TRUE, Condition
from opencrm.core.entity import Entity, Spec
from opencrm.core.search.documents import leads_to, looked_into
from opencrm.services.reading.planning.arms import Parts, taken_apart
from opencrm.services.reading.reader import Reader


@attrs.frozen
class Place:
    """The records of one entity that may be found.

    Attributes:
        spec: The entity.
        scope: Which of its living records.
    """

    spec: Spec
    scope: Condition

    @property
    def parts(self) -> Parts:
        """The scope taken apart into conditions that each have their index, where it can be."""
        return taken_apart(self.scope)

    @property
    def may_be_small(self) -> bool:
        """Whether it can be told cheaply how many records there are."""
        return self.scope != TRUE and bool(self.parts.arms)


@attrs.frozen
class Reach:
    """Where is searched.

    Attributes:
        places: The entities whose records may be found.
        fields: The fields that may be read, as documents name them.
    """

    places: tuple[Place, ...]
    fields: tuple[str, ...]

    @cached_property
    def shape(self) -> tuple[Any, ...]:
        """What of it makes the SQL of a statement: all but the values."""
        return (*((it.spec.name, it.parts.shape, it.parts.arm_shapes) for it in self.places), len(self.fields))

    def only(self, places: Sequence[Place]) -> Reach:
        """Return the same fields of some of the places."""
        return attrs.evolve(self, places=tuple(places))


def reach_of(reader: Reader, entities: Sequence[type[Entity] | Spec | str] | None) -> Reach:
    """Return where a reader may search, in all entities or in some.

    Raises:
        NotFound: There is no such entity.
    """
    known = reader.configuration.catalogue.entities
    wanted = set(known) if entities is None else {reader.entity(it).name for it in entities}
    fields: list[str] = []
    led: dict[str, None] = {}
    for spec in known.values():
        readable = reader.rights.readable(spec)
        found = [it.label for it in looked_into(spec) if it.name in readable]
        wholes = wanted.intersection(leads_to(spec, known)) if found else ()
        fields += found if wholes else ()
        led |= dict.fromkeys(name for name in known if name in wholes)
    expressions = [reader.rights.expression(known[name], "read") for name in led]
    return Reach(tuple(Place(it.spec, it.condition) for it in expressions if not it.nothing), tuple(fields))
