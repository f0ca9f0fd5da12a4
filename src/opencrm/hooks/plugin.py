"""A plugin that was read and found sound: its implementations, and everything that it registers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType, ModuleType
from typing import Any, Literal, TypeAlias

import attrs
from sqlalchemy import Table

from opencrm.core.access.grants import Grant
from opencrm.core.access.guards import Guard
from opencrm.core.custom import KEY, AddedField
from opencrm.core.entities import Core
from opencrm.core.entity import CORE, Entity, Spec, specs
from opencrm.core.pipeline import Pipeline
from opencrm.core.process.actions import Needs
from opencrm.core.process.asking.web_forms import WebForm
from opencrm.core.process.checks import alone
from opencrm.core.process.needs import grants_for
from opencrm.core.process.reactions import Process
from opencrm.core.process.rules import Rule
from opencrm.core.process.timing.slas import Sla, grants_for_slas
from opencrm.errors import PluginError
from opencrm.hooks.declarations import Action, Exporter, Importer, RoleTemplate, Service, WebApp
from opencrm.hooks.registration import Implementation, implementations

Source: TypeAlias = Literal["box", "package", "file", "given"]
"""Where a plugin comes from: opencrm itself, an installed package, a plugin folder, the host program."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""What a plugin may be called; its tables begin with its name."""

_TYPES: Mapping[str, type] = MappingProxyType(
    {
        "actions": Action,
        "fields": AddedField,
        "tables": Table,
        "pipelines": Pipeline,
        "rules": Rule,
        "forms": WebForm,
        "slas": Sla,
        "roles": RoleTemplate,
        "services": Service,
        "grants": Grant,
        "guards": Guard,
        "importers": Importer,
        "exporters": Exporter,
        "apps": WebApp,
    }
)


@attrs.frozen(kw_only=True, slots=False)
class Declarations:
    """What a plugin registers, each kind in the order in which the plugin gave it."""

    actions: tuple[Action, ...] = ()
    entities: tuple[type[Entity], ...] = ()
    fields: tuple[AddedField, ...] = ()
    tables: tuple[Table, ...] = ()
    pipelines: tuple[Pipeline, ...] = ()
    rules: tuple[Rule, ...] = ()
    forms: tuple[WebForm, ...] = ()
    slas: tuple[Sla, ...] = ()
    roles: tuple[RoleTemplate, ...] = ()
    services: tuple[Service, ...] = ()
    grants: tuple[Grant, ...] = ()
    guards: tuple[Guard, ...] = ()
    importers: tuple[Importer, ...] = ()
    exporters: tuple[Exporter, ...] = ()
    apps: tuple[WebApp, ...] = ()

    def wanted(self, entities: Mapping[str, Spec], services: Needs) -> tuple[Grant, ...]:
        """Return what the plugin's Automation asks for: as it says, and what its pipelines, rules and forms need.

        Args:
            entities: Every entity by name.
            services: What the services need that it may call, its own and others'.
        """
        processes = grants_for(self.pipelines, self.rules, entities, services, self.forms)
        return tuple(dict.fromkeys((*self.grants, *processes, *grants_for_slas(self.slas, entities))))

    @cached_property
    def process(self) -> Process:
        """The plugin's pipelines and rules by themselves.

        Raises:
            ValueError: They contradict each other.
        """
        return Process([("", it) for it in self.pipelines], [("", it) for it in self.rules])

    def claims(self) -> Iterator[tuple[str, str]]:
        """Give what nobody else may claim, as kind and name."""
        for entity in self.entities:
            yield from _entity_claims(entity)
        yield from (("field", f"{added.entity}.{each.name}") for added in self.fields for each in added.fields())
        yield from (("action", action.name) for action in self.actions)
        yield from (("table", table.name) for table in self.tables)
        yield from (("pipeline", pipeline.key) for pipeline in self.pipelines)
        yield from (("task", kind) for kind in self.process.tasks)
        yield from (("rule", rule.key) for rule in self.rules)
        yield from (("form", form.key) for form in self.forms)
        yield from (("sla", sla.key) for sla in self.slas)
        yield from (("role", role.key) for role in self.roles)
        yield from (("importer", importer.name) for importer in self.importers)
        yield from (("exporter", exporter.name) for exporter in self.exporters)
        for app in self.apps:
            yield from (("web application", app.name), ("mount path", app.mount))


@attrs.frozen(kw_only=True, eq=False)
class Plugin:
    """A loaded plugin; classes are process-wide, so one value serves any number of workspaces.

    Attributes:
        name: Its name, which is the prefix of its tables.
        version: As its metadata says, or empty.
        source: Where it comes from.
        requires: The versions of opencrm that it accepts, such as `">=0.1,<1"`, or empty.
        module: Its module, or the object that was given.
        implementations: What it implements.
        declared: What it registers.
    """

    name: str
    version: str = ""
    source: Source
    requires: str = ""
    module: object
    implementations: tuple[Implementation, ...]
    declared: Declarations


def read_plugin(name: str, module: object, *, source: Source, version: str = "", requires: str = "") -> Plugin:
    """Return a plugin after checking its hooks and calling its `opencrm_register_*` ones.

    Args:
        name: Its name.
        module: Its module, or an object with methods.
        source: Where it comes from.
        version: As its metadata says.
        requires: The versions of opencrm that it accepts.

    Raises:
        PluginError: It breaks the contract; says where.
    """
    check_name(name)
    found = implementations(name, module)
    return Plugin(
        name=name,
        version=version,
        source=source,
        requires=requires,
        module=module,
        implementations=found,
        declared=_declarations(name, found),
    )


def given_plugin(it: object) -> Plugin:
    """Return the plugin that a host program hands over: `CRM(url, plugins=[it])`.

    Args:
        it: A loaded `Plugin`, a module, or an object with methods. An object is named by its attribute
            `name`, else by its class: `WelcomeCalls` and `WelcomeCallsPlugin` are `welcome_calls`.

    Raises:
        PluginError: It breaks the contract; says where.
    """
    if isinstance(it, Plugin):
        return it
    name = _name_of(it)
    if isinstance(it, type):
        raise PluginError(f"plugin {name!r}: give an object, {it.__name__}(), not its class", plugin=name)
    version = getattr(it, "__version__", "")
    return read_plugin(name, it, source="given", version=str(version))


def needs_of_services(plugins: Iterable[Plugin]) -> Needs:
    """Return what the services of plugins must be allowed, by the service."""
    return {it.name: it.needs for plugin in plugins for it in plugin.declared.services}


def check_name(name: str) -> None:
    """Refuse a name that cannot be a prefix of tables.

    Raises:
        PluginError: It is not lower-case letters, digits and `_`, or it is opencrm's own prefix.
    """
    if not NAME.fullmatch(name) or name == CORE:
        why = "a name is at most 40 lower-case letters, digits and _, begins with a letter, and is not 'crm'"
        raise PluginError(f"plugin {name!r}: {why}", plugin=name)


def core_claims() -> dict[tuple[str, str], str]:
    """Return what opencrm itself claims, with its name."""
    return {claim: "opencrm" for spec in specs(Core) for claim in _entity_claims(spec.cls)}


def claim(taken: Mapping[tuple[str, str], str], plugin: Plugin) -> dict[tuple[str, str], str]:
    """Return the claims with those of one more plugin.

    Args:
        taken: What is claimed already, and by whom.
        plugin: Who claims more.

    Raises:
        PluginError: Something is taken; names both.
    """
    claims = dict(taken)
    for kind, name in (("plugin", plugin.name), *plugin.declared.claims()):
        if (kind, name) in claims:
            holder = claims[kind, name]
            text = f"plugin {plugin.name!r}: {kind} {name!r} is registered by {holder!r} already"
            raise PluginError(text, plugin=plugin.name)
        claims[kind, name] = plugin.name
    return claims


def _entity_claims(entity: type[Entity]) -> Iterator[tuple[str, str]]:
    spec = entity.spec
    yield from (("entity", spec.name), ("address", spec.plural), ("table", spec.table.name))


def _declarations(plugin: str, found: tuple[Implementation, ...]) -> Declarations:
    registering = {it.hook.removeprefix("opencrm_register_"): it for it in found}
    given = {kind: _of_type(registering[kind], wanted) for kind, wanted in _TYPES.items() if kind in registering}
    if "entities" in registering:
        given["entities"] = tuple(_entity(registering["entities"], each) for each in registering["entities"].run())
    for action in given.get("actions", ()):
        if not action.name.startswith(f"{registering['actions'].plugin}_"):
            raise registering["actions"].broken(f"{action.name!r} must begin with the plugin's name and _")
    for service in given.get("services", ()):
        if not service.name.startswith(f"{registering['services'].plugin}_"):
            raise registering["services"].broken(f"{service.name!r} must begin with the plugin's name and _")
    for added in given.get("fields", ()):
        _check_field(registering["fields"], added)
    for table in given.get("tables", ()):
        _check_table(registering["tables"], table)
    declared = Declarations(**given)
    processes = registering.get("rules") or registering.get("pipelines")
    if processes is not None:
        _guarded(processes, lambda: declared.process)
        for wrong in alone(declared.pipelines, declared.rules):
            raise processes.broken(wrong)
    return declared


def _of_type(implementation: Implementation, wanted: type) -> tuple[Any, ...]:
    answers = implementation.run()
    for answer in answers:
        if not isinstance(answer, wanted):
            raise implementation.broken(f"gave {answer!r}, which is no {wanted.__name__}")
    return answers


def _entity(implementation: Implementation, answer: Any) -> type[Entity]:
    """Check an entity: its prefix, and that whatever its base maps can be resolved."""
    if not (isinstance(answer, type) and issubclass(answer, Entity) and hasattr(answer, "spec")):
        raise implementation.broken(f"gave {answer!r}, which is no entity's class")
    if answer.prefix != implementation.plugin:
        why = f"{answer.__name__} stands on a base of prefix {answer.prefix!r}, not {implementation.plugin!r}"
        raise implementation.broken(why)
    _guarded(implementation, answer.registry.configure)
    return answer


def _guarded(implementation: Implementation, act: Callable[[], object]) -> None:
    try:
        act()
    except Exception as error:
        raise implementation.broken(f"{type(error).__name__}: {error}") from error


def _check_field(implementation: Implementation, added: AddedField) -> None:
    if not KEY.fullmatch(added.name) or not added.name.startswith(f"{implementation.plugin}_"):
        raise implementation.broken(f"field {added.name!r} must be called {implementation.plugin}_..., at most 40 long")
    if added.required and not added.settable:
        raise implementation.broken(f"field {added.name!r} cannot be required and not settable")


def _check_table(implementation: Implementation, table: Table) -> None:
    if table.metadata is Core.metadata:
        raise implementation.broken(f"table {table.name!r} stands on opencrm's MetaData; make your own")
    if not table.name.startswith(f"{implementation.plugin}_"):
        raise implementation.broken(f"table {table.name!r} must be called {implementation.plugin}_...")


def _name_of(it: object) -> str:
    named = it.__name__.rpartition(".")[2] if isinstance(it, ModuleType) else getattr(it, "name", None)
    if isinstance(named, str):
        return named.removeprefix("opencrm_")
    cls = it if isinstance(it, type) else type(it)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__.strip("_")).lower()
    return words.removesuffix("_plugin") or words
