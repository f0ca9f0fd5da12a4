"""What stands at the places of a text at the moment at which somebody is told: kept, so that it stays what it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from opencrm.core.change import Values
from opencrm.core.entity import Spec
from opencrm.core.entity.paths import link_of, parted
from opencrm.core.fields import Field
from opencrm.core.process.values import places
from opencrm.core.values import Id

if TYPE_CHECKING:
    from opencrm.services.process.notifying import Told
    from opencrm.services.writing.block import Block

Place: TypeAlias = tuple[str, Id]
"""A record, as entity and id."""


def said(work: Block, several: Sequence[Told], states: Mapping[Place, Values]) -> Iterator[dict[str, Any]]:
    """Give for each text what stands at its places: `{path: [entity, id, value]}`, of whoever it may be read.

    Args:
        work: The work block.
        several: What people are told.
        states: Records that need not be read, whole.
    """
    texts = {one.text: places(one.text) for one in several}
    known = _Known(work, states)
    known.learn((one.entity, one.record_id) for one in several if texts[one.text])
    known.learn(link for one in several for path in texts[one.text] for link in known.links(one, path))
    for one in several:
        found = ((path, known.at(one, path)) for path in texts[one.text])
        yield {path: it for path, it in found if it is not None}


def value_of(field: Field, kept: Any) -> Any:
    """Return a value as it was kept.

    Raises:
        ValueError: The field holds something else since.
    """
    return None if kept is None else field.type.parse(kept)


class _Known:
    """The records that texts are about, and those that they refer to."""

    def __init__(self, work: Block, states: Mapping[Place, Values]) -> None:
        self._work = work
        self._entities: Mapping[str, Spec] = work.configuration.catalogue.entities
        self._states = dict(states)

    def learn(self, wanted: Iterable[Place]) -> None:
        groups: defaultdict[str, set[Id]] = defaultdict(set)
        for entity, id in wanted:
            if entity in self._entities and (entity, id) not in self._states:
                groups[entity].add(id)
        for entity, ids in groups.items():
            found = self._work.whole(self._entities[entity], sorted(ids))
            self._states |= {(entity, id): state for id, state in found.items()}

    def links(self, one: Told, path: str) -> Iterator[Place]:
        place = self._place(one, parted(path)[0])
        if place is not None:
            yield place

    def at(self, one: Told, path: str) -> list[Any] | None:
        reference, name = parted(path)
        place = self._place(one, reference)
        if place is None:
            return [None, None, None] if (one.entity, one.record_id) in self._states else None
        state, spec = self._states.get(place), self._entities[place[0]]
        if state is None or name not in spec.fields:
            return None
        value = state[name]
        return [*place, None if value is None else spec.fields[name].type.dump(value)]

    def _place(self, one: Told, head: str) -> Place | None:
        """Return the record that a path leads to; None where it leads to none."""
        state = self._states.get((one.entity, one.record_id))
        if state is None:
            return None
        if not head:
            return one.entity, one.record_id
        spec = self._entities[one.entity]
        field = link_of(spec, head)
        target, id = spec.references().get(field), state.get(field)
        return None if target is None or id is None else (target, id)
