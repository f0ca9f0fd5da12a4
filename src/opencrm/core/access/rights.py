"""What one principal may do at one moment: expressions over records, and sets of fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property

import attrs

from opencrm.core.access.grants import Grant, Scope
from opencrm.core.access.organisation import Organisation, RoleGrants, Seat
from opencrm.core.access.principal import Principal
from opencrm.core.change import Values
from opencrm.core.conditions import (
    FALSE,
    TRUE,
    All,
    Asker,
    Condition,
    Empty,
    Equal,
    In,
    Link,
    Linked,
    Not,
    all_of,
    any_of,
    bind,
    predicate,
)
from opencrm.core.entity import Entity, Spec
from opencrm.core.locale import Locale
from opencrm.core.stamps import STAMP
from opencrm.core.values import Id
from opencrm.errors import InputError, PermissionDenied

_PART_ACTIONS = {"read": "read", "export": "export"}
_OWN_ACTIONS = frozenset({"create", "read", "update", "delete", "restore", "export"})


@attrs.frozen
class Verdict:
    """An answer about one record, and why."""

    allowed: bool
    reason: str


@attrs.frozen
class Arm:
    """One way in which records come within reach: a condition, and the reason to tell."""

    condition: Condition
    reason: str


@attrs.define(slots=False, eq=False)
class Expression:
    """Which records of an entity an act may touch: the same answer for a list and for one record.

    Attributes:
        spec: The entity.
        action: The act.
        arms: The ways in which a record comes within reach; one suffices.
    """

    spec: Spec
    action: str
    arms: tuple[Arm, ...]

    @cached_property
    def condition(self) -> Condition:
        """The whole expression as one condition."""
        return any_of(arm.condition for arm in self.arms)

    @property
    def everything(self) -> bool:
        """Whether it holds for every record."""
        return self.condition == TRUE

    @property
    def nothing(self) -> bool:
        """Whether it holds for no record."""
        return self.condition == FALSE

    def test(self, linked: Linked) -> Callable[[Values], bool]:
        """Return the expression as a function of a record's state."""
        return predicate(self.condition, self.spec, linked)

    def verdict(self, row: Values, linked: Linked) -> Verdict:
        """Judge one record, and say why."""
        for arm in self.arms:
            if predicate(arm.condition, self.spec, linked)(row):
                return Verdict(True, arm.reason)
        return Verdict(False, f"no grant of {self.spec.name}.{self.action} reaches the record")


@attrs.define(slots=False, eq=False)
class Rights:
    """A principal with the seats that it holds now.

    Attributes:
        principal: Whoever acts.
        name: How the journal names it.
        user_id: The person behind it, if there is one.
        seats: The valid memberships.
        organisation: The tree and the roles.
        entities: Every entity of the workspace by name.
        grants: What is granted without a seat: to an automation, or to the system.
        locale: The workspace's habits, for conditions within grants.
        zone: IANA name of the zone in which the principal's days begin.
        now: The instant, where what is granted depends on it.
    """

    principal: Principal
    name: str
    user_id: Id | None
    seats: tuple[Seat, ...]
    organisation: Organisation
    entities: Mapping[str, Spec]
    grants: tuple[Grant, ...]
    locale: Locale
    zone: str
    now: datetime | None = None

    def __attrs_post_init__(self) -> None:
        self._expressions: dict[tuple[str, str], Expression] = {}
        self._seen: dict[str, Spec] = {}
        self._readable: dict[str, frozenset[str]] = {}
        self._writable: dict[str, frozenset[str]] = {}

    @cached_property
    def owner(self) -> bool:
        """Whether everything is allowed: to an owner, and to the system."""
        return any(seat.role.owner for seat in self.seats) or self.principal.kind == "system"

    @cached_property
    def home(self) -> Id | None:
        """The unit of the primary membership, else of the first."""
        best = sorted(self.seats, key=lambda seat: (not seat.is_primary, seat.id))
        return best[0].unit_id if best else None

    @cached_property
    def own_units(self) -> tuple[Id, ...]:
        """The units of the seats, and all below them."""
        return tuple(sorted({unit for seat in self.seats for unit in self.organisation.subtree(seat.unit_id)}))

    def denied(self, action: str, reason: str) -> PermissionDenied:
        """Return the refusal of an act, such as `"deal.update"`, to be raised."""
        text = f"{self.name} may not do this: {action} ({reason})"
        return PermissionDenied(text, principal=self.name, action=action, reason=reason)

    def asker(self, now: datetime) -> Asker:
        """Return whom the conditions that the principal writes are bound for."""
        return Asker(
            now=now,
            zone=self.zone,
            name=self.name,
            user_id=self.user_id,
            units=self.own_units,
            entities=self.entities,
            readable=self.compared,
            scope=lambda spec: self.expression(spec, "read").condition,
        )

    def expression(self, entity: Spec | type[Entity], action: str) -> Expression:
        """Return which records of an entity an act may touch."""
        spec = entity if isinstance(entity, Spec) else self.entities[entity.spec.name]
        found = self._expressions.get((spec.name, action))
        if found is None:
            found = self._expressions[spec.name, action] = Expression(spec, action, tuple(self._arms(spec, action)))
        return found

    def seen(self, spec: Spec) -> Spec:
        """Return an entity's declaration as lists read it: `updated_at` tells nothing of what may not be read."""
        found = self._seen.get(spec.name)
        if found is None:
            found = self._seen[spec.name] = spec.seen_by(self.readable(spec))
        return found

    def compared(self, spec: Spec) -> frozenset[str]:
        """Return the fields of a linked record that conditions may look at: those that may be read."""
        readable = self.readable(spec)
        return readable if readable.issuperset(spec.fields) else readable - {STAMP}

    def readable(self, spec: Spec) -> frozenset[str]:
        """Return the fields of an entity that may be read; another one does not exist for the principal."""
        found = self._readable.get(spec.name)
        if found is None:
            found = self._readable[spec.name] = frozenset(self._open(spec, spec.fields, "read"))
        return found

    def writable(self, spec: Spec) -> frozenset[str]:
        """Return the fields of an entity that may be written."""
        found = self._writable.get(spec.name)
        if found is None:
            found = self._writable[spec.name] = frozenset(self._open(spec, self.readable(spec), "write"))
        return found

    def units(self, spec: Spec, action: str) -> frozenset[Id] | None:
        """Return the units that an act reaches, as its seats see them; None for all."""
        if self.owner:
            return None
        found: set[Id] = set()
        for seat, grant in self._granted(spec, action):
            if grant.scope is Scope.ALL:
                return None
            if seat is not None:
                found |= {seat.unit_id} if grant.scope < Scope.SUBTREE else set(self.organisation.subtree(seat.unit_id))
        return frozenset(found)

    def publishing(self, spec: Spec) -> frozenset[Id] | None:
        """Return the units to which one may publish what is about an entity; None for all.

        A seat reaches its own unit, and what lies below it if it is the head's, or as far as its role may change the
        entity's records there.
        """
        if self.owner:
            return None
        found = {seat.unit_id for seat in self.seats}
        for seat in self.seats:
            found.update(self.organisation.subtree(seat.unit_id) if seat.is_head else ())
        for whole in _roots(spec, self.entities):
            reached = self.units(whole, "update")
            if reached is None:
                return None
            found |= reached
        return frozenset(found)

    def _open(self, spec: Spec, names: Iterable[str], verb: str) -> Iterator[str]:
        """Give the fields that may be read or written; of the roles with reach the most permissive decides."""
        granted = [seat for whole in _roots(spec, self.entities) for seat, _ in self._granted(whole, "read")]
        roles = {seat.role.id: seat.role for seat in granted if seat is not None}.values()
        return (name for name in names if self.owner or name == "id" or _may(spec, name, verb, roles))

    def _arms(self, spec: Spec, action: str) -> Iterator[Arm]:
        if self.owner:
            yield Arm(TRUE, "owner" if self.seats else f"system: {self.principal.reason}")
            return
        if spec.options.organisation and action not in ("read", "export"):
            return
        if spec.options.personal:
            yield from self._personal_arms(spec, action)
            return
        if spec.options.part_of:
            yield from self._part_arms(spec, _PART_ACTIONS.get(action, "update"))
            return
        for seat, grant in self._granted(spec, action):
            reach = all_of((self._reach(spec, grant.scope, seat), self._when(spec, grant)))
            if reach != FALSE:
                yield Arm(reach, self._reason(seat, grant))

    def _granted(self, spec: Spec, action: str) -> Iterator[tuple[Seat | None, Grant]]:
        held = [(seat, grant) for seat in self.seats for grant in seat.role.grants]
        for seat, grant in [*held, *((None, grant) for grant in self.grants)]:
            if grant.scope is not Scope.NONE and grant.covers(spec.name, action):
                yield seat, grant

    def _reach(self, spec: Spec, scope: Scope, seat: Seat | None) -> Condition:
        """Return a scope, measured from a seat, as a condition; each holds all narrower ones."""
        if scope is Scope.ALL:
            return TRUE
        if scope is Scope.NONE:
            return FALSE
        created = Equal("created_by", self.name)
        if not spec.owned:
            return created
        own = [All((Empty("owner_id"), created))]
        own = [Equal("owner_id", self.user_id), *own] if self.user_id else own  # type: ignore[list-item]  # conditions both
        if scope is Scope.OWN or seat is None:
            return any_of(own)
        units = (seat.unit_id,) if scope is Scope.TEAM else self.organisation.subtree(seat.unit_id)
        return any_of([*own, In("unit_id", tuple(sorted(units)))])

    def _when(self, spec: Spec, grant: Grant) -> Condition:
        """Return a grant's condition; one about a field that went away with its plugin never holds."""
        if grant.when is None:
            return TRUE
        try:
            return bind(grant.when, spec, spec.fields, self.locale, self._grantor)
        except InputError:
            return FALSE

    @cached_property
    def _grantor(self) -> Asker:
        """Whom the conditions of grants are bound for: they mean the principal by `me`, and look at every record."""
        return Asker(
            now=self.now,
            zone=self.locale.zone,
            name=self.name,
            user_id=self.user_id,
            units=self.own_units,
            entities=self.entities,
            readable=lambda spec: spec.fields,
            scope=lambda _: TRUE,
            journal=False,
        )

    def _personal_arms(self, spec: Spec, action: str) -> Iterator[Arm]:
        """Give the ways to what is personal: it is one's own, or it is published to a unit of one's own or above."""
        if self.user_id is not None and action in _OWN_ACTIONS:
            yield Arm(Equal("owner_id", self.user_id), "one's own")
        units = {unit for seat in self.seats for unit in self.organisation.above(seat.unit_id)}
        if spec.options.published_in is not None and action == "read" and units:
            yield Arm(In(spec.options.published_in, tuple(sorted(units))), "published to a unit of one's own")

    def _part_arms(self, spec: Spec, action: str) -> Iterator[Arm]:
        """Give the ways to a part: for reading one of its wholes suffices, writing takes each that it names."""
        if action == "update" and len(spec.options.part_of) > 1:
            yield from self._through_all(spec, action)
            return
        for name in spec.options.part_of:
            targets = [spec.references().get(name)] if name in spec.references() else _wholes(self.entities)
            for target in targets:
                parent = self.entities.get(target or "")
                if parent is not None:
                    yield from self._through(spec, name, parent, action)

    def _through_all(self, spec: Spec, action: str) -> Iterator[Arm]:
        names = spec.options.part_of
        reached: list[Condition] = []
        for name in names:
            parent = self.entities[spec.references()[name]]
            arms = [arm.condition for arm in self._through(spec, name, parent, action)]
            reached.append(any_of([Empty(name), *arms]))
        named = any_of(Not(Empty(name)) for name in names)
        yield Arm(all_of([*reached, named]), "part of records that may be changed")

    def _through(self, spec: Spec, field: str, parent: Spec, action: str) -> Iterator[Arm]:
        reach = self.expression(parent, action)
        if reach.nothing:
            return
        link = Link(field, parent.name, reach.condition)
        anything = field not in spec.references()
        condition = All((Equal("entity", parent.name), link)) if anything else link
        yield Arm(condition, f"part of a {parent.name} ({reach.arms[0].reason})")

    def _reason(self, seat: Seat | None, grant: Grant) -> str:
        scope = grant.scope.name.lower()
        if seat is None:
            return f"grant {grant.entity}.{grant.action} ({scope}) approved for {self.name}"
        return f"grant {grant.entity}.{grant.action} ({scope}) of role {seat.role.key!r} through membership {seat.id}"


def _may(spec: Spec, name: str, verb: str, roles: Iterable[RoleGrants]) -> bool:
    """Say whether one of the roles opens a field; a sensitive one needs a rule."""
    open_to_all = spec.fields[name].sensitive is None
    rules = [role.field_rules.get((spec.name, name)) for role in roles]
    return any(getattr(rule, verb) if rule else open_to_all for rule in rules) or (not rules and open_to_all)


def _roots(spec: Spec, entities: Mapping[str, Spec]) -> list[Spec]:
    """Return the entities whose grants decide about a part: those of its wholes."""
    if not spec.options.part_of:
        return [spec]
    names = [spec.references().get(name) for name in spec.options.part_of]
    wholes = _wholes(entities) if None in names else [name for name in names if name in entities]
    return [root for name in wholes for root in _roots(entities[name or ""], entities)]


def _wholes(entities: Mapping[str, Spec]) -> list[str]:
    return [spec.name for spec in entities.values() if "record_id" not in spec.options.part_of]
