"""Whether one set of grants holds all of another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from opencrm.core.access.grants import ACTIONS, ANY, Grant, Scope
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
