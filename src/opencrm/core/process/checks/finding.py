"""What a check finds, and what it must know to find it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

import attrs

from opencrm.core.conditions import Condition
from opencrm.core.entity import Spec
from opencrm.core.entity.paths import link_of, parted, target_of
from opencrm.core.pipeline.definition import Pipeline
from opencrm.core.process.actions import Needs


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

    def wrong(self, spec: Spec, name: str) -> str | None:
        """Say what is wrong with a field that is named; None where it can be used."""
        if name not in self.readable(spec):
            return f"{spec.name} has no field {name!r}"
        if name in self.closed(spec):
            return f"{spec.name}.{name} is closed to automations, since it is {spec.fields[name].sensitive}"
        return None

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
