"""Brings the fields of records that stand already up to date, each by the act that it is changed by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from opencrm import Assign, History, Move, Update, assigning, pipelines, records
from opencrm.embed import Work
from opencrm.plugins.importing.rows.plans import Item, TargetPlan
from opencrm.plugins.importing.storing.outcomes import Group

States = Mapping[str, Mapping[str, Any]]


def update_fields(
    work: Work, target: TargetPlan, groups: Sequence[Group], states: States, *, links_only: bool
) -> set[str]:
    """Change the fields that rows say otherwise.

    Args:
        work: The work block.
        target: The target that has the fields.
        groups: The rows, by record.
        states: The records as they are.
        links_only: Whether references alone are brought up to date.

    Returns:
        The ids of the records that changed.
    """
    items = [item for item in target.items if item.link is not None or not links_only]
    acts = _Acts(work, target)
    for group in groups:
        assert group.id is not None
        new = _differences(work, target, items, group, states[group.id])
        acts.add(group.id, new, states[group.id], group.draft.history)
    acts.run()
    return acts.changed


def _differences(
    work: Work, target: TargetPlan, items: Sequence[Item], group: Group, state: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the row says otherwise; a field that may not be read counts as different, and is refused.

    A blank owner or stage says nothing: a record cannot be without.
    """
    readable, fields = work.rights.readable(target.spec), target.spec.fields
    said = {item.name: group.loaded[item.name] for item in items}
    return {
        name: value
        for name, value in said.items()
        if (name not in readable or value != state[name]) and (value is not None or fields[name].author is None)
    }


@attrs.define
class _Acts:
    """What is to be done to the records of one target."""

    work: Work
    target: TargetPlan
    changed: set[str] = attrs.field(factory=set)
    _updates: list[Update[Any]] = attrs.field(factory=list)
    _assigns: list[Assign[Any]] = attrs.field(factory=list)
    _moves: list[Move[Any]] = attrs.field(factory=list)

    def add(self, id: str, new: Mapping[str, Any], state: Mapping[str, Any], history: History | None) -> None:
        """Add what changes about a record."""
        spec = self.target.spec
        plain = {name: value for name, value in new.items() if spec.fields[name].author is None}
        if plain:
            self._updates.append(Update(spec, id, values=plain))
        if "owner_id" in new or "unit_id" in new:
            self._assigns.append(Assign(spec, id, owner=new.get("owner_id"), unit=new.get("unit_id")))
        if "pipeline" in new or "stage" in new:
            stage = _stage(new, state)
            self._moves.append(Move(spec, id, to=stage, at=_moved_at(history, stage)))
        if new:
            self.changed.add(id)

    def run(self) -> None:
        """Do it: one batch of each act."""
        if self._updates:
            records.update(self.work, self._updates)
        if self._assigns:
            assigning.assign(self.work, self._assigns)
        if self._moves:
            pipelines.move(self.work, self._moves)


def _moved_at(history: History | None, stage: str) -> datetime | None:
    """Return when the row says that its record came into the stage; None if it does not."""
    last = history.moves[-1] if history is not None and history.moves else None
    return last[1] if last is not None and last[0] == stage.rpartition(".")[2] else None


def _stage(new: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    pipeline, stage = new.get("pipeline"), new.get("stage") or state["stage"]
    return f"{pipeline}.{stage}" if pipeline else str(stage)
