"""Ways to one record, whatever roles grant: it is shared, there is a task with it, or a link leads there from one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import attrs

from opencrm.core.access.expressions import Arm, Expression, Reason
from opencrm.core.access.grants import ANY, Scope, patterns
from opencrm.core.conditions import (
    TRUE,
    All,
    AnyOf,
    Condition,
    Empty,
    Equal,
    Greater,
    Has,
    Referring,
    all_of,
    fields_of,
)
from opencrm.core.entity import Spec
from opencrm.core.fields import Field, Reference

if TYPE_CHECKING:
    from opencrm.core.access.rights import Rights

_PLACE = ("owner_id", "unit_id")


def direct(rights: Rights, spec: Spec, action: str) -> Iterator[Arm]:
    """Give the ways to a record that are about it alone: it is shared, or somebody has a task with it."""
    if spec.options.organisation or rights.user_id is None or rights.limit(spec.name, action) is not Scope.ALL:
        return
    yield from _shared(rights, spec, action)
    if action == "read" and rights.contact_id is None:
        yield from _taken_part(rights, spec)


def _shared(rights: Rights, spec: Spec, action: str) -> Iterator[Arm]:
    """Give what others share, as far as they may still do it themselves."""
    for sharer in rights.sharers if spec.name in rights.shared else ():
        theirs = sharer.expression(spec, action)
        if not theirs.nothing:
            share = Referring("share", "record_id", _share(rights, sharer, spec, action))
            reason = Reason(way="share", text=f"shared by {sharer.name}", person=sharer.user_id, entity="share")
            yield Arm(all_of((share, theirs.condition)), reason, partial(_lent_by, sharer, theirs, share))


def _share(rights: Rights, sharer: Rights, spec: Spec, action: str) -> Condition:
    """Return which shares let the principal do something that their sharer may do."""
    return All(
        (
            Equal("user_id", rights.user_id),
            Equal("entity", spec.name),
            Equal("created_by", sharer.name),
            Has("actions", patterns(action)),
            AnyOf((Empty("until"), Greater("until", rights.now))),
        )
    )


def _lent_by(sharer: Rights, theirs: Expression, share: Condition) -> Iterator[Arm]:
    """Give a shared record by each way in which its sharer reaches it."""
    for arm in theirs.arms:
        for way in arm.apart():
            text = f"shared by {sharer.name}: {way.reason}"
            reason = Reason(way="share", text=text, person=sharer.user_id, entity="share", because=way.reason)
            yield Arm(all_of((share, way.condition)), reason)


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


def carried(rights: Rights, spec: Spec, action: str) -> Iterator[Arm]:
    """Give what links carry: one step on from a record that is shared, or that one has a task with."""
    if action != "read" or rights.user_id is None or rights.limit(spec.name, action) is not Scope.ALL:
        return
    for source in rights.entities.values():
        for name, target in source.references().items():
            if target == spec.name and _carries(source.fields[name]) and name in rights.readable(source):
                yield from (_along(rights, source, name, spec, arm) for arm in direct(rights, source, "read"))


def _along(rights: Rights, source: Spec, link: str, spec: Spec, arm: Arm) -> Arm:
    """Return the way along a link, from records that are reached by another way."""
    besides = [it.condition for it in rights.restrictions(source, "read")]
    lent = _lent(rights, arm, spec)

    def led(way: Arm) -> Arm:
        text = f"{spec.name} of a {source.name} ({way.reason})"
        reason = Reason(way="carried", text=text, entity=source.name, because=way.reason)
        return Arm(all_of((Referring(source.name, link, all_of((way.condition, *besides))), lent)), reason)

    return attrs.evolve(led(arm), ways=lambda: map(led, arm.apart()))


def _lent(rights: Rights, arm: Arm, spec: Spec) -> Condition:
    """Return what of an entity may go along with what leads there: a share brings what its sharer may read."""
    sharer = next((it for it in rights.sharers if arm.reason.way == "share" and it.user_id == arm.reason.person), None)
    return TRUE if sharer is None else sharer.expression(spec, "read").condition


def _carries(field: Field) -> bool:
    return isinstance(field.type, Reference) and field.type.carries is not None


def carried_fields(rights: Rights, spec: Spec) -> frozenset[str] | None:
    """Return the fields that links open of what one reaches along them alone; None where nothing limits them."""
    tasks = (task.references() for task in rights.entities.values() if task.options.participation is not None)
    if spec.name in rights.shared or any(spec.name in references.values() for references in tasks):
        return None
    types = (field.type for source in rights.entities.values() for field in source.fields.values())
    carried = [it.carries[1] for it in types if isinstance(it, Reference) and it.to == spec.name and it.carries]
    names = frozenset(name for several in carried for name in several)
    return None if not carried or ANY in names else names
