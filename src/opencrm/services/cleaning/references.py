"""References that follow a merge: every one of every entity, whoever may see it, deleted records included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import attrs
from sqlalchemy import bindparam, select

from opencrm.core.change import Change, Kind, Values
from opencrm.core.columns import IdColumn, key_column
from opencrm.core.entity import Spec
from opencrm.core.values import Id, fold
from opencrm.services.writing.block import Block

_AT_ONCE = 500
_CONSENT = ("unknown", "given", "withdrawn")
_KNOWN_BY = {"contact_point": ("kind", "key")}
"""By which fields two parts of one record are the same, where its declaration does not say so."""

Identity: TypeAlias = Callable[[Values], tuple[Any, ...]]


@attrs.frozen
class Referrer:
    """The fields of one entity that may refer to records of another.

    Attributes:
        spec: The entity that refers.
        fields: Its reference fields; `record_id` stands for a record of the entity that the record names.
    """

    spec: Spec
    fields: tuple[str, ...]

    @property
    def part_field(self) -> str | None:
        """The field by which its records are parts of those that they refer to."""
        return next((name for name in self.fields if name in self.spec.options.part_of), None)


def referrers(entities: Mapping[str, Spec], target: Spec) -> Iterator[Referrer]:
    """Give what may refer to records of an entity, custom fields and plugins' entities included."""
    for spec in entities.values():
        fields = [name for name, to in spec.references().items() if to == target.name]
        if spec.of_any:
            fields.append("record_id")
        if fields:
            yield Referrer(spec, tuple(fields))


def referring(work: Block, by: Referrer, target: Spec, ids: Iterable[Id]) -> list[Id]:
    """Return the ids of the records that refer to some records, oldest first."""
    wanted, table, found = list(ids), by.spec.table, set[Id]()
    given = {f"i{at}": id for at, id in enumerate(wanted)} | {"target": target.name}
    for field in by.fields:

        def build(field: str = field) -> Any:
            mine = by.spec.column(field).in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(len(wanted))])
            chosen = select(table.c.id).where(mine)
            same = table.c.entity == bindparam("target", type_=key_column(100)) if field == "record_id" else None
            return chosen if same is None else chosen.where(same)

        rows = work.tx.select(("referring", by.spec.name, field, len(wanted)), build, given)
        found.update(row[0] for row in rows)
    return sorted(found)


def following(work: Block, by: Referrer, target: Spec, keep: Id, others: Sequence[Id]) -> Iterator[list[Change]]:
    """Give the changes that let references follow, some hundred at a time; parts that both had collapse."""
    ids = [id for id in referring(work, by, target, others) if by.spec is not target or id not in others]
    if by.part_field is not None:
        changes = _Parts(work, by, target, keep, others).follow(ids)
        yield from (changes[start : start + _AT_ONCE] for start in range(0, len(changes), _AT_ONCE))
        return
    for start in range(0, len(ids), _AT_ONCE):
        states = work.states(by.spec, ids[start : start + _AT_ONCE], deleted=None)
        yield [_changed(work, by.spec, state, _pointed(by, target, state, keep, others)) for state in states.values()]


def _pointed(by: Referrer, target: Spec, state: Values, keep: Id, others: Sequence[Id]) -> dict[str, Any]:
    """Return a state with its references on the kept record; one that would refer to itself refers to nothing."""
    fields = [name for name in by.fields if name != "record_id" or state["entity"] == target.name]
    new = None if by.spec is target and state["id"] == keep else keep
    return {**state, **{name: new for name in fields if state[name] in others}}


def _changed(work: Block, spec: Spec, before: Values, after: Values) -> Change:
    return Change(spec.name, before["id"], Kind.CHANGED, before, {**after, "updated_at": work.now})


class _Parts:
    """The parts of merged records: they go over, but those that the kept record has already."""

    def __init__(self, work: Block, by: Referrer, target: Spec, keep: Id, others: Sequence[Id]) -> None:
        self._work = work
        self._by = by
        self._target = target
        self._keep = keep
        self._others = others
        self._field = by.part_field or ""
        self._identity = _identity(by.spec, self._field)
        self._before: dict[Id, Values] = {}
        self._after: dict[Id, dict[str, Any]] = {}
        self._gone: list[Change] = []

    def follow(self, ids: Sequence[Id]) -> list[Change]:
        """Return the changes; of the parts of one record none collapse with each other."""
        kept = self._read(referring(self._work, self._by, self._target, [self._keep]))
        standing = self._by_identity(state for state in kept if self._of(state, self._keep))
        several = self._read(ids)
        for other in self._others:
            mine = [state for state in several if self._of(state, other)]
            self._take_over(mine, standing)
            for identity, more in self._by_identity(it for it in mine if it["id"] in self._after).items():
                standing.setdefault(identity, []).extend(more)
        dealt_with = {*self._after, *(change.id for change in self._gone)}
        self._after |= {state["id"]: self._over(state) for state in several if state["id"] not in dealt_with}
        return [
            *self._gone,
            *(_changed(self._work, self._by.spec, self._before[id], it) for id, it in self._after.items()),
        ]

    def _over(self, state: Values) -> dict[str, Any]:
        return _pointed(self._by, self._target, state, self._keep, self._others)

    def _read(self, ids: Sequence[Id]) -> list[Values]:
        states = self._work.states(self._by.spec, ids, deleted=None)
        self._before.update(states)
        return list(states.values())

    def _of(self, state: Values, whole: Id) -> bool:
        return state[self._field] == whole and state["deleted_at"] is None

    def _by_identity(self, states: Iterable[Values]) -> dict[tuple[Any, ...], list[Id]]:
        found: dict[tuple[Any, ...], list[Id]] = {}
        for state in states:
            found.setdefault(self._identity(state), []).append(state["id"])
        return found

    def _take_over(self, mine: Iterable[Values], standing: Mapping[tuple[Any, ...], Sequence[Id]]) -> None:
        met: Counter[tuple[Any, ...]] = Counter()
        for state in mine:
            identity = self._identity(state)
            same = standing.get(identity, ())
            if met[identity] < len(same):
                self._collapse(state, same[met[identity]])
                met[identity] += 1
            else:
                self._after[state["id"]] = self._over(state)

    def _collapse(self, state: Values, into: Id) -> None:
        """Let a part be one with another; an opt-out survives."""
        after = {**state, "deleted_at": self._work.now, "updated_at": self._work.now}
        self._gone.append(Change(self._by.spec.name, state["id"], Kind.DELETED, state, after))
        other = self._after.get(into, dict(self._before[into]))
        if "consent" in state and _CONSENT.index(state["consent"]) > _CONSENT.index(other["consent"]):
            self._after[into] = {**other, "consent": state["consent"]}


def _identity(spec: Spec, field: str) -> Identity:
    """Return what tells two parts of one record from each other."""
    unique = next((group for group in spec.options.unique if field in group), None)
    names = _KNOWN_BY.get(spec.name) or unique or [name for name, it in spec.fields.items() if it.settable]
    compared = [name for name in names if name not in (field, "entity")]
    return lambda state: tuple(_key(spec, name, state[name]) for name in compared)


def _key(spec: Spec, name: str, value: Any) -> Any:
    if isinstance(value, list | dict):
        return repr(value)
    return fold(value) if spec.fields[name].folded and value is not None else value
