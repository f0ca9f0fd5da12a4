"""Which plugins there are, and which of them a workspace runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import attrs

from opencrm.app.box import ALWAYS, OPTIONAL
from opencrm.core.change import Values
from opencrm.core.process.actions import RECORD, Needs
from opencrm.core.values import offered
from opencrm.errors import NotFound, OpenCRMError, PluginError
from opencrm.hooks import (
    Calls,
    Declared,
    Found,
    Plugin,
    Service,
    Source,
    check_together,
    discover,
    fitting,
    given_plugin,
    load,
    load_all,
    needs_of_services,
)
from opencrm.services.definitions.depending import misdeclared
from opencrm.services.plugins import PluginState
from opencrm.services.workspaces.configuration import Configuration


@attrs.frozen
class _Refused:
    """Why a plugin is left out, and where it comes from."""

    reason: str
    source: Source


@cache
def _box(name: str, where: str) -> Plugin:
    """Load a plugin of the box, once in the process: a loaded plugin serves any number of workspaces."""
    [found] = [each for each in discover({name: where}) if each.source == "box"]
    return load(found)


class Plugins:
    """The plugins within reach of one workspace.

    Args:
        given: What the host program passes; always active.
        folder: Files of it are plugins that are always active; one that does not go with the others is left out.
        safe: Run none but those that every workspace needs.

    Raises:
        PluginError: Two that the host passes do not go together; names both.
    """

    def __init__(self, given: Iterable[object], folder: Path | None, *, safe: bool) -> None:
        self._safe = safe
        self._folder = folder
        self._refused: dict[str, _Refused] = {}
        self.always = [_box(name, where) for name, where in ALWAYS.items()]
        passed = [] if safe else [*map(given_plugin, given)]
        check_together([*self.always, *passed])
        self.given = [] if safe else [*passed, *self._files([*self.always, *passed])]
        self._others: dict[str, Plugin] | None = None

    def active(self, enabled: Mapping[str, Values]) -> list[Plugin]:
        """Return the plugins that run where these are enabled; one that cannot be loaded is left out."""
        fixed = [*self.always, *self.given]
        names = {plugin.name for plugin in fixed}
        if self._safe or not set(enabled) - names:
            return fixed
        others = self._loaded()
        wanted = [*fixed, *(others[name] for name in enabled if name in others and name not in names)]
        kept, refused = fitting(wanted)
        for name, reason in refused:
            self.refuse(name, reason)
        return kept

    def find(self, name: str) -> Plugin:
        """Return the plugin of that name, to be enabled.

        Raises:
            NotFound: There is none.
            PluginError: It cannot be used; says why.
        """
        if any(plugin.name == name for plugin in (*self.always, *self.given)):
            raise PluginError(f"plugin {name!r} is always active here", plugin=name)
        found = self._loaded().get(name)
        if found is not None:
            return found
        if name in self._refused:
            raise PluginError(self._refused[name].reason, plugin=name)
        raise NotFound(f"there is no plugin {name!r}{offered(sorted(self._loaded()))}", plugin=name)

    @property
    def needs(self) -> Needs:
        """What the services of all plugins must be allowed, active or not: one may be enabled after who calls it."""
        return needs_of_services([*self.always, *self.given, *self._loaded().values()])

    def refuse(self, name: str, reason: str) -> None:
        """Leave a plugin out from now on, and remember why."""
        known = [plugin for plugin in (*self.given, *self._loaded().values()) if plugin.name == name]
        self._refused[name] = _Refused(reason, known[0].source if known else "package")
        self._loaded().pop(name, None)

    def problems(self, enabled: Iterable[str]) -> dict[str, str]:
        """Return why plugins that are to run here do not, by name: those of the host, of the folder, and enabled ones.

        Args:
            enabled: The plugins that an owner switched on.
        """
        if self._safe:
            return {}
        told = {name: " ".join(it.reason.split()) for name, it in self._refused.items() if it.source != "package"}
        running = {plugin.name for plugin in (*self.always, *self.given)}
        for name in [] if running.issuperset(enabled) else enabled:
            if name not in running and name not in self._loaded():
                told[name] = self._refused[name].reason if name in self._refused else _missing(name)
        return told

    def states(self, active: Sequence[str]) -> list[PluginState]:
        """Return every plugin, usable or not, as an owner sees it."""
        fixed = {plugin.name: plugin for plugin in (*self.always, *self.given)}
        others = self._loaded()
        known = [
            _state(plugin, active, switchable=plugin.name in others) for plugin in (*fixed.values(), *others.values())
        ]
        broken = [
            PluginState(name=name, version="", source=it.source, active=False, switchable=False, problem=it.reason)
            for name, it in self._refused.items()
        ]
        return [*known, *broken]

    def _loaded(self) -> dict[str, Plugin]:
        """Load the plugins that may be enabled, at the first need: looking for packages takes time."""
        if self._others is None:
            taken = {plugin.name for plugin in (*self.always, *self.given)} | set(OPTIONAL)
            packages = [] if self._safe else [found for found in self._found() if found.name not in taken]
            loaded, refused = load_all(packages)
            self._refused |= _all_from("package", refused)
            box = [_box(name, where) for name, where in OPTIONAL.items()]
            self._others = {plugin.name: plugin for plugin in (*box, *loaded)}
        return self._others

    def _found(self) -> list[Found]:
        return [found for found in discover({}) if found.source == "package"]

    def _files(self, beside: Sequence[Plugin]) -> list[Plugin]:
        if self._folder is None:
            return []
        loaded, refused = load_all(found for found in discover({}, self._folder) if found.source == "file")
        kept, clashing = fitting([*beside, *loaded])
        self._refused |= _all_from("file", [*refused, *clashing])
        return [plugin for plugin in kept if plugin in loaded]


def deaf(calls: Calls, entities: Iterable[str]) -> dict[str, str]:
    """Return the plugins with a hook for an entity that is not there, which is never called, each with a sentence.

    Args:
        calls: Every implementation.
        entities: The names of those there are.
    """
    there = {None, *entities}
    text = "plugin {!r}, {}: there is no entity {!r} here, so it is never called"
    return together(
        {call.plugin: text.format(call.plugin, call.hook, call.entity)} for call in calls if call.entity not in there
    )


def together(several: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return what is said of each name: a sentence a line, each once."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for each in several:
        for name, text in each.items():
            found[name] |= dict.fromkeys(text.splitlines())
    return {name: "\n".join(lines) for name, lines in found.items()}


def lacking(services: Iterable[Declared[Service]], entities: Iterable[str]) -> dict[str, str]:
    """Return the plugins with a service that needs an entity that is not there, each with a sentence.

    Args:
        services: Every service.
        entities: The names of the entities there are.
    """
    there = {RECORD, *entities}
    text = "plugin {!r}, the service {!r}: there is no entity {!r} here, so no rule as text can call it"
    return together(
        {it.plugin: text.format(it.plugin, it.value.name, need.entity)}
        for it in services
        for need in it.value.needs
        if need.entity not in there
    )


def miscounting(configuration: Callable[[], Configuration]) -> dict[str, str]:
    """Return the plugins with a roll-up that cannot be kept, each with a sentence.

    Args:
        configuration: Gives what is in force; without it, nothing is told.
    """
    with suppress(OpenCRMError):
        return misdeclared(configuration())
    return {}


def _missing(name: str) -> str:
    return f"plugin {name!r} is enabled here, and is not installed"


def _all_from(source: Source, refused: Iterable[tuple[str, str]]) -> dict[str, _Refused]:
    return {name: _Refused(reason, source) for name, reason in refused}


def _state(plugin: Plugin, active: Sequence[str], *, switchable: bool) -> PluginState:
    return PluginState(
        name=plugin.name,
        version=plugin.version,
        source=plugin.source,
        active=plugin.name in active,
        switchable=switchable,
    )
