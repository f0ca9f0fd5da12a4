"""Ways to a part: through the records that it is a part of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from opencrm.core.access.expressions import READING, Arm, Expression, Reason, Restriction
from opencrm.core.change import Values
from opencrm.core.conditions import All, Condition, Empty, Equal, Link, Not, all_of, any_of
from opencrm.core.entity import Spec

if TYPE_CHECKING:
    from opencrm.core.access.rights import Rights


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


def restricted(rights: Rights, spec: Spec, action: str) -> bool:
    """Say whether a plugin restricts the act on what an entity is a part of: that binds owners, too."""
    if not (rights.guards and spec.options.part_of):
        return False
    act, several = _act(spec, action), roots(spec, rights.entities)
    return any(guard.restricts(whole.name, act) for whole in several for guard in rights.guards)


def arms(rights: Rights, spec: Spec, action: str) -> Iterator[Arm]:
    """Give the ways to a part: for reading one of its wholes suffices, writing takes each that it names."""
    act = _act(spec, action)
    if act not in READING and len(spec.options.part_of) > 1:
        yield _through_all(rights, spec, act)
        return
    references = spec.references()
    for name in spec.options.part_of:
        for target in [references[name]] if name in references else wholes(rights.entities):
            if target in rights.entities:
                yield from _through(rights, spec, name, rights.entities[target], act)


def _act(spec: Spec, action: str) -> str:
    """Return what one must be allowed to do to a whole, to do something to its part."""
    return action if action in READING else spec.options.part_action


def granting(rights: Rights, spec: Spec, action: str, row: Values) -> Sequence[str]:
    """Name what must be granted for an act on a record: of a part, what is done to the wholes that it names."""
    known = rights.readable(spec)
    named = [name for name in spec.options.part_of if name in known and row.get(name) is not None]
    targets = [spec.references().get(name) or str(row.get("entity")) for name in named or spec.options.part_of]
    whole = [rights.entities[target] for target in targets if target in rights.entities]
    return [it for each in whole for it in granting(rights, each, _act(spec, action), {})] or [f"{spec.name}.{action}"]


def _through_all(rights: Rights, spec: Spec, act: str) -> Arm:
    """Return the way to a part through all the wholes that it names."""
    references, names = spec.references(), spec.options.part_of
    each = {name: list(_through(rights, spec, name, rights.entities[references[name]], act)) for name in names}
    reached = [any_of([Empty(name), *(arm.condition for arm in through)]) for name, through in each.items()]
    named = any_of(Not(Empty(name)) for name in names)
    several = [arm for through in each.values() for arm in through]
    return Arm(
        all_of([*reached, named]),
        Reason(way="part", text="part of records that may be changed"),
        lambda: (way for arm in several for way in arm.apart()),
        tuple(
            Restriction(any_of([Empty(name), it.condition]), it.reason)
            for name, through in each.items()
            for arm in through
            for it in arm.restrictions
        ),
    )


def _through(rights: Rights, spec: Spec, field: str, parent: Spec, act: str) -> Iterator[Arm]:
    """Give the way to a part through a whole of one entity, told apart by the ways to the whole."""
    whole, led = rights.expression(parent, act), partial(_led, spec, field, parent)
    if not whole.nothing:
        ways = partial(_ways, whole, led)
        reason = Reason(way="part", text=f"part of a {parent.name}", entity=parent.name)
        besides = [*whole.restrictions, *(it for arm in whole.arms for it in arm.restrictions)]
        yield Arm(
            led(whole.condition), reason, ways, tuple(Restriction(led(it.condition), it.reason) for it in besides)
        )


def _ways(whole: Expression, led: Callable[[Condition], Condition]) -> Iterator[Arm]:
    for arm in whole.arms:
        for way in arm.apart():
            yield Arm(led(way.condition), _part_of(whole.spec, way.reason))


def _led(spec: Spec, field: str, parent: Spec, condition: Condition) -> Condition:
    """Return that a part's whole meets a condition; a part of any entity says which one its whole is of."""
    link = Link(field, parent.name, condition)
    return link if field in spec.references() else All((Equal("entity", parent.name), link))


def _part_of(parent: Spec, because: Reason) -> Reason:
    return Reason(way="part", text=f"part of a {parent.name} ({because})", entity=parent.name, because=because)
