"""The rules of custom fields: names that are free, kinds that lose nothing, roles that go on to work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from sqlalchemy import select

from opencrm.core.access.grants import ANY, Grant, read_field_rules, read_grants
from opencrm.core.change import Change, Kind, Values
from opencrm.core.columns import key_column
from opencrm.core.conditions import fields_of as names_in
from opencrm.core.conditions import linked_fields_of
from opencrm.core.custom import KEY, MOST_FIELDS, RESERVED, fields_of
from opencrm.core.entities import CustomField, Role
from opencrm.core.entity import Spec
from opencrm.core.held import held
from opencrm.core.pipeline.staging import NAMES as STAGED
from opencrm.core.pipeline.staging import given
from opencrm.core.search.documents import label_of
from opencrm.errors import InputError
from opencrm.services.definitions import counting
from opencrm.services.definitions.depending import entities_with, needed, unkept
from opencrm.services.searching import indexing
from opencrm.services.writing.block import Block


class _Definitions:
    """Bound to the definitions of custom fields; that they bump the configuration is the organisation's doing."""

    entities = frozenset({CustomField.spec.name})

    def judge(self, work: Block, changes: Sequence[Change]) -> None:
        """Refuse a definition that cannot be in force beside the others."""
        standing = _standing(work) | {change.id: change.after for change in changes}
        entities = entities_with(work, standing.values())
        for at, change in enumerate(changes):
            wrong = dict(_wrong(work, change, standing)) or dict(_of_rollups(work, change, entities))
            if wrong:
                raise InputError(wrong, rows={at: wrong})

    def follow(self, work: Block, own: Sequence[Change], changes: Sequence[Change]) -> Sequence[Change]:
        """Keep a renamed field's former names, by which the journal tells of it; have what was not kept made anew."""
        region = work.configuration.locale.region
        for change in own:
            if change.kind is not Kind.CREATED and change.after["rollup"] is not None:
                field, *_ = fields_of(change.after, region)
                counting.forget(work.tx, field.slot or "")
        indexing.forget(work.tx, {label for change in own for label in _looked_into_otherwise(change, region)})
        renamed = [change for change in own if change.kind is Kind.CHANGED and "key" in change.fields]
        return [_with_former(change) for change in renamed]


def _standing(work: Block) -> dict[str, Values]:
    """Return all definitions, retired and deleted ones too: their values may come back."""
    table = CustomField.spec.table
    names = (*CustomField.spec.fields,)
    rows = work.tx.query("definitions", lambda: select(*[table.c[name] for name in names]), {})
    return {row["id"]: row for row in rows}


def _wrong(work: Block, change: Change, standing: Mapping[str, Values]) -> Iterator[tuple[str, list[str]]]:
    new, old = change.after, change.before
    if change.kind is Kind.DELETED:
        yield from _still_used(work, change)
        return
    spec = work.configuration.catalogue.entities.get(new["entity"])
    if spec is None or (old is not None and old["entity"] != new["entity"]):
        yield "entity", [f"there is no entity {new['entity']!r}" if spec is None else "cannot be changed"]
        return
    if spec.cls is CustomField:
        yield "entity", ["has no custom fields: it is what they are defined by"]
    yield from _name(work, spec, new, standing)
    if new["reference_to"] and new["reference_to"] not in work.configuration.catalogue.entities:
        yield "reference_to", [f"there is no entity {new['reference_to']!r}"]
    if KEY.fullmatch(new["key"]) and (old is None or "key" in change.fields):
        yield from _kept_by_plugins(work, spec, new)
    if old is not None:
        yield from _losses(work, spec, old, new)
        if {"key", "retired", "kind", "sensitive"} & set(change.fields):
            yield from _still_used(work, change)


def _name(work: Block, spec: Spec, new: Values, standing: Mapping[str, Values]) -> Iterator[tuple[str, list[str]]]:
    key = new["key"]
    if not KEY.fullmatch(key):
        yield "key", ["must be at most 40 lower-case letters, digits and _, and begin with a letter"]
        return
    if key in RESERVED:
        yield "key", [f"cannot be {key!r}: lists have a parameter of that name"]
        return
    others = [it for it in standing.values() if it["entity"] == spec.name and it["id"] != new["id"]]
    if len(others) >= MOST_FIELDS:
        yield "entity", [f"has {MOST_FIELDS} custom fields already, retired ones included"]
    taken = {name for name, field in spec.fields.items() if not field.custom} | {*spec.cls.__table__.c.keys()}
    taken |= {field.name for field in _of_others(work, spec)} | set(work.configuration.schemas.nested(spec))
    for other in others:
        taken |= {name for field in fields_of(other, "") for name in (field.name, *field.former)}
    for field in fields_of(new, ""):
        if field.name in taken:
            yield "key", [f"{spec.name} has, or had, a field {field.name!r} already"]


def _of_rollups(work: Block, change: Change, entities: Mapping[str, Spec]) -> Iterator[tuple[str, list[str]]]:
    if change.kind is not Kind.DELETED:
        yield from unkept(work, change.after, entities)
    if change.before is not None:
        yield from needed(work, change, entities)


def _of_others(work: Block, spec: Spec) -> Iterator[Any]:
    """Give the fields that plugins and pipelines add to an entity."""
    yield from given({spec.name: spec}).get(spec.name, ())
    for declared in work.configuration.hooks.fields():
        if declared.value.entity == spec.name:
            yield from declared.value.fields()


def _kept_by_plugins(work: Block, spec: Spec, new: Values) -> Iterator[tuple[str, list[str]]]:
    """Refuse a name under which records hold values of a plugin or a pipeline that is away: it may come back."""
    active = {field.name for field in _of_others(work, spec)}
    named = [it for it in fields_of(new, "") if "_" in it.name or it.name in STAGED]
    for field in [it for it in named if it.name not in active]:
        place = held(field.name, key_column(1)).read_from(spec.table.c.custom)

        def build(place: Any = place) -> Any:
            return select(spec.table.c.id).where(place.is_not(None)).limit(1)

        whose = "pipeline" if field.name in STAGED else "plugin"
        if work.tx.query(("kept by a plugin", spec.name, field.name), build, {}):
            yield "key", [f"{spec.name} has values of a {whose} under the name {field.name!r}, which is not active"]


def _losses(work: Block, spec: Spec, old: Values, new: Values) -> Iterator[tuple[str, list[str]]]:
    """Refuse what would make values unreadable: another kind, fewer options, another target."""
    computed = "rollup" if old["rollup"] is None and new["rollup"] is not None else "kind"
    for name in dict.fromkeys(("kind", "reference_to", computed)):
        if old[name] != new[name] and _holds(work, spec, old, None):
            yield name, ["cannot be changed while records hold a value: make a new field and move the values"]
    gone = [key for key in old["choices"] or () if key not in (new["choices"] or ())]
    held = [key for key in gone if _holds(work, spec, old, key)]
    if held:
        yield "choices", [f"{', '.join(held)} cannot go while records hold it"]


def _holds(work: Block, spec: Spec, definition: Values, option: str | None) -> bool:
    """Say whether a record of the entity, living or deleted, holds a value (or this option) in the field."""
    [field, *_] = fields_of(definition, work.configuration.locale.region)
    whole = spec.extended([field])
    column = whole.column(field.name)

    def build() -> Any:
        return select(whole.table.c.id).where(column.is_not(None)).limit(1)

    if option is None:
        return bool(work.tx.query(("holds", spec.name, field.slot), build, {}))
    shape = ("holds option", spec.name, field.slot, field.type.name)
    rows = work.tx.query(shape, lambda: select(column.label("held")).where(column.is_not(None)).distinct(), {})
    return any(option == row["held"] or (isinstance(row["held"], tuple) and option in row["held"]) for row in rows)


def _still_used(work: Block, change: Change) -> Iterator[tuple[str, list[str]]]:
    """Refuse to take a field away, or to call it another name, while a role's rules name it."""
    old = change.before or {}
    names = {field.name for field in fields_of(old, work.configuration.locale.region)}
    roles = _roles_naming(work, old["entity"], names)
    if roles:
        yield "key", [f"the role {name!r} has rules about this field: change them first" for name in roles]


def _roles_naming(work: Block, entity: str, names: Set[str]) -> list[str]:
    role = Role.spec.table
    columns = (role.c.name, role.c.grants, role.c.delegable, role.c.field_rules)
    rows = work.tx.query("roles naming", lambda: select(*columns).where(role.c.deleted_at.is_(None)), {})
    return [row["name"] for row in rows if _names(row, entity, names)]


def _names(role: Values, entity: str, names: Set[str]) -> bool:
    rules = any(it.entity == entity and it.field in names for it in read_field_rules(role["field_rules"]))
    grants = [*read_grants(role["grants"]), *read_grants(role["delegable"])]
    return rules or any(_looks_at(grant, entity, names) for grant in grants)


def _looks_at(grant: Grant, entity: str, names: Set[str]) -> bool:
    """Say whether a grant's condition may look at fields: as its entity's own, or at the end of a path."""
    if grant.when is None:
        return False
    own = grant.entity in (entity, ANY) and not names.isdisjoint(names_in(grant.when))
    return own or not names.isdisjoint(linked_fields_of(grant.when))


def _looked_into_otherwise(change: Change, region: str) -> Set[str]:
    """Return what documents call the fields whose documents are to be made anew.

    Search looks into them no longer, or again, and until then nobody kept them; or an option is called otherwise.
    """
    if change.before is None:
        return frozenset()
    old, new = _looked_into(change.before, region), _looked_into(change.after, region)
    relabelled = change.before["choices"] != change.after["choices"]
    return old | new if relabelled else old ^ new


def _looked_into(definition: Values, region: str) -> Set[str]:
    if definition["retired"] or definition["deleted_at"] is not None:
        return frozenset()
    return {label_of(definition["entity"], field) for field in fields_of(definition, region) if field.searchable}


def _with_former(change: Change) -> Change:
    old = (change.before or {})["key"]
    names = [name for name in dict.fromkeys([*(change.after["former"] or ()), old]) if name != change.after["key"]]
    before = {**change.after, "version": (change.before or {})["version"] + 1}
    return Change(change.entity, change.id, Kind.CHANGED, before, {**before, "former": names})


BINDING = _Definitions()
