"""Pipelines as declarations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal

import attrs

from opencrm.core.pipeline.reasons import REASON, label_of, reasons
from opencrm.core.pipeline.reasons import one_of as one_reason_of
from opencrm.core.pipeline.requirements import Requirement, required
from opencrm.core.process.actions import ACTIONS, Action
from opencrm.core.process.asking.forms import names
from opencrm.core.process.given import all_of, listed, one_of
from opencrm.core.process.tasks import TaskSpec
from opencrm.core.process.values import naming, some_length

StageKind = Literal["open", "parked", "won", "lost"]


_REQUIREMENTS = all_of(Requirement, "requirement", 'required("amount")')
_TASKS = all_of(TaskSpec, "task", 'TaskSpec("call")')
_ACTIONS = all_of(ACTIONS, "action", 'notify(owner, "...")')


def _requirements(given: Iterable[Requirement]) -> tuple[Requirement, ...]:
    found: tuple[Requirement, ...] = listed(given)
    return found


def _tasks(given: Iterable[TaskSpec]) -> tuple[TaskSpec, ...]:
    found: tuple[TaskSpec, ...] = listed(given)
    return found


def _do(given: Iterable[Action]) -> tuple[Action, ...]:
    found: tuple[Action, ...] = listed(given)
    return found


def _different(_stage: object, _attribute: object, given: tuple[TaskSpec, ...]) -> None:
    twice = [key for key, number in Counter(task.key for task in given).items() if number > 1]
    if twice:
        raise ValueError(f"tasks: {twice[0]!r} is named twice")


def _rots_after(text: str | None) -> str | None:
    with naming("rots_after"):
        return some_length(text)


def _percent(_stage: object, attribute: attrs.Attribute[Any], given: object) -> None:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= 100:
        raise ValueError(f"{attribute.name}: {given!r} is none of the whole numbers from 0 to 100")


@attrs.frozen
class Stage:
    """One stage of a pipeline.

    Args:
        key: Stable name.
        label: What a person reads; by default made of the key.
        kind: `open`, `parked` (waiting, counted in no forecast), `won` or `lost`.
        probability: Chance in percent that a record here is won; by default 100 for won and 0 for lost.
        enter: What a record must meet to come here.
        leave: What it must meet to go away from here.
        tasks: What somebody has to do when a record comes here; cancelled, if open, when it goes, unless it `stays`.
        do: What happens when a record comes here.
        left: What happens when it goes.
        rots_after: How long a record may stand here, such as `"14d"`, measured from its move.
        limit: How many records may stand here at once.
        reasons: Of a lost stage, why a record may come here, each with what a person reads:
            `{"price": "Too expensive"}`; one of them is then required in `lost_reason`. By default any text will do.

    Raises:
        ValueError: Something of it cannot be read.
    """

    key: str
    label: str = attrs.field(
        default=attrs.Factory(lambda self: self.key.replace("_", " ").capitalize(), takes_self=True)
    )
    kind: StageKind = attrs.field(default="open", validator=one_of(("open", "parked", "won", "lost")))
    probability: int | None = attrs.field(default=None, validator=attrs.validators.optional(_percent))
    enter: tuple[Requirement, ...] = attrs.field(
        default=(), converter=_requirements, validator=_REQUIREMENTS, kw_only=True
    )
    leave: tuple[Requirement, ...] = attrs.field(
        default=(), converter=_requirements, validator=_REQUIREMENTS, kw_only=True
    )
    tasks: tuple[TaskSpec, ...] = attrs.field(
        default=(), converter=_tasks, validator=[_TASKS, _different], kw_only=True
    )
    do: tuple[Action, ...] = attrs.field(default=(), converter=_do, validator=_ACTIONS, kw_only=True)
    left: tuple[Action, ...] = attrs.field(default=(), converter=_do, validator=_ACTIONS, kw_only=True)
    rots_after: str | None = attrs.field(default=None, converter=_rots_after, kw_only=True)
    limit: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.ge(1)), kw_only=True
    )
    reasons: Mapping[str, str] = attrs.field(default=MappingProxyType({}), converter=reasons, hash=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.reasons and self.kind != "lost":
            raise ValueError(f"stage {self.key!r}: reasons: only a stage of kind lost has reasons for losing")

    @property
    def asks(self) -> tuple[Requirement, ...]:
        """What a record must meet to come here, one of the stage's reasons for losing among it."""
        if not self.reasons:
            return self.enter
        return (one_reason_of(self.reasons), *(it for it in self.enter if it != required(REASON)))

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
    found = listed(given)
    if not isinstance(found, tuple):
        raise ValueError(f"stages: {given!r} must be a list of stages")
    return tuple(Stage(each) if isinstance(each, str) else each for each in found)


def _moves(given: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    return frozenset(_pair(each) for each in given)


def _pair(given: Any) -> tuple[str, str]:
    match given:
        case [str(start), str(end)]:
            return start, end
    raise ValueError(f'moves: {given!r} is no pair of stages such as ("new", "won")')


@attrs.frozen
class Pipeline:
    """An ordered set of stages and the graph of moves between them.

    Args:
        key: Stable name, unique in a workspace.
        stages: In order; a plain text is an open stage of that key.
        moves: Pairs `(from, to)`; `"*"` as `from` means from every stage, and `to` may name a stage of another
            pipeline as `"sales.new"`.
        initial: Key of the stage in which records start; by default the first.
        entity: Name of the entity that goes through it. One that does not inherit `Staged` has the fields of a stage
            while there is a pipeline about it.
        kind: `sales`, or `leads` for what must be qualified first.
        label: What a person reads; by default made of the key.
        roles: The keys of the roles of those who may use it: create records in it, and move records into its stages,
            as far as they are granted that. By default everybody. Owners, and what rules and plugins do, are free.

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
    roles: tuple[str, ...] = attrs.field(kw_only=True, default=(), converter=names)

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


def reason_label(several: Iterable[Pipeline], value: str, at: tuple[str | None, str | None] = (None, None)) -> str:
    """Return what a person reads of a reason for losing; one that no stage knows is what it says.

    Args:
        several: The pipelines of an entity.
        value: What a record has as its reason.
        at: The pipeline and the stage where the record stands; no other pipeline is asked then.
    """
    return label_of(_reasons(several, at), value)


def _reasons(several: Iterable[Pipeline], at: tuple[str | None, str | None]) -> Iterator[Mapping[str, str]]:
    stages = [stage for it in several if at[0] in (None, it.key) for stage in it.stages]
    yield from (stage.reasons for stage in sorted(stages, key=lambda stage: stage.key != at[1]))
