"""What a workspace knows: the entities, pipelines and declarations of the core and of its active plugins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

import attrs

from opencrm.core.entities import Core, specs
from opencrm.core.entity import Entity, Spec
from opencrm.core.pipeline import Pipeline
from opencrm.core.pipeline.staging import given, with_stages
from opencrm.core.process.asking.web_forms import WebForm
from opencrm.core.process.reactions import TASK, Process, subjects_of
from opencrm.errors import NotFound
from opencrm.hooks import Declared, Exporter, Hooks, Importer, RoleTemplate, WebApp
from opencrm.services.definitions import loading
from opencrm.services.definitions.loading import Fields
from opencrm.services.definitions.process.loading import NOTHING, Defined, fitting, pipelines_of, rules_of

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Catalogue:
    """The declarations that are active in one workspace.

    Attributes:
        entities: By name.
        pipelines: By key.
        roles: Templates, by key.
        importers: Kinds of files that can be read, by name.
        exporters: Kinds of files that can be written, by name.
        apps: Web applications, by name.
        plugins: Names of the active plugins.
        forms: Web forms, by key, each with the plugin that brings it.
        process: What follows from changes, by the stages, the tasks and the rules.
        edition: Tells these custom fields, and those of stages, from others; empty where there are none.
        left_out: Pipelines and rules of the workspace's own that cannot be in force, each with a sentence.
    """

    entities: Mapping[str, Spec]
    pipelines: Mapping[str, Pipeline]
    roles: Mapping[str, RoleTemplate]
    importers: Mapping[str, Importer]
    exporters: Mapping[str, Exporter]
    apps: Mapping[str, WebApp]
    plugins: tuple[str, ...]
    forms: Mapping[str, Declared[WebForm]] = MappingProxyType({})
    edition: str = ""
    left_out: Mapping[str, str] = MappingProxyType({})
    process: Process = attrs.field(factory=Process)

    @classmethod
    def of(
        cls,
        hooks: Hooks,
        defined: Fields = MappingProxyType({}),
        processes: Defined = NOTHING,
        *,
        zone: str = "UTC",
    ) -> Catalogue:
        """Return the catalogue of the core with what the plugins registered.

        Args:
            hooks: The active plugins.
            defined: The custom fields of the workspace's own.
            processes: Its own pipelines and rules.
            zone: IANA name of the workspace's zone.
        """
        every = (*specs(Core), *(declared.value.spec for declared in hooks.entities()))
        plugged = loading.added(declared.value for declared in hooks.fields())
        entities = with_stages(
            {it.name: it.extended([*plugged.get(it.name, ()), *defined.get(it.name, ())]) for it in every},
            (it for _, it in pipelines_of(hooks, processes)),
        )
        own = fitting(processes, hooks, entities)
        return cls(
            entities=entities,
            process=Process(
                pipelines_of(hooks, own),
                rules_of(hooks, own),
                subjects_of(entities[TASK]),
                zone,
                [(it.plugin, it.value) for it in hooks.slas()],
            ),
            edition=loading.edition(plugged, defined, given(entities)),
            pipelines=MappingProxyType({it.key: it for _, it in pipelines_of(hooks, own)}),
            left_out=own.left_out,
            roles=_by(hooks.roles(), "key"),
            importers=_by(hooks.importers(), "name"),
            exporters=_by(hooks.exporters(), "name"),
            apps=_by(hooks.apps(), "name"),
            forms=MappingProxyType({it.value.key: it for it in hooks.forms()}),
            plugins=tuple(plugin.name for plugin in hooks.plugins),
        )

    def entity(self, name: str | type[Entity] | Spec) -> Spec:
        """Return an entity by its name, its plural (as in addresses, with hyphens, too) or its class.

        Raises:
            NotFound: This workspace has no such entity.
        """
        if not isinstance(name, str):
            name = name.name if isinstance(name, Spec) else name.spec.name
        found = self.named(name.replace("-", "_"))
        if found is None:
            raise NotFound(f"there is no entity {name!r}; known are {', '.join(sorted(self.entities))}", entity=name)
        return found

    def named(self, name: str) -> Spec | None:
        """Return the entity of that name or plural, if there is one."""
        return self.entities.get(name) or next((spec for spec in self.entities.values() if spec.plural == name), None)

    def pipelines_of(self, entity: str) -> tuple[Pipeline, ...]:
        """Return the pipelines that an entity's records may stand in."""
        return tuple(pipeline for pipeline in self.pipelines.values() if pipeline.entity == entity)


def _by(declared: Iterable[Declared[T]], key: str) -> Mapping[str, T]:
    return MappingProxyType({getattr(each.value, key): each.value for each in declared})
