"""Rules, as a step of the write path: the entity's, the pipeline's, and what plugins say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import attrs

from opencrm.core.change import Change, Objection, Values
from opencrm.core.entity import Entity, Spec
from opencrm.core.pipeline.moves import move_rule, unknown_reason
from opencrm.core.pipeline.reasons import REASON
from opencrm.core.process.states import state_rule
from opencrm.core.values import Id
from opencrm.errors import InputError, InvalidMove, Objected
from opencrm.services.process.entering import limiting
from opencrm.services.process.entering.asking import check_requirements
from opencrm.services.process.entering.vanishing import enters
from opencrm.services.writing.block import Block
from opencrm.services.writing.own_tables import PluginTables


class WorkDoor:
    """What a plugin's hook may ask inside a transaction; see `core.ports.Door`."""

    def __init__(self, work: Block, plugin: str, *, writes: bool = False) -> None:
        self._work = work
        self._plugin = plugin
        self._writes = writes

    @property
    def now(self) -> datetime:
        """The instant of the act."""
        return self._work.now

    @property
    def principal(self) -> str:
        """Who acts."""
        return self._work.rights.name

    @property
    def own(self) -> PluginTables:
        """The plugin's own tables."""
        allowed = self._work.configuration.hooks.tables(self._plugin)
        return PluginTables(self._work.tx, self._plugin, allowed, writes=self._writes)

    @property
    def intranet(self) -> frozenset[str]:
        """The hosts that outgoing calls may reach though they are no public ones."""
        return self._work.workspace.intranet

    @property
    def entities(self) -> Mapping[str, Spec]:
        """The declarations of all entities, by name."""
        return self._work.configuration.catalogue.entities

    def readable(self, spec: Spec) -> frozenset[str]:
        """Return the fields of an entity that the principal may read; another one does not exist for them."""
        return self._work.rights.readable(spec)

    def get(self, entity: type[Entity], ids: Iterable[Id]) -> Mapping[Id, Values]:
        """Return the readable fields of those of the records that the principal may read."""
        spec = self._work.entity(entity)
        names = self._work.rights.readable(spec)
        states = self._work.states(spec, list(ids))
        return {id: {name: state[name] for name in names} for id, state in states.items()}


def check(work: Block, changes: Sequence[Change], past: Collection[Id], *, undo: bool) -> None:
    """Ask every rule; the records in `past` come with a history that is not judged again.

    Raises:
        InvalidMove: The pipeline has no such move.
        RequirementMissing: A stage asks for something that is missing.
        Objected: A rule or a plugin objects.
    """
    entailed = work.entailed  # Where a definition takes stages away, or brings them back, no graph is asked.
    if not (undo and entailed):
        _check_stages(work, changes)
    found = list(_by_rules(work, changes, undo=undo or entailed))
    if found:
        raise _refusal(found, changes)
    if not (undo or entailed):
        _check_reasons(work, changes)
        check_requirements(work, changes, past)
    judged = [change for change in changes if change.id not in past]
    hooks, door = work.configuration.hooks, partial(WorkDoor, work)
    full = [] if undo or entailed else limiting.objections(work, changes, past)
    objections = [*hooks.check_change(changes, door), *hooks.check_move(judged, door), *full]
    if objections:
        raise _refusal(objections, changes)


def _by_rules(work: Block, changes: Sequence[Change], *, undo: bool) -> Iterator[Objection]:
    pipelines, entities = work.configuration.catalogue.pipelines, work.configuration.catalogue.entities
    for change in changes:
        for rule in entities[change.entity].options.rules:
            yield from rule(change)
        if not undo:
            yield from move_rule(pipelines, change)
            yield from state_rule(change)


def _check_stages(work: Block, changes: Sequence[Change]) -> None:
    """Refuse a stage that its pipeline does not have, and a pipeline that is another entity's."""
    pipelines = work.configuration.catalogue.pipelines
    for at, change in enumerate(changes):
        if not enters(change):
            continue
        pipeline = pipelines.get(change.after["pipeline"] or "")
        if pipeline is None or pipeline.entity != change.entity:
            raise _wrong(at, "pipeline", f"{change.entity} has no pipeline {change.after['pipeline']!r}")
        if pipeline.stage(change.after["stage"]) is None:
            raise _wrong(at, "stage", f"pipeline {pipeline.key!r} has no stage {change.after['stage']!r}")


def _check_reasons(work: Block, changes: Sequence[Change]) -> None:
    """Refuse a reason for losing that is not one of those of the stage where the record stands."""
    pipelines = work.configuration.catalogue.pipelines
    for at, change in enumerate(changes):
        wrong = unknown_reason(pipelines, change)
        if wrong is not None:
            raise _wrong(at, REASON, wrong)


def _wrong(at: int, field: str, text: str) -> InputError:
    return InputError({field: [text]}, rows={at: {field: [text]}})


def _refusal(objections: Sequence[Objection], changes: Sequence[Change]) -> Objected | InvalidMove:
    rows = {change.id: at for at, change in enumerate(changes)}
    told: list[dict[str, Any]] = [attrs.asdict(each) | {"row": rows.get(each.record)} for each in objections]
    text = "; ".join(dict.fromkeys(each.text for each in objections))
    if all(each.code == InvalidMove.code for each in objections):
        return InvalidMove(text, objections=told)
    return Objected(text, objections=told)
