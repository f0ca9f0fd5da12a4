"""The ways in which records come within reach: grants, deputyships, shares, tasks, and the whole of a part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from opencrm.core.access.expressions import Arm, Reason, Restriction
from opencrm.core.access.grants import ANY, Grant, Scope, patterns
from opencrm.core.access.organisation import Seat
from opencrm.core.access.placing import in_units, of_customer, own_place
from opencrm.core.conditions import (
    FALSE,
    TRUE,
    All,
    AnyOf,
    Condition,
    Empty,
    Equal,
    Greater,
    Has,
    In,
    Link,
    Not,
    Referring,
    all_of,
    any_of,
    bind,
    fields_of,
)
from opencrm.core.entity import Spec
from opencrm.core.fields import Field, Reference
from opencrm.errors import InputError

if TYPE_CHECKING:
    from opencrm.core.access.rights import Rights

DELEGATED = frozenset({"unit", "user", "membership", "role", "deputy"})
"""The entities of the organisation that others than owners may change, as far as the rules of delegation let them."""

_PART_ACTIONS = {"read": "read", "export": "export"}
_OWN_ACTIONS = frozenset({"create", "read", "update", "delete", "restore", "export"})
_PLACE = ("owner_id", "unit_id")


def arms(rights: Rights, spec: Spec, action: str) -> Iterator[Arm]:
    """Give every way in which an act reaches records of an entity."""
    if rights.owner and not _restricted_through(rights, spec, action):
        way, text = ("owner", "owner") if rights.seats else ("system", f"system: {rights.principal.reason}")
        yield Arm(TRUE, Reason(way=way, text=text))  # type: ignore[arg-type]  # one of two literals
    elif spec.options.personal:
        yield from _personal(rights, spec, action)
    elif spec.options.part_of:
        yield from _parts(rights, spec, _PART_ACTIONS.get(action, spec.options.part_action))
    elif not spec.options.organisation or spec.name in DELEGATED or action in ("read", "export"):
        yield from _granted(rights, spec, action)
        yield from _deputed(rights, spec, action)
        yield from direct(rights, spec, action)
        yield from _carried(rights, spec, action)


def restrictions(rights: Rights, spec: Spec, action: str) -> Iterator[Restriction]:
    """Give what must hold besides; a condition about a field that is gone holds never."""
    for guard in rights.guards:
        if guard.restricts(spec.name, action):
            yield Restriction(_bound(rights, spec, guard.condition), guard.reason)


def _restricted_through(rights: Rights, spec: Spec, action: str) -> bool:
    """Say whether a plugin restricts the act on what an entity is a part of: that binds owners, too."""
    if not (rights.guards and spec.options.part_of):
        return False
    through = _PART_ACTIONS.get(action, spec.options.part_action)
    return any(
        guard.restricts(whole.name, through) for whole in roots(spec, rights.entities) for guard in rights.guards
    )


def direct(rights: Rights, spec: Spec, action: str) -> Iterator[Arm]:
    """Give the ways to a record that are about it alone: it is shared, or somebody has a task with it."""
    if spec.options.organisation or rights.user_id is None or rights.limit(spec.name, action) is not Scope.ALL:
        return
    yield from _shared(rights, spec, action)
    if action == "read" and rights.contact_id is None:
        yield from _taken_part(rights, spec)


def roots(spec: Spec, entities: Mapping[str, Spec]) -> list[Spec]:
    """Return the entities whose grants decide about a part: those of its wholes."""
    if not spec.options.part_of:
        return [spec]
    names = [spec.references().get(name) for name in spec.options.part_of]
    several = wholes(entities) if None in names else [name for name in names if name in entities]
    return [root for name in several for root in roots(entities[name or ""], entities)]


def wholes(entities: Mapping[str, Spec]) -> list[str]:
    """Name the entities that a part of any entity may be a part of."""
    return [spec.name for spec in entities.values() if "record_id" not in spec.options.part_of]


# What grants give, one's own and theirs whom one stands in for.


def _granted(rights: Rights, spec: Spec, action: str) -> Iterator[Arm]:
    for seat, grant, scope in rights.granted(spec, action):
        when = TRUE if grant.when is None else _bound(rights, spec, grant.when)
        condition = all_of((_scope(rights, spec, scope, seat), when))
        if condition != FALSE:
            yield Arm(condition, _reason(rights, seat, grant))


def _deputed(rights: Rights, spec: Spec, action: str) -> Iterator[Arm]:
    for it in rights.standing_in if action != "share" else ():
        for arm in it.rights.expression(spec, action).arms if it.covers(spec) else ():
            text = f"on behalf of {it.rights.name}: {arm.reason}"
            yield Arm(arm.condition, Reason(way="deputy", text=text, person=it.rights.user_id, because=arm.reason))


def _scope(rights: Rights, spec: Spec, scope: Scope, seat: Seat | None) -> Condition:
    """Return a scope, measured from a seat, as a condition; each holds all narrower ones."""
    if rights.contact_id is not None:
        linked = of_customer(spec, rights.contact_id, rights.user_id)
        if linked is not None:
            return linked
    if scope is Scope.ALL:
        return TRUE
    if spec.options.organisation:
        own = own_place(spec, rights.user_id, rights.name)
        placed = FALSE if scope is Scope.OWN or seat is None else in_units(spec, _units(rights, scope, seat))
        return any_of((own, placed))
    created = Equal("created_by", rights.name)
    if not spec.owned:
        return created
    mine: list[Condition] = [Equal("owner_id", rights.user_id)] if rights.user_id else []
    mine.append(All((Empty("owner_id"), created)))
    if scope is Scope.OWN or seat is None:
        return any_of(mine)
    return any_of([*mine, In("unit_id", _units(rights, scope, seat))])


def _units(rights: Rights, scope: Scope, seat: Seat) -> tuple[str, ...]:
    return (seat.unit_id,) if scope is Scope.TEAM else tuple(sorted(rights.organisation.subtree(seat.unit_id)))


def _bound(rights: Rights, spec: Spec, when: Condition) -> Condition:
    """Return the condition of a grant or a guard; one about a field that went away with its plugin never holds."""
    try:
        return bind(when, spec, spec.fields, rights.locale, rights.grantor)
    except InputError:
        return FALSE


def _reason(rights: Rights, seat: Seat | None, grant: Grant) -> Reason:
    scope = grant.scope.name.lower()
    named = f"grant {grant.entity}.{grant.action} ({scope})"
    if seat is None:
        return Reason(way="grant", text=f"{named} approved for {rights.name}", grant=grant)
    text = f"{named} of role {seat.role.key!r} through membership {seat.id}"
    return Reason(way="grant", text=text, membership=seat.id, unit=seat.unit_id, role=seat.role.key, grant=grant)


# What is about one record: shares, tasks, and what these carry.


def _shared(rights: Rights, spec: Spec, action: str) -> Iterator[Arm]:
    """Give what others share, as far as they may still do it themselves."""
    for sharer in rights.sharers if spec.name in rights.shared else ():
        lent = sharer.expression(spec, action).condition
        if lent == FALSE:
            continue
        share = All(
            (
                Equal("user_id", rights.user_id),
                Equal("entity", spec.name),
                Equal("created_by", sharer.name),
                Has("actions", patterns(action)),
                AnyOf((Empty("until"), Greater("until", rights.now))),
            )
        )
        reason = Reason(way="share", text=f"shared by {sharer.name}", person=sharer.user_id, entity="share")
        yield Arm(all_of((Referring("share", "record_id", share), lent)), reason)


def _taken_part(rights: Rights, spec: Spec) -> Iterator[Arm]:
    """Give the records that are named by what one has to do, in fields that one may read."""
    for task in rights.entities.values():
        known = rights.readable(task) if task.options.participation is not None else frozenset()
        if task.options.participation is None or not known.issuperset(fields_of(task.options.participation)):
            continue
        mine = All((Equal("owner_id", rights.user_id), task.options.participation))
        for name, target in task.references().items():
            if target == spec.name and name in known and name not in _PLACE and not task.fields[name].custom:
                reason = Reason(way="participation", text=f"has an open {task.name} with it", entity=task.name)
                yield Arm(Referring(task.name, name, mine), reason)


def _carried(rights: Rights, spec: Spec, action: str) -> Iterator[Arm]:
    """Give what links carry: one step on from a record that is shared, or that one has a task with."""
    if action != "read" or rights.user_id is None or rights.limit(spec.name, action) is not Scope.ALL:
        return
    for source in rights.entities.values():
        for field in source.fields.values():
            if _carries(field, spec) and field.name in rights.readable(source):
                besides = [it.condition for it in restrictions(rights, source, "read")]
                for arm in direct(rights, source, "read"):
                    text = f"{spec.name} of a {source.name} ({arm.reason})"
                    reason = Reason(way="carried", text=text, entity=source.name, because=arm.reason)
                    link = Referring(source.name, field.name, all_of((arm.condition, *besides)))
                    yield Arm(all_of((link, _lent(rights, arm, spec))), reason)


def _lent(rights: Rights, arm: Arm, spec: Spec) -> Condition:
    """Return what of an entity may go along with what leads there: a share brings what its sharer may read."""
    sharer = next((it for it in rights.sharers if arm.reason.way == "share" and it.user_id == arm.reason.person), None)
    return TRUE if sharer is None else sharer.expression(spec, "read").condition


def _carries(field: Field, spec: Spec) -> bool:
    return isinstance(field.type, Reference) and field.type.to == spec.name and field.type.carries is not None


def carried_fields(rights: Rights, spec: Spec) -> frozenset[str] | None:
    """Return the fields that links open of what one reaches along them alone; None where nothing limits them."""
    tasks = (task.references() for task in rights.entities.values() if task.options.participation is not None)
    if spec.name in rights.shared or any(spec.name in references.values() for references in tasks):
        return None
    types = (field.type for source in rights.entities.values() for field in source.fields.values())
    carried = [it.carries[1] for it in types if isinstance(it, Reference) and it.to == spec.name and it.carries]
    names = frozenset(name for several in carried for name in several)
    return None if not carried or ANY in names else names


# What is somebody's alone, and what is a part of something.


def _personal(rights: Rights, spec: Spec, action: str) -> Iterator[Arm]:
    """Give the ways to what is personal: it is one's own, or it is published to a unit of one's own or above."""
    if rights.limit(spec.name, action) is Scope.NONE:
        return
    if rights.user_id is not None and action in _OWN_ACTIONS:
        yield Arm(Equal("owner_id", rights.user_id), Reason(way="personal", text="one's own"))
    units = {unit for seat in rights.seats for unit in rights.organisation.above(seat.unit_id)}
    if spec.options.published_in is not None and action == "read" and units:
        reason = Reason(way="personal", text="published to a unit of one's own")
        yield Arm(In(spec.options.published_in, tuple(sorted(units))), reason)


def _parts(rights: Rights, spec: Spec, action: str) -> Iterator[Arm]:
    """Give the ways to a part: for reading one of its wholes suffices, writing takes each that it names."""
    if action not in _PART_ACTIONS and len(spec.options.part_of) > 1:
        yield from _through_all(rights, spec, action)
        return
    for name in spec.options.part_of:
        references = spec.references()
        for target in [references.get(name)] if name in references else wholes(rights.entities):
            parent = rights.entities.get(target or "")
            if parent is not None:
                yield from _through(rights, spec, name, parent, action)


def _through_all(rights: Rights, spec: Spec, action: str) -> Iterator[Arm]:
    names = spec.options.part_of
    reached: list[Condition] = []
    for name in names:
        parent = rights.entities[spec.references()[name]]
        through = [arm.condition for arm in _through(rights, spec, name, parent, action)]
        reached.append(any_of([Empty(name), *through]))
    named = any_of(Not(Empty(name)) for name in names)
    yield Arm(all_of([*reached, named]), Reason(way="part", text="part of records that may be changed"))


def _through(rights: Rights, spec: Spec, field: str, parent: Spec, action: str) -> Iterator[Arm]:
    whole = rights.expression(parent, action)
    if not whole.nothing:
        ways = (way for arm in whole.arms for way in arm.ways or (arm,))
        told = tuple(Arm(_led(spec, field, parent, it.condition), _part_of(parent, it.reason)) for it in ways)
        yield Arm(_led(spec, field, parent, whole.condition), told[0].reason, told)


def _led(spec: Spec, field: str, parent: Spec, condition: Condition) -> Condition:
    """Return that a part's whole meets a condition; a part of any entity says which one its whole is of."""
    link = Link(field, parent.name, condition)
    return link if field in spec.references() else All((Equal("entity", parent.name), link))


def _part_of(parent: Spec, because: Reason) -> Reason:
    return Reason(way="part", text=f"part of a {parent.name} ({because})", entity=parent.name, because=because)
