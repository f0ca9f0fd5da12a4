"""What one principal may do at one moment: expressions over records, and sets of fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property, partial

import attrs

from opencrm.core.access import reach
from opencrm.core.access.circles import Circle, around
from opencrm.core.access.expressions import Expression, Restriction
from opencrm.core.access.grants import Grant, Scope
from opencrm.core.access.guards import Guard
from opencrm.core.access.openness import open_fields
from opencrm.core.access.organisation import Organisation, Seat
from opencrm.core.access.principal import Principal
from opencrm.core.access.reach.parts import granting, roots
from opencrm.core.conditions import FALSE, TRUE, Asker, Condition, bind
from opencrm.core.entity import Entity, Spec
from opencrm.core.locale import Locale
from opencrm.core.stamps import STAMP
from opencrm.core.values import Id
from opencrm.errors import InputError, PermissionDenied


@attrs.frozen(eq=False)
class StandIn:
    """Somebody whom the principal stands in for now.

    Attributes:
        rights: Theirs, without the deputyships that they hold themselves.
        entities: The names of the entities for which it holds; None for all.
    """

    rights: Rights
    entities: frozenset[str] | None = None

    def covers(self, spec: Spec) -> bool:
        """Say whether it is about an entity: never about what is administrative, or somebody's alone."""
        if spec.options.organisation or spec.options.personal:
            return False
        return self.entities is None or spec.name in self.entities


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
        limits: Of a key, the grants beyond which it does nothing, whatever its holder may; None for no limit.
        contact_id: Of a customer, the contact that they are.
        standing_in: Those whom the principal stands in for.
        sharers: Those who share records with the principal.
        shared: The entities of which they do.
        guards: The restrictions of the active plugins.
        circles: The pipelines that not everybody may use.
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
    limits: tuple[Grant, ...] | None = None
    contact_id: Id | None = None
    standing_in: tuple[StandIn, ...] = ()
    sharers: tuple[Rights, ...] = ()
    shared: frozenset[str] = frozenset()
    guards: tuple[Guard, ...] = ()
    circles: tuple[Circle, ...] = ()

    def __attrs_post_init__(self) -> None:
        self._expressions: dict[tuple[str, str], Expression] = {}
        self._seen: dict[str, Spec] = {}
        self._readable: dict[str, frozenset[str]] = {}
        self._writable: dict[str, frozenset[str]] = {}

    @cached_property
    def owner(self) -> bool:
        """Whether everything is allowed that no plugin restricts: to an owner, and to the system."""
        if self.limits is not None or self.contact_id is not None:
            return False
        return any(seat.role.owner for seat in self.seats) or self.principal.kind == "system"

    @property
    def unbound(self) -> bool:
        """Whether there is nothing to judge at all."""
        return self.owner and not self.guards

    @cached_property
    def home(self) -> Id | None:
        """The unit of the primary membership, else of the first."""
        best = sorted(self.seats, key=lambda seat: (not seat.is_primary, seat.id))
        return best[0].unit_id if best else None

    @cached_property
    def own_units(self) -> tuple[Id, ...]:
        """The units of the seats, and all below them."""
        return tuple(sorted({unit for seat in self.seats for unit in self.organisation.subtree(seat.unit_id)}))

    def denied(self, action: str, reason: str, *, rule: str | None = None) -> PermissionDenied:
        """Return the refusal of an act, to be raised.

        Args:
            action: The act, such as `"deal.update"`.
            reason: Why, for a person.
            rule: The rule that refuses it, where it has a name.
        """
        told = reason if rule is None else f'rule "{rule}": {reason}'
        text = f"{self.name} may not do this: {action} ({told})"
        return PermissionDenied(text, principal=self.name, action=action, reason=told, rule=rule)

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
            arms, restricted = tuple(reach.arms(self, spec, action)), tuple(self.restrictions(spec, action))
            acts = partial(granting, self, spec, action)
            found = self._expressions[spec.name, action] = Expression(spec, action, arms, restricted, acts)
        return found

    def restrictions(self, spec: Spec, action: str) -> Iterator[Restriction]:
        """Give what must hold besides."""
        for guard in self.guards:
            if guard.restricts(spec.name, action):
                yield Restriction(self.bound(spec, guard.condition), guard.reason)
        for circle in self._closed:
            condition = circle.outside(spec.name, action)
            if condition is not None:
                yield Restriction(self.bound(spec, condition), circle.reason)

    @cached_property
    def _closed(self) -> tuple[Circle, ...]:
        """The pipelines that are for others, also where the principal stands in for somebody."""
        if self.user_id is None:
            return ()  # What rules and plugins do, they were granted.
        lent = (seat for it in self.standing_in for seat in it.rights.seats)
        return tuple(around(self.circles, (*self.seats, *lent)))

    def bound(self, spec: Spec, when: Condition) -> Condition:
        """Return the condition of a grant or a guard; one about a field that went away with its plugin never holds."""
        try:
            return bind(when, spec, spec.fields, self.locale, self.grantor)
        except InputError:
            return FALSE

    def granted(self, spec: Spec, action: str) -> Iterator[tuple[Seat | None, Grant, Scope]]:
        """Give the grants of an act, each with the membership that carries it and how far it reaches."""
        most = self.limit(spec.name, action)
        held = [(seat, grant) for seat in self.seats for grant in seat.role.about(spec.name, action)]
        for seat, grant in [*held, *((None, grant) for grant in self.grants)]:
            scope = min(grant.scope, most)
            if scope is not Scope.NONE and grant.covers(spec.name, action):
                yield seat, grant, scope

    def limit(self, entity: str, action: str) -> Scope:
        """Return how far an act may reach at most."""
        if self.limits is None:
            return Scope.ALL
        return max((limit.scope for limit in self.limits if limit.covers(entity, action)), default=Scope.NONE)

    @cached_property
    def grantor(self) -> Asker:
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

    def seen(self, spec: Spec) -> Spec:
        """Return an entity's declaration as lists read it: `updated_at` tells nothing of what may not be read."""
        found = self._seen.get(spec.name)
        if found is None:
            found = self._seen[spec.name] = spec.seen_by(self._telling(spec))
        return found

    def _telling(self, spec: Spec) -> frozenset[str]:
        """Return the fields of whose change `updated_at` may tell."""
        readable, speaking = self.readable(spec), spec.options.speaks_of_fields
        if not speaking or all(self.readable(it).issuperset(it.fields) for it in self.entities.values()):
            return readable
        return readable.difference(speaking)

    def compared(self, spec: Spec) -> frozenset[str]:
        """Return the fields of a linked record that conditions may look at: those that may be read."""
        readable = self.readable(spec)
        return readable if readable.issuperset(spec.fields) else readable - {STAMP}

    def readable(self, spec: Spec) -> frozenset[str]:
        """Return the fields of an entity that may be read; another one does not exist for the principal."""
        found = self._readable.get(spec.name)
        if found is None:
            found = self._readable[spec.name] = frozenset(open_fields(self, spec, spec.fields, "read"))
        return found

    def writable(self, spec: Spec) -> frozenset[str]:
        """Return the fields of an entity that may be written."""
        found = self._writable.get(spec.name)
        if found is None:
            found = self._writable[spec.name] = frozenset(open_fields(self, spec, self.readable(spec), "write"))
        return found

    def units(self, spec: Spec, action: str) -> frozenset[Id] | None:
        """Return the units that an act reaches, as its seats see them; None for all."""
        if self.owner:
            return None
        found: set[Id] = set()
        for seat, _, scope in self.granted(spec, action):
            if scope is Scope.ALL and self.contact_id is None:
                return None
            if seat is not None:
                found |= {seat.unit_id} if scope < Scope.SUBTREE else set(self.organisation.subtree(seat.unit_id))
        for it in self.standing_in if action != "share" else ():
            theirs = it.rights.units(spec, action) if it.covers(spec) else frozenset()
            if theirs is None:
                return None
            found |= theirs
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
        for whole in roots(spec, self.entities):
            reached = self.units(whole, "update")
            if reached is None:
                return None
            found |= reached
        return frozenset(found)

    @cached_property
    def alone(self) -> Rights:
        """The same without those whom the principal stands in for."""
        return attrs.evolve(self, standing_in=())

    def behalf(self, allows: Callable[[Rights], bool]) -> str | None:
        """Return on whose behalf something is done that only standing in for them allows; None for one's own."""
        if not self.standing_in or allows(self.alone):
            return None
        with_one = ((it, attrs.evolve(self, standing_in=(it,))) for it in self.standing_in)
        return next((it.rights.name for it, rights in with_one if allows(rights)), self.standing_in[0].rights.name)
