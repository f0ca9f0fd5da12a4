"""Whether one set of grants holds all of another, and whether one role opens all fields that another does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from opencrm.core.access.grants import ACTIONS, ANY, FieldRule, Grant, Scope
from opencrm.core.access.reach import roots
from opencrm.core.entity import Spec

_MOVE = "move:"
_MOVES = "move:*"
_ACTS = (*sorted(ACTIONS - {ANY, "move"}), _MOVES)
"""All that `*` stands for, as far as opencrm itself knows it."""


@attrs.frozen
class Coverage:
    """Judges grants against others, in a workspace with these entities and moves.

    Args:
        entities: Every entity by name.
        moves: Of each entity with pipelines, its moves: `move:<pipeline>.<stage>`.
    """

    entities: Mapping[str, Spec]
    moves: Mapping[str, Sequence[str]]

    def missing(self, wanted: Iterable[Grant], given: Sequence[Grant]) -> Grant | None:
        """Return the first of the grants that the given ones do not cover; None where they cover all."""
        return next((it for it in wanted if it.scope is not Scope.NONE and not self._covered(it, given)), None)

    def _covered(self, grant: Grant, given: Sequence[Grant]) -> bool:
        if any(_holds(each, grant) for each in given):
            return True
        parts = tuple(self._parts(grant))
        return bool(parts) and all(self._covered(part, given) for part in parts)

    def _parts(self, grant: Grant) -> Iterator[Grant]:
        """Give the grants that a grant with a `*` in it stands for; of what is not there, none."""
        if grant.entity == ANY:
            yield from (attrs.evolve(grant, entity=name) for name in self.entities)
        elif grant.action == ANY:
            yield from (attrs.evolve(grant, action=action) for action in _ACTS)
        elif grant.action.startswith(_MOVE) and ANY in _move(grant.action):
            several = (it for it in self.moves.get(grant.entity, ()) if _wider(grant.action, it))
            yield from (attrs.evolve(grant, action=action) for action in several)


@attrs.frozen
class Openness:
    """Which fields a role opens.

    Args:
        grants: What it grants.
        rules: Its field rules, by entity and field.
        everything: Whether it is an owner's, who reads and writes all fields.
    """

    grants: Sequence[Grant]
    rules: Mapping[tuple[str, str], FieldRule]
    everything: bool = False

    def opens(self, spec: Spec, name: str, verb: str) -> bool:
        """Say whether a field may be read or written by whoever reaches records of its entity."""
        rule = self.rules.get((spec.name, name))
        if self.everything:
            return True
        return bool(getattr(rule, verb)) if rule is not None else spec.fields[name].sensitive is None

    def readable(self, spec: Spec) -> list[str]:
        """Return the fields of an entity that may be read."""
        return [name for name in spec.fields if self.opens(spec, name, "read")]

    def beyond(self, other: Openness, entities: Mapping[str, Spec]) -> tuple[str, str] | None:
        """Return an entity and a field of it that this role opens and the other does not; None if there is none."""
        if other.everything:
            return None
        for spec in entities.values():
            read = self.everything or self._reads(spec, entities)
            for name in spec.fields:
                if (read or (spec.name, name) in self.rules) and self._wider(other, spec, name):
                    return spec.name, name
        return None

    def _reads(self, spec: Spec, entities: Mapping[str, Spec]) -> bool:
        whole = [root.name for root in roots(spec, entities)]
        granted = [grant for grant in self.grants if grant.scope is not Scope.NONE]
        return any(grant.covers(name, "read") for grant in granted for name in whole)

    def _wider(self, other: Openness, spec: Spec, name: str) -> bool:
        return any(self.opens(spec, name, verb) and not other.opens(spec, name, verb) for verb in ("read", "write"))


def _holds(given: Grant, wanted: Grant) -> bool:
    """Say whether one grant holds another whole: its entity and acts, no narrower, under no other condition."""
    return (
        given.entity in (wanted.entity, ANY)
        and _wider(given.action, wanted.action)
        and given.scope >= wanted.scope
        and (given.when is None or given.when == wanted.when)
    )


def _wider(given: str, wanted: str) -> bool:
    """Say whether whatever one action stands for is among what the other stands for."""
    if given in (wanted, ANY):
        return True
    if not (given.startswith(_MOVE) and wanted.startswith(_MOVE)):
        return False
    return all(have in (ANY, want) for have, want in zip(_move(given), _move(wanted), strict=True))


def _move(action: str) -> tuple[str, str]:
    """Return the pipeline and the stage of a move; `*` where one is not named."""
    pipeline, _, stage = action[len(_MOVE) :].partition(".")
    return pipeline, stage or ANY
