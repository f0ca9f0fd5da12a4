"""The records that changes refer to."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, bindparam, literal_column, select, union_all

from opencrm.core.change import Change
from opencrm.core.columns import IdColumn
from opencrm.core.conditions import TRUE, Condition, Entities, Link, Referring, clause, predicate, shape, values
from opencrm.core.conditions.sql import parameter_names
from opencrm.core.entities import Membership
from opencrm.core.entity import Spec
from opencrm.core.values import Id
from opencrm.services.writing.block import Block
from opencrm.storage.statements import padded

_CHUNK = 500

_UNREADABLE = "refers to no record that you may read"


def astray(
    work: Block,
    changes: Sequence[Change],
    batch: Container[tuple[str, Id]],
    *,
    owners: Container[int],
    units: Container[int],
) -> dict[int, dict[str, list[str]]]:
    """Return by change what is wrong with its references: which lead to no record that the principal may know of.

    They are looked up some hundreds at a time. An owner and a unit within the reach of `assign` are not: others may
    be there without the principal's knowing.

    Args:
        work: The work block.
        changes: The changes that set them.
        batch: Entity and id of the records that are changed together.
        owners: The changes that are refused for their owner; the unit, which may be the owner's, says nothing then.
        units: The changes that are refused for their unit.
    """
    several = [
        (at, *link)
        for at, change in enumerate(changes)
        for link in _links(work, change)
        if _is_looked_up(work, link, owner_refused=at in owners, unit_refused=at in units or _far(work, change))
    ]
    links = [link for link in several if link[2:] not in batch and not _there(work, *link[2:])]
    found: dict[str, set[Id]] = {}
    for part in _in_parts(_wanted(work, links)):
        for target, ids in _readable_ids(work, part).items():
            found.setdefault(target, set()).update(ids)
    wrong: dict[int, dict[str, list[str]]] = {}
    for at, name, target, id in links:
        if id not in found.get(target, ()):
            wrong.setdefault(at, {})[name] = [_unreadable(work, target)]
    return wrong


def _unreadable(work: Block, target: str) -> str:
    """Return what is wrong with a reference; an automation is told which grant it lacks altogether."""
    spec = work.configuration.catalogue.entities.get(target)
    automation = work.rights.principal.kind == "automation"
    lacks = automation and spec is not None and work.rights.expression(spec, "read").nothing
    return _UNREADABLE + (f": it has no grant {target}.read" if lacks else "")


def _there(work: Block, target: str, id: Id) -> bool:
    """Say whether a record was stored in this transaction and the principal may read all of its entity."""
    spec = work.configuration.catalogue.entities.get(target)
    return (target, id) in work.tx.alive and spec is not None and work.rights.expression(spec, "read").condition == TRUE


def named(work: Block, change: Change, target: str) -> Iterator[Id]:
    """Give the ids of one entity's records that a change's record refers to."""
    spec = work.configuration.catalogue.entities[change.entity]
    for name, entity in spec.references().items():
        if entity == target and change.after[name] is not None:
            yield change.after[name]
    if spec.of_any and change.after["entity"] == target and change.after["record_id"] is not None:
        yield change.after["record_id"]


def _links(work: Block, change: Change) -> Iterator[tuple[str, str, Id]]:
    """Give the references that a change sets: field, entity, id; of a task that opens again, all that it names."""
    spec = work.configuration.catalogue.entities[change.entity]
    after, fields = change.after, change.after.keys() if _opens_again(spec, change) else change.fields
    for name, target in spec.references().items():
        id = after[name]
        if id is not None and name in fields:
            yield name, target, id
    if spec.of_any and "record_id" in fields and after["record_id"] is not None:
        yield "record_id", after["entity"], after["record_id"]


def _is_looked_up(work: Block, link: tuple[str, str, Id], *, owner_refused: bool, unit_refused: bool) -> bool:
    name, _, id = link
    if name == "owner_id":
        return owner_refused
    if name == "unit_id":
        return not owner_refused and (unit_refused or id not in work.rights.organisation.parents)
    return True


def _far(work: Block, change: Change) -> bool:
    """Say whether a membership is for a unit in which whoever acts gives none, so that it must be one they may read."""
    if change.entity != Membership.spec.name or work.rights.owner:
        return False
    reached = work.rights.units(Membership.spec, "create")
    unit = change.after["unit_id"]
    return unit not in work.rights.own_units or (reached is not None and unit not in reached)


def _opens_again(spec: Spec, change: Change) -> bool:
    """Say whether a change lets the owner of a record read what it names, as a task does that is opened anew."""
    if spec.options.participation is None or change.before is None:
        return False
    is_open = predicate(spec.options.participation, spec, _no_link)
    was = change.before["deleted_at"] is None and is_open(change.before)
    return not was and change.after["deleted_at"] is None and is_open(change.after)


def _no_link(_link: Link | Referring, _record: Id) -> bool:
    return False


def _wanted(work: Block, links: Iterable[tuple[int, str, str, Id]]) -> dict[str, list[Id]]:
    """Return the ids that are referred to, by entity; of one that is not there, none."""
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

    given = [value for target, ids in wanted.items() for value in (*ids, *values(scopes[target]))]
    found: dict[str, set[Id]] = {}
    bound = {f"p{at}": value for at, value in enumerate(given)}
    for row in work.tx.query(("readable ids", asked), lambda: _readable(entities, scopes, wanted), bound):
        found.setdefault(row["entity"], set()).add(row["id"])
    return found


def _readable(
    entities: Entities, scopes: Mapping[str, Condition], wanted: Mapping[str, Sequence[Id]]
) -> Select[Any] | CompoundSelect[Any]:
    names = parameter_names("p")
    parts = [_of_one(entities, target, scopes[target], len(ids), names) for target, ids in wanted.items()]
    return union_all(*parts) if len(parts) > 1 else parts[0]


def _of_one(entities: Entities, target: str, scope: Condition, number: int, names: Iterator[str]) -> Select[Any]:
    table = entities[target].table
    chosen = table.c.id.in_([bindparam(next(names), type_=IdColumn()) for _ in range(number)])
    within = clause(scope, entities[target], entities, names)
    columns: tuple[ColumnElement[Any], ...] = (literal_column(f"'{target}'").label("entity"), table.c.id)
    return select(*columns).where(chosen, table.c.deleted_at.is_(None), within)
