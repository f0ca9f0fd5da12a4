"""Roll-ups among the definitions: each can be kept beside the others, and goes on to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from opencrm.core.change import Change, Values
from opencrm.core.conditions import condition
from opencrm.core.conditions import fields_of as names_in
from opencrm.core.custom import AddedField, fields_of
from opencrm.core.entity import Spec
from opencrm.core.fields import Field, Rollup
from opencrm.core.pipeline.staging import with_stages
from opencrm.core.rollups import Kept, kept
from opencrm.services.definitions.loading import by_entity
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.writing.block import Block


def entities_with(work: Block, definitions: Iterable[Values]) -> Mapping[str, Spec]:
    """Return the entities as they are with these definitions, and no others of the workspace's own."""
    region, known = work.configuration.locale.region, work.configuration.catalogue.entities
    in_force = [it for it in definitions if it["deleted_at"] is None and not it["retired"]]
    defined = by_entity((it["entity"], field) for it in in_force for field in fields_of(it, region))
    plugged = by_entity(
        (it.value.entity, field) for it in work.configuration.hooks.fields() for field in it.value.fields()
    )
    entities = {
        name: spec.cls.spec.extended([*plugged.get(name, ()), *defined.get(name, ())]) for name, spec in known.items()
    }
    return with_stages(entities, work.configuration.catalogue.pipelines.values())


def unkept(work: Block, new: Values, entities: Mapping[str, Spec]) -> Iterator[tuple[str, list[str]]]:
    """Refuse a roll-up that cannot be kept, or that tells everybody of a field that is not everybody's."""
    if new["rollup"] is None or new["retired"]:
        return
    field, *_ = fields_of(new, work.configuration.locale.region)
    try:
        found = kept(field, entities[new["entity"]], entities, work.configuration.locale)
    except ValueError as error:
        yield "rollup", [str(error)]
        return
    if _told(found):
        yield "sensitive", [f"is required: {_told(found)}"]


def needed(work: Block, change: Change, entities: Mapping[str, Spec]) -> Iterator[tuple[str, list[str]]]:
    """Refuse a change of a definition after which a roll-up that looks at its field could not be kept."""
    old = change.before or {}
    own = {field.name for field in fields_of(old, work.configuration.locale.region)}
    for spec, field, rollup in _looking_at(old["entity"], entities):
        if own & _names(rollup):
            problem = _problem(work, field, spec, entities)
            if problem:
                yield "key", [f"the roll-up {spec.name}.{field.name} needs it: {problem}"]


OWN_FIRST = "this workspace has a field of its own of that name, which is to be renamed first"


def clashing(entities: Mapping[str, Spec], added: Iterable[AddedField]) -> list[str]:
    """Return which fields that plugins add have the name of a field of the workspace's own."""
    return [
        f"{it.entity}.{each.name}"
        for it in added
        if it.entity in entities
        for each in it.fields()
        if each.name in entities[it.entity].fields and entities[it.entity].fields[each.name].defined
    ]


def misdeclared(configuration: Configuration) -> dict[str, str]:
    """Return the plugins with a roll-up that nobody computes, or a field that cannot be seen, each with a sentence."""
    entities, found = configuration.catalogue.entities, dict[str, str]()
    for declared in configuration.hooks.fields():
        added = declared.value
        for taken in clashing(entities, [added]):
            found[declared.plugin] = f"plugin {declared.plugin!r} adds {taken}, which nobody sees: {OWN_FIRST}"
        if added.rollup is None or added.entity not in entities:
            continue
        field, *_ = added.fields()
        try:
            kept(field, entities[added.entity], entities, configuration.locale)
        except ValueError as error:
            told = f"the roll-up {added.entity}.{added.name} cannot be kept, so nobody computes it: {error}"
            found[declared.plugin] = f"plugin {declared.plugin!r}: {told}"
    return found


def _looking_at(entity: str, entities: Mapping[str, Spec]) -> Iterator[tuple[Spec, Field, Rollup]]:
    for spec in entities.values():
        for field in spec.fields.values():
            if field.rollup is not None and field.rollup.over == entity:
                yield spec, field, field.rollup


def _names(rollup: Rollup) -> set[str]:
    """Return the fields that a roll-up names."""
    asked = () if rollup.where is None else names_in(condition(rollup.where))
    return {rollup.by, rollup.of or "", *asked}


def _problem(work: Block, field: Field, spec: Spec, entities: Mapping[str, Spec]) -> str | None:
    try:
        found = kept(field, spec, entities, work.configuration.locale)
    except ValueError as error:
        return str(error)
    return None if field.sensitive else _told(found)


def _told(found: Kept) -> str | None:
    """Say of which sensitive fields a roll-up tells that is not sensitive itself."""
    closed = sorted(name for name in found.watched if found.over.fields[name].sensitive)
    if not closed or found.field.sensitive:
        return None
    return f"the roll-up tells of {', '.join(f'{found.over.name}.{name}' for name in closed)}"
