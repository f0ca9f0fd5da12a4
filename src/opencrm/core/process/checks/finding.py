"""What a check finds, and what it must know to find it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType

import attrs

from opencrm.core.conditions import Condition
from opencrm.core.entity import Spec
from opencrm.core.entity.paths import link_of, parted, target_of
from opencrm.core.pipeline.definition import Pipeline
from opencrm.core.process.actions import Call, Needs


@attrs.frozen
class Finding:
    """Something that is wrong with a declaration.

    Attributes:
        at: Where: `definition.do[1].update.amount`.
        text: What.
        grave: Whether it is refused; what is not grave is told.
    """

    at: str
    text: str
    grave: bool = True


@attrs.frozen(kw_only=True, eq=False)
class Known:
    """What declarations may name.

    Attributes:
        entities: Every entity, by name.
        pipelines: Every pipeline, by key.
        tasks: For each kind of task that is given, what the records are that it may be about.
        subjects: The entities that a task can be about.
        roles: The keys of the roles.
        services: What `call` may name, each with what it must be allowed.
        forms: For each web form, what it is about.
        readable: Gives the fields that the author may read; another one does not exist for them.
        writable: Gives the fields that the author may write.
        closed: Gives those that the author may read and automations may not: some role may not.
        check: Judges a condition about an entity; raises InputError.
        acting_as: Gives the same for what acts as a plugin's automation.
        unfit: Says what of what a call reads of an entity's records may not be read.
    """

    entities: Mapping[str, Spec]
    pipelines: Mapping[str, Pipeline]
    tasks: Mapping[str, Collection[str]] = MappingProxyType({})
    subjects: Collection[str] = ()
    roles: Collection[str] = ()
    services: Needs = MappingProxyType({})
    forms: Mapping[str, Collection[str]] = MappingProxyType({})
    readable: Callable[[Spec], Collection[str]]
    writable: Callable[[Spec], Collection[str]]
    closed: Callable[[Spec], Collection[str]]
    check: Callable[[Spec, Condition], object]
    acting_as: Callable[[str], Known] | None = None
    unfit: Callable[[Known, Call, str], Iterable[str]] = lambda *_: ()

    def wrong(self, spec: Spec, name: str) -> str | None:
        """Say what is wrong with a field that is named; None where it can be used."""
        if name not in self.readable(spec):
            return f"{spec.name} has no field {name!r}"
        return _closed(spec, name) if name in self.closed(spec) else None

    def shut(self, entity: str, path: str) -> str | None:
        """Say why a field that the author may read is closed to what acts as an automation; None where it is not."""
        reference, name = parted(path)
        spec = self.entities[entity]
        if reference:
            field, target = link_of(spec, reference), self.entities.get(target_of(spec, reference) or "")
            if target is None or field in self.closed(spec):
                return None if target is None else _closed(spec, field)
            spec = target
        return _closed(spec, name) if name in self.closed(spec) else None

    def astray(self, entity: str, path: str) -> str | None:
        """Say what is wrong with a path, such as `"amount"` or `"contact.name"`; None where it can be used."""
        reference, name = parted(path)
        spec = self.entities[entity]
        if not reference:
            return self.wrong(spec, name)
        field, target = link_of(spec, reference), self.entities.get(target_of(spec, reference) or "")
        if target is None or field not in self.readable(spec):
            return f"{entity} has no field {path!r}"
        return self.wrong(spec, field) or self.wrong(target, name)


def _closed(spec: Spec, name: str) -> str:
    """Say that automations may not know of a field, and what can be done about it."""
    field = spec.fields[name]
    text = f"{spec.name}.{name} is closed to automations: its label is {field.sensitive!r}"
    if field.defined:
        return f"{text}; define it without `sensitive`"
    if field.custom:
        return f"{text}; declare it with sensitive=None, or what uses it in the plugin that adds it"
    return f"{text}, and nothing opens it to them"
