"""The typed way to the plugins: the rest of opencrm calls hooks here, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeAlias, TypeVar

import attrs
from sqlalchemy import Table

from opencrm.core.access.grants import Grant
from opencrm.core.access.guards import Guard
from opencrm.core.change import Change, JournalEntry, Kind, Objection
from opencrm.core.custom import AddedField
from opencrm.core.entity import Entity
from opencrm.core.pipeline import Pipeline
from opencrm.core.ports import AfterDoor, Door
from opencrm.core.process.actions import Needs, cure
from opencrm.core.process.asking.web_forms import WebForm
from opencrm.core.process.rules import Rule
from opencrm.core.process.timing.slas import Sla
from opencrm.errors import ConfigurationError, OpenCRMError, PluginError
from opencrm.hooks.contents import Upload, UploadDoor
from opencrm.hooks.declarations import Action, Exporter, Importer, RoleTemplate, Service, WebApp
from opencrm.hooks.people import Attempt, Identity, IdentityDoor, Message
from opencrm.hooks.plugin import Plugin, claim, core_claims, needs_of_services
from opencrm.hooks.registration import Implementation, hook_names, traced

T = TypeVar("T")

Calls: TypeAlias = tuple[Implementation, ...]

DoorFor: TypeAlias = Callable[[str], Door]
"""Gives the door of the plugin of that name."""


@attrs.frozen
class Declared(Generic[T]):
    """A declaration, and the plugin that registered it."""

    plugin: str
    value: T


@attrs.frozen
class Failed:
    """A delivery that went wrong; the queue tries it again.

    Attributes:
        plugin: Whose delivery it was.
        error: What happened, with its cause.
    """

    plugin: str
    error: PluginError

    @property
    def text(self) -> str:
        """What happened, in one line."""
        return str(self.error)


class Hooks:
    """The hooks of one set of plugins, with their call lists compiled.

    Args:
        plugins: The active plugins, in any order.
        trace: Whether each call leaves a line on stderr.

    Raises:
        PluginError: Two plugins register the same thing; names both.
    """

    def __init__(self, plugins: Sequence[Plugin], *, trace: bool = False) -> None:
        self.plugins = tuple(sorted(plugins, key=_rank))
        _check_claims(self.plugins)
        calls = _compiled(self.plugins)
        self._who = tuple(call for name in hook_names() for call in calls[name])
        wrapped = {name: tuple(map(traced, found)) if trace else found for name, found in calls.items()}
        self._check_change = wrapped["opencrm_check_change"]
        self._check_move = wrapped["opencrm_check_move"]
        self._check_content = wrapped["opencrm_check_content"]
        self._record_change = wrapped["opencrm_record_change"]
        self._provide_identity = _box_last(self.plugins, wrapped["opencrm_provide_identity"])
        self._deliver_message = _box_last(self.plugins, wrapped["opencrm_provide_delivery"])
        self._on_change = {call.plugin: call for call in wrapped["opencrm_on_change"]}

    # What the plugins registered.

    def entities(self) -> list[Declared[type[Entity]]]:
        """Return the plugins' entities."""
        return [Declared(it.name, value) for it in self.plugins for value in it.declared.entities]

    def fields(self) -> list[Declared[AddedField]]:
        """Return the fields that plugins add to others' entities."""
        return [Declared(it.name, value) for it in self.plugins for value in it.declared.fields]

    def tables(self, plugin: str) -> list[Table]:
        """Return the tables of one plugin that are not records."""
        return [table for it in self.plugins if it.name == plugin for table in it.declared.tables]

    def pipelines(self) -> list[Declared[Pipeline]]:
        """Return the plugins' pipelines."""
        return [Declared(it.name, value) for it in self.plugins for value in it.declared.pipelines]

    def rules(self) -> list[Declared[Rule]]:
        """Return the plugins' rules."""
        return [Declared(it.name, value) for it in self.plugins for value in it.declared.rules]

    def slas(self) -> list[Declared[Sla]]:
        """Return the plugins' promises about time."""
        return [Declared(it.name, value) for it in self.plugins for value in it.declared.slas]

    def forms(self) -> list[Declared[WebForm]]:
        """Return the plugins' web forms."""
        return [Declared(it.name, value) for it in self.plugins for value in it.declared.forms]

    def roles(self) -> list[Declared[RoleTemplate]]:
        """Return the roles that a new workspace starts with."""
        return [Declared(it.name, value) for it in self.plugins for value in it.declared.roles]

    def grants(self, plugin: str) -> list[Grant]:
        """Return the grants that one plugin's Automation asks for."""
        return [grant for it in self.plugins if it.name == plugin for grant in it.declared.grants]

    def actions(self) -> list[Declared[Action]]:
        """Return what plugins bring that can be done to records."""
        return [Declared(it.name, value) for it in self.plugins for value in it.declared.actions]

    def guards(self) -> list[Declared[Guard]]:
        """Return the restrictions that plugins bring."""
        return [Declared(it.name, value) for it in self.plugins for value in it.declared.guards]

    def services(self) -> list[Declared[Service]]:
        """Return what rules can have done after a commit."""
        return [Declared(it.name, value) for it in self.plugins for value in it.declared.services]

    def needs(self) -> Needs:
        """Return what services must be allowed, by the service."""
        return needs_of_services(self.plugins)

    def service(self, name: str) -> Callable[[Any, Mapping[str, Any]], Any]:
        """Return what does a service; what it raises names its plugin.

        Raises:
            ConfigurationError: No active plugin brings it.
        """
        found = self._serving(name)
        if found is None:
            raise ConfigurationError(f"there is no service {name!r}: {cure(name)}")
        return found.run

    def serves(self, name: str) -> bool:
        """Say whether an active plugin brings a service."""
        return self._serving(name) is not None

    def by_hand(self, name: str) -> Callable[[Any, Mapping[str, Any]], Any] | None:
        """Return what does a service that people may ask for; None where no active plugin brings such a one."""
        found = self._serving(name)
        return found.run if found is not None and found.service.by_hand else None

    def demands(self, name: str) -> Callable[[Any, Mapping[str, Any]], Sequence[str]] | None:
        """Return what says what is missing for a service; None where nothing can be, or no active plugin brings it."""
        found = self._serving(name)
        return found.missing if found is not None and found.service.check is not None else None

    def unready(self, name: str, reader: Any, entities: Sequence[str], values: Mapping[str, Any]) -> Sequence[str]:
        """Return what is missing for calls of a service, whatever the record.

        Raises:
            PluginError: The service fails.
        """
        found = self._serving(name)
        return () if found is None else found.unready(reader, entities, values)

    def tells(self, name: str) -> bool:
        """Say whether a service tells what it reads."""
        found = self._serving(name)
        return found is not None and found.service.reads is not None

    def reads(self, name: str, reader: Any, entity: str, values: Mapping[str, Any]) -> Sequence[str]:
        """Return what a call of a service reads of a record, as paths.

        Raises:
            PluginError: The service fails.
        """
        found = self._serving(name)
        return () if found is None else found.reads(reader, entity, values)

    def _serving(self, name: str) -> _Serving | None:
        found = ((it.name, service) for it in self.plugins for service in it.declared.services)
        return next((_Serving(plugin, service) for plugin, service in found if service.name == name), None)

    def importers(self) -> list[Declared[Importer]]:
        """Return the kinds of files that can be read."""
        return [Declared(it.name, value) for it in self.plugins for value in it.declared.importers]

    def exporters(self) -> list[Declared[Exporter]]:
        """Return the kinds of files that can be written."""
        return [Declared(it.name, value) for it in self.plugins for value in it.declared.exporters]

    def apps(self) -> list[Declared[WebApp]]:
        """Return the web applications."""
        return [Declared(it.name, value) for it in self.plugins for value in it.declared.apps]

    # What the plugins say to changes.

    def check_change(self, changes: Sequence[Change], door_for: DoorFor) -> list[Objection]:
        """Return every plugin's objections to changes that are about to be stored.

        Raises:
            PluginError: A plugin raised, or gave something else.
        """
        if not self._check_change:
            return []
        return _objections(self._check_change, changes, door_for)

    def check_move(self, changes: Sequence[Change], door_for: DoorFor) -> list[Objection]:
        """Return every plugin's objections to those of the changes in which a record enters a stage.

        Raises:
            PluginError: A plugin raised, or gave something else.
        """
        if not self._check_move:
            return []
        return _objections(self._check_move, [change for change in changes if _enters(change)], door_for)

    def check_content(self, upload: Upload, door_for: Callable[[str], UploadDoor]) -> list[Objection]:
        """Return every plugin's objections to a file that is about to be added to a record.

        Raises:
            PluginError: A plugin raised, or gave something else.
        """
        found: list[Objection] = []
        for call in self._check_content:
            for answer in call.run(upload, door_for(call.plugin)):
                if not isinstance(answer, Objection):
                    raise call.broken(f"gave {answer!r}, which is no Objection")
                found.append(answer)
        return found

    def record_change(self, changes: Sequence[Change], door_for: DoorFor) -> None:
        """Let the plugins write their own tables.

        Raises:
            PluginError: A plugin raised.
        """
        if not self._record_change:
            return
        for call, told in _told(self._record_change, changes):
            call.run(told, door_for(call.plugin))

    def on_change(self, plugin: str, entry: JournalEntry, door: AfterDoor) -> Failed | None:
        """Tell one plugin what happened; None where it took it, or does not listen."""
        call = self._on_change.get(plugin)
        if call is None or call.entity not in (None, entry.entity):
            return None
        try:
            call.run(entry, door)
        except PluginError as error:
            return Failed(plugin, error)
        return None

    # What opencrm asks plugins for.

    def identity(self, attempt: Attempt, door_for: Callable[[str], IdentityDoor]) -> Identity | None:
        """Return who signs in, as the first plugin says that judges the attempt; None where none does.

        Raises:
            PluginError: A plugin raised, or gave something else.
        """
        for call in self._provide_identity:
            for answer in call.run(attempt, door_for(call.plugin)):
                if not isinstance(answer, Identity):
                    raise call.broken(f"gave {answer!r}, which is no Identity")
                return answer
        return None

    def delivers(self, server: str | None) -> bool:
        """Say whether messages may be taken: a server is set, or a plugin from outside is asked."""
        box = {plugin.name for plugin in self.plugins if plugin.source == "box"}
        return server is not None or any(call.plugin not in box for call in self._deliver_message)

    def deliver(self, message: Message, server: str | None, sender: str) -> bool:
        """Say whether a plugin took a message.

        Raises:
            PluginError: A plugin raised.
        """
        return any(any(call.run(message, server, sender)) for call in self._deliver_message)

    def listeners(self, entity: str) -> tuple[str, ...]:
        """Return the names of the plugins that are told after an entity's records changed, in order."""
        return tuple(call.plugin for call in self._on_change.values() if call.entity in (None, entity))

    def who(self) -> Calls:
        """Return every implementation, by hook and in the order of calls."""
        return self._who


@attrs.frozen
class _Serving:
    """A service whose failures name its plugin."""

    plugin: str
    service: Service

    def run(self, door: Any, values: Mapping[str, Any]) -> Any:
        with self._named():
            return self.service.run(door, values)

    def missing(self, door: Any, values: Mapping[str, Any]) -> Sequence[str]:
        with self._named():
            return [str(text) for text in (self.service.check(door, values) if self.service.check else ())]

    def unready(self, reader: Any, entities: Sequence[str], values: Mapping[str, Any]) -> Sequence[str]:
        with self._named():
            return [str(text) for text in (self.service.ready(reader, entities, values) if self.service.ready else ())]

    def reads(self, reader: Any, entity: str, values: Mapping[str, Any]) -> Sequence[str]:
        with self._named():
            return [str(path) for path in (self.service.reads(reader, entity, values) if self.service.reads else ())]

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except OpenCRMError:
            raise
        except Exception as error:
            text = f"plugin {self.plugin!r} failed in the service {self.service.name}: {type(error).__name__}: {error}"
            raise PluginError(text, plugin=self.plugin) from error


def _rank(plugin: Plugin) -> tuple[bool, str]:
    return plugin.source != "box", plugin.name


def _check_claims(plugins: Iterable[Plugin]) -> None:
    taken = core_claims()
    for plugin in plugins:
        taken = claim(taken, plugin)


def _compiled(plugins: Sequence[Plugin]) -> dict[str, Calls]:
    """Return each hook's calls in their order: opencrm's own plugins, then priority, then name."""
    outside = {plugin.name: plugin.source != "box" for plugin in plugins}
    every = [call for plugin in plugins for call in plugin.implementations]
    every.sort(key=lambda call: (outside[call.plugin], -call.priority, call.plugin))
    return {name: tuple(call for call in every if call.hook == name) for name in hook_names()}


def _box_last(plugins: Iterable[Plugin], calls: Calls) -> Calls:
    """Return calls with those of opencrm's own plugins after all others: what is in the box is what is left."""
    box = {plugin.name for plugin in plugins if plugin.source == "box"}
    return tuple(sorted(calls, key=lambda call: call.plugin in box))


def _told(calls: Calls, changes: Sequence[Change]) -> Iterable[tuple[Implementation, tuple[Change, ...]]]:
    """Give each call with the changes that it is told, leaving out those that are told nothing."""
    every = tuple(changes)
    for call in calls:
        told = every if call.entity is None else tuple(each for each in every if each.entity == call.entity)
        if told:
            yield call, told


def _objections(calls: Calls, changes: Sequence[Change], door_for: DoorFor) -> list[Objection]:
    found: list[Objection] = []
    for call, told in _told(calls, changes):
        answers = call.run(told, door_for(call.plugin))
        if answers:
            found += _checked(call, told, answers)
    return found


def _checked(call: Implementation, told: Iterable[Change], answers: Iterable[Any]) -> Iterable[Objection]:
    """Refuse answers that would be lost: a plugin's check fails closed."""
    records = {change.id for change in told}
    for answer in answers:
        if not isinstance(answer, Objection):
            raise call.broken(f"gave {answer!r}, which is no Objection")
        if answer.record not in records:
            raise call.broken(f"objects to {answer.record!r}, which does not change")
        yield answer


def _enters(change: Change) -> bool:
    return change.kind is Kind.MOVED or (change.kind is Kind.CREATED and change.after.get("stage") is not None)
