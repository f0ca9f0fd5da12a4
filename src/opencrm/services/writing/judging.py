"""Access, as a step of the write path: may this principal do this to these records and fields, before and after?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, literal_column, select, union_all

from opencrm.core.access.reach import DELEGATED
from opencrm.core.access.rights import Rights
from opencrm.core.change import Change, Kind, Values
from opencrm.core.columns import IdColumn
from opencrm.core.conditions import Link, Referring, clause, predicate, shape, values
from opencrm.core.conditions.python import Test
from opencrm.core.conditions.sql import parameter_names
from opencrm.core.entities import Membership, User
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.errors import InputError, PermissionDenied
from opencrm.services.delegation import judging as delegating
from opencrm.services.writing.block import Block
from opencrm.storage.statements import padded

_ACTION = {
    Kind.CREATED: "create",
    Kind.CHANGED: "update",
    Kind.ASSIGNED: "assign",
    Kind.DELETED: "delete",
    Kind.RESTORED: "restore",
}
_CHUNK = 500
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

    def judge(self) -> Mapping[int, str]:
        self._authors()
        self._references()
        self._owners()
        for change in self._changes:
            self._one(change)
        behalf = {at: self._behalf(change) for at, change in enumerate(self._changes) if self._rights.standing_in}
        return {at: name for at, name in behalf.items() if name is not None}

    def each(self) -> dict[int, InputError | PermissionDenied]:
        found: dict[int, InputError | PermissionDenied] = {}
        for step in (self._authors, self._references):
            try:
                step()
            except InputError as error:
                for row, fields in error.rows.items():
                    found.setdefault(row, InputError(fields))
        places = self._places()
        for at, change in enumerate(self._changes):
            if at not in found:
                try:
                    self._owner(at, change, places)
                    self._one(change)
                except (InputError, PermissionDenied) as error:
                    found[at] = InputError(error.fields) if isinstance(error, InputError) else error
        return found

    def _one(self, change: Change) -> None:
        if not self._rights.unbound:
            self._acts(change)
            self._unit(change)
            self._fields(change)

    def _authors(self) -> None:
        """Check that each kind of change sets only its own fields: a stage by moving, an owner by assigning."""
        for at, change in enumerate(self._changes):
            own = _own_fields(self._entities[change.entity], change.kind)
            foreign = [name for name in change.fields if own is not None and name not in own]
            wrong = {name: ["is not set by this act"] for name in foreign}
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

    def _unit(self, change: Change) -> None:
        """Check that a record is put only into a unit that the principal's `assign` reaches; one's home needs none."""
        if "unit_id" not in change.fields or "owner_id" not in change.after:
            return
        unit, spec = change.after["unit_id"], self._entities[change.entity]
        if unit is None or (change.kind is Kind.CREATED and unit == self._rights.home):
            return
        reached = self._rights.units(spec, "assign")
        if reached is not None and unit not in reached:
            raise self._rights.denied(f"{spec.name}.assign", "the unit is out of reach")

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
            named = {id for change in self._changes for id in _referred(self._work, change, spec.name)}
            self._known[spec.name] = self._work.whole(
                spec, sorted(id for id in named if (spec.name, id) not in self._batch)
            )
        return self._known[spec.name]

    def _owners(self) -> None:
        """Check that records are given only to people whom the principal may give them to."""
        places = self._places()
        for at, change in enumerate(self._changes):
            self._owner(at, change, places)

    def _places(self) -> Mapping[Id, Mapping[str, Any]]:
        """Return the places of the people whom the changes give records to, other than the principal."""
        named = {
            change.after["owner_id"]
            for change in self._changes
            if "owner_id" in change.fields and change.after["owner_id"] not in (None, self._rights.user_id)
        }
        return places_of(self._work, named) if named else {}

    def _owner(self, at: int, change: Change, places: Mapping[Id, Mapping[str, Any]]) -> None:
        owner = change.after.get("owner_id") if "owner_id" in change.fields else None
        if owner is None or owner not in places:
            return
        if not places[owner]["active"]:
            wrong = {"owner_id": ["is not an active user"]}
            raise InputError(wrong, rows={at: wrong})
        if not self._rights.owner:
            self._within_reach(change, owner, places[owner]["units"])

    def _within_reach(self, change: Change, owner: Id, units: Iterable[Id]) -> None:
        spec = self._entities[change.entity]
        test = self._test(spec, "assign")
        if not any(test({**change.after, "owner_id": owner, "created_by": None, "unit_id": unit}) for unit in units):
            raise self._rights.denied(f"{spec.name}.assign", "the new owner is out of reach")

    def _references(self) -> None:
        """Check that every reference leads to a record that the principal may know of, some hundreds at a time."""
        links = [
            (at, *link)
            for at, change in enumerate(self._changes)
            for link in _links(self._work, change)
            if link[1:] not in self._batch
        ]
        wanted = _wanted(self._work, links)
        found: dict[str, set[Id]] = {}
        for part in _in_parts(wanted):
            for target, ids in _readable_ids(self._work, part).items():
                found.setdefault(target, set()).update(ids)
        wrong: dict[int, dict[str, list[str]]] = {}
        for at, name, target, id in links:
            if id not in found.get(target, ()):
                wrong.setdefault(at, {})[name] = ["refers to no record that you may read"]
        if wrong:
            raise InputError(next(iter(wrong.values())), rows=wrong)


@lru_cache(maxsize=1000)
def _own_fields(spec: Spec, kind: Kind) -> frozenset[str] | None:
    """Return the fields that a kind of change may set; None for all, at a creation."""
    if kind is Kind.CREATED:
        return None
    if kind in (Kind.DELETED, Kind.RESTORED):
        return _STAMPS | {"deleted_at"}
    authors = {Kind.CHANGED: (None, "system"), Kind.MOVED: ("move",), Kind.ASSIGNED: ("assign",)}[kind]
    return _STAMPS | {name for name, field in spec.fields.items() if field.author in authors} - _BIRTHMARKS


def places_of(work: Block, users: Iterable[Id]) -> dict[Id, dict[str, Any]]:
    """Return of each user whether they are active and the units of their valid memberships, the primary one first."""
    ids = padded(sorted(users))
    user, seat = User.__table__, Membership.__table__

    def build() -> Any:
        chosen = user.c.id.in_([bindparam(f"i{at}", type_=IdColumn()) for at in range(len(ids))])
        joined = user.outerjoin(seat, (seat.c.user_id == user.c.id) & seat.c.deleted_at.is_(None))
        columns = [
            seat.c[name] for name in ("id", "unit_id", "role_id", "is_head", "is_primary", "valid_from", "valid_to")
        ]
        return (
            select(user.c.id.label("user_id"), user.c.active, *columns)
            .select_from(joined)
            .where(chosen, user.c.deleted_at.is_(None))
        )

    found: dict[Id, dict[str, Any]] = {id: {"active": False, "units": []} for id in ids}
    rows = work.tx.query(("places", len(ids)), build, {f"i{at}": id for at, id in enumerate(ids)})
    for row in sorted(rows, key=lambda row: (not row["is_primary"], row["id"] or "")):
        found[row["user_id"]]["active"] = row["active"]
        found[row["user_id"]]["units"] += (
            [seat.unit_id for seat in work.rights.organisation.seats([row], work.now)] if row["id"] else []
        )
    return found


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


def _links(work: Block, change: Change) -> Iterator[tuple[str, str, Id]]:
    """Give the references that a change sets: field, entity, id; of a task that opens again, all that it names."""
    spec = work.configuration.catalogue.entities[change.entity]
    after, fields = change.after, change.after.keys() if _opens_again(spec, change) else change.fields
    for name, target in spec.references().items():
        id = after[name]
        if id is None or name == "owner_id" or name not in fields:
            continue
        if name != "unit_id" or id not in work.rights.organisation.parents:
            yield name, target, id
    if spec.of_any and "record_id" in fields and after["record_id"] is not None:
        yield "record_id", after["entity"], after["record_id"]


def _opens_again(spec: Spec, change: Change) -> bool:
    """Say whether a change lets the owner of a record read what it names, as a task does that is opened anew."""
    if spec.options.participation is None or change.before is None:
        return False
    is_open = predicate(spec.options.participation, spec, _no_link)
    was = change.before["deleted_at"] is None and is_open(change.before)
    return not was and change.after["deleted_at"] is None and is_open(change.after)


def _no_link(_link: Link | Referring, _record: Id) -> bool:
    return False


def _referred(work: Block, change: Change, target: str) -> Iterator[Id]:
    """Give the ids of one entity's records that a change's record refers to."""
    spec = work.configuration.catalogue.entities[change.entity]
    for name, entity in spec.references().items():
        if entity == target and change.after[name] is not None:
            yield change.after[name]
    if spec.of_any and change.after["entity"] == target and change.after["record_id"] is not None:
        yield change.after["record_id"]


def _wanted(work: Block, links: Iterable[tuple[int, str, str, Id]]) -> dict[str, list[Id]]:
    wanted: dict[str, dict[Id, None]] = {}
    for _, _, target, id in links:
        wanted.setdefault(target, {})[id] = None
    return {
        target: sorted(ids) for target, ids in sorted(wanted.items()) if target in work.configuration.catalogue.entities
    }


def _in_parts(wanted: Mapping[str, list[Id]]) -> Iterator[Mapping[str, list[Id]]]:
    """Give what is wanted at once where it is little, else in parts: databases bound a statement's parameters."""
    if sum(map(len, wanted.values())) <= _CHUNK:
        yield from [wanted] if wanted else ()
        return
    for target, ids in wanted.items():
        yield from ({target: ids[start : start + _CHUNK]} for start in range(0, len(ids), _CHUNK))


def _readable_ids(work: Block, wanted: Mapping[str, list[Id]]) -> dict[str, set[Id]]:
    """Return which of the ids lead to living, readable records, in one statement."""
    entities = work.configuration.catalogue.entities
    wanted = {target: padded(ids) for target, ids in wanted.items()}
    scopes = {target: work.rights.expression(entities[target], "read").condition for target in wanted}
    asked = tuple((target, len(ids), shape(scopes[target])) for target, ids in wanted.items())

    def build() -> Any:
        parts, names = [], parameter_names("p")
        for target, ids in wanted.items():
            table = entities[target].table
            chosen = table.c.id.in_([bindparam(next(names), type_=IdColumn()) for _ in ids])
            parts.append(
                select(literal_column(f"'{target}'").label("entity"), table.c.id).where(
                    chosen,
                    table.c.deleted_at.is_(None),
                    clause(scopes[target], entities[target], entities, names),
                )
            )
        return union_all(*parts) if len(parts) > 1 else parts[0]

    given = [value for target, ids in wanted.items() for value in (*ids, *values(scopes[target]))]
    found: dict[str, set[Id]] = {}
    for row in work.tx.query(("readable ids", asked), build, {f"p{at}": value for at, value in enumerate(given)}):
        found.setdefault(row["entity"], set()).add(row["id"])
    return found
