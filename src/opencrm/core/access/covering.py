"""Whether one set of grants holds all of another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from opencrm.core.access.grants import ANY, Grant, Scope
from opencrm.core.entity import Spec

_MOVE = "move:"


@attrs.frozen
class Coverage:
    """Judges grants against others, in a workspace with these entities.

    What a `*` stands for grows when a plugin, a pipeline or a stage comes, so only a `*` covers it.

    Args:
        entities: Every entity by name.
    """

    entities: Mapping[str, Spec]

    def missing(self, wanted: Iterable[Grant], given: Sequence[Grant]) -> Grant | None:
        """Return the first of the grants that the given ones do not cover; None where they cover all."""
        asked = (it for it in wanted if it.scope is not Scope.NONE)
        return next((it for it in asked if not any(_holds(each, it) for each in given)), None)


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
