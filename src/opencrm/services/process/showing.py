"""What services show of a record: where a definition has them called, judged as its author's own reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from opencrm.core.access.grants import Grant, Scope
from opencrm.core.access.openness import Openness
from opencrm.core.access.rights import Rights
from opencrm.core.entity import Spec
from opencrm.core.entity.paths import link_of, parted, target_of
from opencrm.core.process.actions import Call
from opencrm.core.process.checks import Known
from opencrm.core.process.values import Value, places
from opencrm.errors import OpenCRMError
from opencrm.services.files import data
from opencrm.services.files.data import DataPath
from opencrm.services.reading.reader import Reader

Calls: TypeAlias = Iterable[tuple[Call, Sequence[str]]]
"""Calls of services, each with the entities of the records that it may be about."""

CHANGED = "what it shows has changed since the pipeline or rule was saved: it is to be saved again"


def depends(call: Call) -> bool:
    """Say whether what a call names depends on the record."""
    return any(isinstance(it, Value) or (isinstance(it, str) and places(it)) for it in call.values.values())


def unfit(reader: Reader, known: Known, call: Call, entity: str) -> Iterator[str]:
    """Say what a call shows of an entity's records that whoever has it called, or automations, may not read."""
    if reader.configuration.hooks.tells(call.service) and depends(call):
        yield f"what {call.service!r} shows must not depend on the record: name it as it is"
        return
    spec = known.entities[entity]
    for path in _paths(reader, call, entity):
        wrong = _wrong(known, spec, path)
        if wrong is not None:
            yield f"{call.service!r} shows {path}: {wrong}"


def grants(reader: Reader, calls: Calls) -> Iterator[Grant]:
    """Give the grants that calls need for what they show; parts are read with what they are parts of.

    Args:
        reader: Whoever has them called.
        calls: The calls.
    """
    for call, entities in calls:
        for entity in entities:
            for path in _paths(reader, call, entity):
                yield from (Grant(it, "read", Scope.ALL) for it in _entities(reader, entity, path))


def approvable(reader: Reader, calls: Calls) -> list[str]:
    """Return all that calls show: each path behind the entity that it begins at."""
    found = (f"{entity}.{it}" for call, several in calls for entity in several for it in _paths(reader, call, entity))
    return sorted({*found})


def unapproved(reader: Reader, automation: str, service: str, entity: str, values: Mapping[str, Any]) -> list[str]:
    """Return what a service shows that nobody approved for an automation; nothing of a plugin's.

    Args:
        reader: Who may read what tells it.
        automation: As whom it is called.
        service: The service.
        entity: What it is about.
        values: Those of the call.
    """
    approved = reader.configuration.shown(automation)
    if approved is None:
        return []
    return [
        it
        for it in reader.configuration.hooks.reads(service, reader, entity, values)
        if _named(entity, it) not in approved
    ]


def check(reader: Reader, automation: str, service: str, entity: str, values: Mapping[str, Any] | None) -> None:
    """Refuse a call that shows what nobody approved for the automation; of no values, there is none.

    Raises:
        PermissionDenied: It does.
    """
    if values is not None and unapproved(reader, automation, service, entity, values):
        raise reader.rights.denied(f"{entity}.read", f"{service}: {CHANGED}")


def grown(reader: Reader, automation: str, calls: Calls) -> Iterator[str]:
    """Say what calls show that nobody approved yet."""
    for call, entities in calls:
        for entity in () if depends(call) else entities:
            several = unapproved(reader, automation, call.service, entity, call.values)
            if several:
                told = f"{call.service!r} shows {', '.join(several)} of {entity}"
                yield f"{told}, which it did not when this was saved: it is to be saved again"


def hidden(reader: Reader, inner: Rights, call: Call, entity: str) -> str | None:
    """Say what a call shows that some role may not read, which reads the records on which it is shown.

    Args:
        reader: Of the system.
        inner: What the automation may do.
        call: The call.
        entity: What it is about.
    """
    entities = reader.configuration.catalogue.entities
    paths = [] if depends(call) else [*_paths(reader, call, entity)]
    found: dict[str, dict[str, None]] = {}
    for role in reader.rights.organisation.roles.values():
        one = Openness(role.grants, role.field_rules, everything=role.owner)
        for path in paths if role.reads(entity) else ():
            if any(not one.opens(spec, name, "read") for spec, name in _fields(entities, inner, entity, path)):
                found.setdefault(str(path), {})[role.key] = None
    if not found:
        return None
    roles = sorted({key for several in found.values() for key in several})
    shown = f"{call.service!r} shows {', '.join(found)} to whoever reads the {entity}"
    return f"{shown}, also to roles that cannot read it: {', '.join(roles)}"


def _paths(reader: Reader, call: Call, entity: str) -> Iterator[DataPath]:
    """Give what a call shows, as far as whoever reads may know: nothing of what they may not know of."""
    spec = reader.configuration.catalogue.entities.get(entity)
    if spec is None or depends(call):
        return
    try:
        told = reader.configuration.hooks.reads(call.service, reader, entity, call.values)
    except OpenCRMError:
        return
    paths = {raw: data.data_path(raw) for raw in told}
    astray = data.astray(spec, paths, reader.configuration.catalogue.entities)
    yield from (it for raw, it in paths.items() if raw not in astray)


def _entities(reader: Reader, entity: str, it: DataPath) -> Iterator[str]:
    """Give the entities that a path reads, beside the one that it begins at."""
    entities = reader.configuration.catalogue.entities
    reference, part = parted(it.path)[0], data.part_of(entities[entity], it, entities)
    target = target_of(entities[entity], reference) if reference else None
    yield from () if target is None else (target,)
    yield from () if part is None or part[0].options.part_of else (part[0].name,)


def _wrong(known: Known, spec: Spec, it: DataPath) -> str | None:
    """Say why the author, or an automation, may not read what a path leads to; None where they may."""
    part = data.part_of(spec, it, known.entities)
    if part is None:
        return known.astray(spec.name, it.path)
    reference, readable = parted(it.path)[0], known.readable(part[0])
    wrong = known.wrong(spec, link_of(spec, reference)) if reference else None
    beyond = [name for name, field in part[0].fields.items() if field.sensitive is None and name not in readable]
    return wrong or ("its rows hold what you may not read" if beyond else None)


def _fields(entities: Mapping[str, Spec], inner: Rights, entity: str, it: DataPath) -> Iterator[tuple[Spec, str]]:
    """Give the fields that a path shows to an automation."""
    spec, (reference, name) = entities[entity], parted(it.path)
    part = data.part_of(spec, it, entities)
    end = part[0] if part else entities[target_of(spec, reference) or ""] if reference else spec
    readable = inner.readable(end)
    yield from ((end, each) for each in (end.fields if part else (name,)) if each in readable)


def _named(entity: str, path: str) -> str:
    return f"{entity}.{data.data_path(path)}"
