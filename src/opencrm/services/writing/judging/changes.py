"""Each change judged by what its principal may do to the record and its fields, before it and after."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from functools import cached_property

from opencrm.core.access.reach import DELEGATED
from opencrm.core.access.rights import Rights
from opencrm.core.change import Change, Kind, Values
from opencrm.core.conditions import Link, Referring, predicate
from opencrm.core.conditions.python import Test
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.errors import InputError, PermissionDenied
from opencrm.services.delegation import judging as delegating
from opencrm.services.writing.block import Block
from opencrm.services.writing.judging.giving import Giving
from opencrm.services.writing.judging.references import astray, named

_ACTION = {
    Kind.CREATED: "create",
    Kind.CHANGED: "update",
    Kind.ASSIGNED: "assign",
    Kind.DELETED: "delete",
    Kind.RESTORED: "restore",
}
_AUTHORS: Mapping[Kind, tuple[str | None, ...]] = {
    Kind.CHANGED: (None, "system"),
    Kind.MOVED: ("move",),
    Kind.ASSIGNED: ("assign",),
}
_STAMPS = frozenset({"updated_at", "version"})
_BIRTHMARKS = frozenset({"id", "created_at", "created_by", "deleted_at"})


def judge(work: Block, changes: Sequence[Change]) -> Mapping[int, str]:
    """Judge every change; return on whose behalf those are made that only standing in for somebody allows.

    Raises:
        PermissionDenied: With the action and the reason.
        InputError: A reference leads to no record that the principal may know of.
    """
    return _Judge(work, changes).judge()


def refusals(work: Block, changes: Sequence[Change]) -> dict[int, InputError | PermissionDenied]:
    """Judge every change by itself; return what is refused, by its place among the changes."""
    found = _Judge(work, changes).each()
    bound = {at: change for at, change in enumerate(changes) if change.entity in DELEGATED and at not in found}
    refused = delegating.refusals(work, list(bound.values()))
    return found | {at: refused[number] for number, at in enumerate(bound) if number in refused}


class _Judge:
    def __init__(self, work: Block, changes: Sequence[Change]) -> None:
        self._work = work
        self._rights: Rights = work.rights
        self._entities = work.configuration.catalogue.entities
        self._changes = changes
        self._batch = {(change.entity, change.id): change.after for change in changes}
        self._tests: dict[tuple[str, str], Test] = {}
        self._inner: dict[int, Test] = {}
        self._open: dict[Spec, frozenset[str]] = {}
        self._known: dict[str, dict[Id, Values]] = {}
        self._giving = Giving(work, changes, self._test)

    def judge(self) -> Mapping[int, str]:
        self._authors()
        for error in self._standing.values():
            raise error
        self._references()
        for at, change in enumerate(self._changes):
            self._one(at, change)
        behalf = {at: self._behalf(change) for at, change in enumerate(self._changes) if self._rights.standing_in}
        return {at: name for at, name in behalf.items() if name is not None}

    def each(self) -> dict[int, InputError | PermissionDenied]:
        found: dict[int, InputError | PermissionDenied] = {**self._standing}
        for step in (self._authors, self._references):
            try:
                step()
            except InputError as error:
                for row, fields in error.rows.items():
                    found.setdefault(row, InputError(fields))
        for at, change in enumerate(self._changes):
            if at not in found:
                try:
                    self._one(at, change)
                except (InputError, PermissionDenied) as error:
                    found[at] = InputError(error.fields) if isinstance(error, InputError) else error
        return found

    def _one(self, at: int, change: Change) -> None:
        if at in self._owners:
            raise self._owners[at]
        if not self._rights.unbound:
            self._acts(change)
            if at in self._units:
                raise self._units[at]
            self._fields(change)

    @cached_property
    def _owners(self) -> Mapping[int, InputError | PermissionDenied]:
        return self._giving.owners()

    @cached_property
    def _units(self) -> Mapping[int, PermissionDenied]:
        return self._giving.units()

    @cached_property
    def _standing(self) -> Mapping[int, PermissionDenied]:
        """What is refused for the record as it stands, whoever is to have it, of what is refused for whom or where."""
        found: dict[int, PermissionDenied] = {}
        for at in sorted({*self._owners, *self._units}):
            change, spec = self._changes[at], self._entities[self._changes[at].entity]
            if change.before is not None and not self._test(spec, "assign")(change.before):
                why = self._why_not(spec, "assign", change.before)
                found[at] = self._rights.denied(f"{spec.name}.assign", why)
        return found

    def _authors(self) -> None:
        """Check that each kind of change sets only its own fields: a stage by moving, an owner by assigning."""
        for at, change in enumerate(self._changes):
            if change.kind is Kind.CREATED:
                continue
            own = self._entities[change.entity].once(_own_fields)[change.kind]
            wrong = {name: ["is not set by this act"] for name in change.fields if name not in own}
            if wrong:
                raise InputError(wrong, rows={at: wrong})

    def _acts(self, change: Change) -> None:
        if change.entity in DELEGATED and not self._rights.owner:
            return  # The rules of delegation judge it.
        spec = self._entities[change.entity]
        for action in _actions(change, self._rights, self._work):
            for state in _states(change):
                if not self._test(spec, action)(state):
                    raise self._rights.denied(f"{spec.name}.{action}", self._why_not(spec, action, state))

    def _why_not(self, spec: Spec, action: str, state: Values) -> str:
        return self._rights.expression(spec, action).verdict(state, self._linked).reason

    def _behalf(self, change: Change) -> str | None:
        spec, actions = self._entities[change.entity], tuple(_actions(change, self._rights, self._work))

        def allows(rights: Rights) -> bool:
            tests = [rights.expression(spec, action).test(self._linked) for action in actions]
            return all(test(state) for test in tests for state in _states(change))

        return self._rights.behalf(allows)

    def _fields(self, change: Change) -> None:
        if change.kind not in (Kind.CREATED, Kind.CHANGED):
            return
        spec = self._entities[change.entity]
        own = set(change.fields) - self._free(spec)
        if change.kind is Kind.CREATED:
            own = {name for name in own if change.after[name] != spec.fields[name].default}
        if not own:
            return
        hidden = own - self._rights.readable(spec)
        if hidden:
            raise InputError({name: [f"is not a field of {spec.name}"] for name in sorted(hidden)})
        closed = own - self._rights.writable(spec)
        if closed:
            reason = f"the fields {', '.join(sorted(closed))} may not be written"
            raise self._rights.denied(f"{spec.name}.update", reason)

    def _free(self, spec: Spec) -> frozenset[str]:
        """Return the fields that need no judgement: those that may be written, and those with acts of their own."""
        found = self._open.get(spec)
        if found is None:
            authored = (name for name, field in spec.fields.items() if field.author is not None)
            found = self._open[spec] = self._rights.writable(spec).union(authored, ("version",))
        return found

    def _test(self, spec: Spec, action: str) -> Test:
        found = self._tests.get((spec.name, action))
        if found is None:
            found = self._tests[spec.name, action] = self._rights.expression(spec, action).test(self._linked)
        return found

    def _linked(self, link: Link | Referring, record: Id) -> bool:
        """Judge a linked record by its state after this batch, where it is a part of it; what refers, as it stands."""
        if isinstance(link, Referring):
            return self._work.linked(link, record)
        spec = self._entities[link.entity]
        state = self._batch.get((spec.name, record)) or self._states(spec).get(record)
        if state is None:
            return self._work.linked(link, record)
        test = self._inner.get(id(link))
        if test is None:
            test = self._inner[id(link)] = predicate(link.item, spec, self._linked)
        return test(state)

    def _states(self, spec: Spec) -> dict[Id, Values]:
        """Read the records of an entity that the changes refer to, once for all of them."""
        if spec.name not in self._known:
            ids = {id for change in self._changes for id in named(self._work, change, spec.name)}
            stored = sorted(id for id in ids if (spec.name, id) not in self._batch)
            self._known[spec.name] = self._work.whole(spec, stored)
        return self._known[spec.name]

    def _references(self) -> None:
        """Check that every reference leads to a record that the principal may know of."""
        wrong = astray(self._work, self._changes, self._batch, owners=self._owners, units=self._units)
        if wrong:
            raise InputError(next(iter(wrong.values())), rows=wrong)


def _own_fields(spec: Spec) -> Mapping[Kind, frozenset[str]]:
    """Return the fields that each kind of change may set; a creation sets any."""
    found = {kind: _STAMPS | _authored(spec, by) for kind, by in _AUTHORS.items()}
    return found | dict.fromkeys((Kind.DELETED, Kind.RESTORED), _STAMPS | {"deleted_at"})


def _authored(spec: Spec, authors: Container[str | None]) -> frozenset[str]:
    return frozenset(name for name, field in spec.fields.items() if field.author in authors) - _BIRTHMARKS


def _states(change: Change) -> tuple[Values, ...]:
    """Return the states in which a record must be within reach: before and after."""
    return (change.after,) if change.before is None else (change.before, change.after)


def _actions(change: Change, rights: Rights, work: Block) -> Iterator[str]:
    if change.kind is not Kind.MOVED:
        yield _ACTION[change.kind]
    after = change.after
    if change.kind is Kind.CREATED and "owner_id" in after:
        at_home = after["owner_id"] in (None, rights.user_id) and after["unit_id"] in (None, rights.home)
        if not at_home:
            yield "assign"
    if change.kind is Kind.MOVED or ("stage" in change.fields and after.get("stage") is not None):
        pipeline = work.configuration.catalogue.pipelines.get(after["pipeline"])
        if change.kind is not Kind.CREATED or (pipeline is not None and pipeline.initial != after["stage"]):
            yield f"move:{after['pipeline']}.{after['stage']}"
