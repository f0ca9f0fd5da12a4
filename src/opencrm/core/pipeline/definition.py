"""Pipelines as declarations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import attrs

StageKind = Literal["open", "parked", "won", "lost"]


@attrs.frozen
class Stage:
    """One stage of a pipeline.

    Args:
        key: Stable name.
        label: What a person reads; by default made of the key.
        kind: `open`, `parked` (waiting, counted in no forecast), `won` or `lost`.
        probability: Chance in percent that a record here is won; by default 100 for won and 0 for lost.
    """

    key: str
    label: str = attrs.field(
        default=attrs.Factory(lambda self: self.key.replace("_", " ").capitalize(), takes_self=True)
    )
    kind: StageKind = attrs.field(default="open", validator=attrs.validators.in_(("open", "parked", "won", "lost")))
    probability: int | None = attrs.field(default=None)

    @property
    def closed(self) -> bool:
        """Whether a record here is finished."""
        return self.kind in ("won", "lost")

    @property
    def chance(self) -> int:
        """The probability in percent."""
        default = {"won": 100, "lost": 0}.get(self.kind, 50)
        return default if self.probability is None else self.probability


def _stages(given: Iterable[Stage | str]) -> tuple[Stage, ...]:
    return tuple(Stage(each) if isinstance(each, str) else each for each in given)


def _moves(given: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    return frozenset(given)


@attrs.frozen
class Pipeline:
    """An ordered set of stages and the graph of moves between them.

    Args:
        key: Stable name, unique in a workspace.
        stages: In order; a plain text is an open stage of that key.
        moves: Pairs `(from, to)`; `"*"` as `from` means from every stage, and `to` may name a stage of another
            pipeline as `"sales.new"`.
        initial: Key of the stage in which records start; by default the first.
        entity: Name of the entity that goes through it.
        kind: `sales`, or `leads` for what must be qualified first.
        label: What a person reads; by default made of the key.

    Raises:
        ValueError: A stage is named twice, or a move or `initial` names one that does not exist.
    """

    key: str
    stages: tuple[Stage, ...] = attrs.field(converter=_stages)
    moves: frozenset[tuple[str, str]] = attrs.field(converter=_moves, kw_only=True)
    initial: str = attrs.field(kw_only=True, default=attrs.Factory(lambda self: self.stages[0].key, takes_self=True))
    entity: str = attrs.field(kw_only=True, default="deal")
    kind: Literal["sales", "leads"] = attrs.field(kw_only=True, default="sales")
    label: str = attrs.field(
        kw_only=True,
        default=attrs.Factory(lambda self: self.key.replace("_", " ").capitalize(), takes_self=True),
    )

    def __attrs_post_init__(self) -> None:
        keys = [stage.key for stage in self.stages]
        if len(set(keys)) != len(keys):
            raise ValueError(f"pipeline {self.key!r}: a stage is named twice")
        named = {self.initial, *(start for start, _ in self.moves), *(end for _, end in self.moves)}
        for missing in sorted(name for name in named - {*keys, "*"} if "." not in name):
            raise ValueError(f"pipeline {self.key!r} has no stage {missing!r}")

    def stage(self, key: str | None) -> Stage | None:
        """Return the stage of that key, or None."""
        return next((stage for stage in self.stages if stage.key == key), None)

    def allows(self, start: str, end: str) -> bool:
        """Say whether a record may move from the stage `start` to `end`, which may be `"other_pipeline.stage"`."""
        return (start, end) in self.moves or ("*", end) in self.moves
