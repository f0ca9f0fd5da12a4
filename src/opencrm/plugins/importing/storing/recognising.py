"""Recognises the records that a chunk's rows stand for, as if each were written before the next is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import attrs

from opencrm.embed import Work, fold
from opencrm.plugins.importing.mapping.maps import OWN
from opencrm.plugins.importing.problems import Fault
from opencrm.plugins.importing.rows.drafts import Draft, RowDraft
from opencrm.plugins.importing.rows.plans import TargetPlan
from opencrm.plugins.importing.storing.finding import keyed, named
from opencrm.plugins.importing.storing.outcomes import Culprits, Group

_Held: TypeAlias = tuple[str, Any]
"""A field, and the key by which its value is compared."""


def drafts_of(rows: Sequence[RowDraft], target: TargetPlan) -> Iterator[tuple[int, Draft]]:
    """Give the rows that have a target, by their position, with its draft."""
    for at, row in enumerate(rows):
        draft = row.drafts[target.at]
        if draft is not None:
            yield at, draft


@attrs.define
class Recognition:
    """What is known of one target's records while a chunk's rows are gone through.

    Args:
        work: The work block.
        target: The target.
        rows: The chunk's rows.
        final: Whether only references are brought up to date, in the second pass.
    """

    work: Work
    target: TargetPlan
    rows: Sequence[RowDraft]
    final: bool
    _ids: dict[str, str] = attrs.field(factory=dict, init=False)
    _keyed: dict[str, Group] = attrs.field(factory=dict, init=False)
    _standing: dict[str, Group] = attrs.field(factory=dict, init=False)
    _found: dict[_Held, list[str]] = attrs.field(factory=dict, init=False)
    _held: dict[_Held, dict[Group, None]] = attrs.field(factory=dict, init=False)

    def run(self) -> list[Group]:
        """Return the records, with the ids of those that are there.

        Raises:
            Culprits: Some rows mean no record, or more than one.
        """
        own = list(drafts_of(self.rows, self.target))
        keys = [draft.key for _, draft in own if draft.key is not None]
        self._ids = self._by_key(keys) if keys else {}
        self._look_up([draft for _, draft in own if draft.key not in self._ids])
        groups: dict[Group, None] = {}
        faults: dict[int, Fault] = {}
        for at, draft in own:
            group = self._group(draft)
            if isinstance(group, Fault):
                faults[self.rows[at].line] = group
            else:
                self._join(group, at, draft)
                groups[group] = None
        if faults:
            raise Culprits(faults)
        return list(groups)

    def _by_key(self, keys: Sequence[str]) -> dict[str, str]:
        spec = self.target.spec
        if self.target.system != OWN:
            return keyed(self.work, self.target.system, spec.name, list(dict.fromkeys(keys)))
        found = {key: ids[0] for key, ids in named(self.work, spec, "id", keys).items() if ids}
        text = f"there is no {spec.name} with this id that you may read"
        fault = Fault(self.target.column("refs"), "no_such_record", text)
        own = drafts_of(self.rows, self.target)
        missing = {self.rows[at].line: fault for at, draft in own if draft.key not in found}
        if missing:
            raise Culprits(missing)
        return found

    def _look_up(self, drafts: Sequence[Draft]) -> None:
        """Find the records that stand already, a field after the other: those found by one need not be by the next."""
        for name in self.target.target.match:
            self._find(name, [value for draft in drafts if (value := _value(draft, name)) is not None])
            drafts = [draft for draft in drafts if not self._found.get(self._key(name, _value(draft, name)))]

    def _find(self, name: str, values: Sequence[Any]) -> None:
        found = named(self.work, self.target.spec, name, list(dict.fromkeys(values)))
        self._found |= {self._key(name, value): found.get(value, []) for value in values}

    def _group(self, draft: Draft) -> Group | Fault:
        """Return the record that a row stands for, a new one where there is none; or why it cannot be told."""
        if draft.key in self._keyed:
            return self._keyed[draft.key]
        if draft.key in self._ids:
            return self._record(self._ids[draft.key], draft)
        for name in self.target.target.match:
            value = _value(draft, name)
            holders = self._holders(name, value, draft) if value is not None else []
            if len(holders) > 1:
                text = f"more than one {self.target.spec.name} has this {name}"
                return Fault(self.target.column(name), "ambiguous_reference", text)
            if holders:
                return holders[0]
        return Group([], draft)

    def _record(self, id: str, draft: Draft) -> Group:
        return self._standing.setdefault(id, Group([], draft, id))

    def _holders(self, name: str, value: Any, draft: Draft) -> list[Group]:
        """Return the records that hold a value once the rows so far are written."""
        key = self._key(name, value)
        if key not in self._found:
            self._find(name, [value])
        standing = (self._record(id, draft) for id in self._found[key])
        untouched = [group for group in standing if not (group.rows and self._writes(group))]
        return [*self._held.get(key, ()), *untouched]

    def _join(self, group: Group, at: int, draft: Draft) -> None:
        if not group.rows or self.target.target.existing == "update":
            group.draft = draft
        group.rows.append(at)
        if draft.key is not None:
            self._keyed[draft.key] = group
            if draft.key not in self._ids:
                group.new_keys.append(draft.key)
        if self._writes(group):
            self._hold(group)

    def _writes(self, group: Group) -> bool:
        """Say whether a record takes its rows' values."""
        return group.id is None or (self.target.target.existing == "update" and not self.final)

    def _hold(self, group: Group) -> None:
        """Remember what a record holds now."""
        for key in group.held:
            self._held[key].pop(group, None)
        values = ((name, _value(group.draft, name)) for name in self.target.target.match)
        group.held = tuple(self._key(name, value) for name, value in values if value is not None)
        for key in group.held:
            self._held.setdefault(key, {})[group] = None

    def _key(self, name: str, value: Any) -> _Held:
        folded = self.target.spec.fields[name].folded and isinstance(value, str)
        return (name, fold(value) if folded else value)


def _value(draft: Draft, name: str) -> Any:
    assert draft.loaded is not None
    return draft.loaded[name]
