"""Finding plugins by their metadata, and loading those that fit; one that breaks leaves the rest alive."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata, util
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

import attrs
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from opencrm.core.process.checks import unmet
from opencrm.errors import ConfigurationError, PluginError
from opencrm.hooks.markers import HOOK_API
from opencrm.hooks.metadata import read_file_metadata
from opencrm.hooks.plugin import Plugin, Source, check_name, claim, core_claims, read_plugin

GROUP = "opencrm"
"""The group of entry points under which packages name their plugins."""

DISTRIBUTION = "opencrm"

Refusals: TypeAlias = list[tuple[str, str]]
"""Names of plugins that are left out, each with the reason."""


@attrs.frozen(kw_only=True)
class Found:
    """A plugin that was found, and none of whose code has run.

    Attributes:
        name: Its name.
        version: As its metadata says, or empty.
        source: Where it comes from.
        where: Its module, or its file.
        requires: The versions of opencrm that it accepts, or empty.
        refused: Why it cannot be loaded, or None.
    """

    name: str
    version: str = ""
    source: Source
    where: str
    requires: str = ""
    refused: str | None = None


def discover(builtins: Mapping[str, str], plugin_dir: Path | None = None) -> list[Found]:
    """Return every plugin there is, without running any of its code.

    Args:
        builtins: The plugins in the box: dotted name of the module by plugin.
        plugin_dir: A folder of plugins of one file each; files that begin with `_` are left out.

    Raises:
        ConfigurationError: The folder does not exist.
    """
    version = _installed(DISTRIBUTION) or ""
    box = [Found(name=name, version=version, source="box", where=where) for name, where in builtins.items()]
    return list(_first_of_each_name([*box, *_packages(), *_files(plugin_dir)]))


def load(found: Found) -> Plugin:
    """Import a plugin and return it, checked.

    Raises:
        PluginError: It does not fit, cannot be imported, or breaks the contract; says which plugin and why.
    """
    if found.refused is not None:
        raise PluginError(f"plugin {found.name!r}: {found.refused}", plugin=found.name)
    check_name(found.name)
    try:
        module = _import_file(found) if found.source == "file" else _import(found)
    except (Exception, SystemExit) as error:
        text = f"plugin {found.name!r} cannot be imported: {type(error).__name__}: {error}"
        raise PluginError(text, plugin=found.name) from error
    return read_plugin(found.name, module, source=found.source, version=found.version, requires=found.requires)


def load_all(found: Iterable[Found]) -> tuple[list[Plugin], Refusals]:
    """Load what can be loaded; the earlier keeps what two claim.

    Returns:
        The plugins, which fit together, and those refused with the reasons.
    """
    plugins: list[Plugin] = []
    refused: Refusals = []
    for each in found:
        try:
            plugins.append(load(each))
        except PluginError as error:
            refused.append((each.name, str(error)))
    kept, clashing = fitting(plugins)
    return kept, [*refused, *clashing]


def fitting(plugins: Iterable[Plugin]) -> tuple[list[Plugin], Refusals]:
    """Return those of the plugins that can be active together, the earlier first, and those refused."""
    taken = core_claims()
    kept: list[Plugin] = []
    refused: Refusals = []
    for plugin in plugins:
        try:
            taken = claim(taken, plugin)
        except PluginError as error:
            refused.append((plugin.name, str(error)))
        else:
            kept.append(plugin)
    return kept, refused


def check_together(plugins: Iterable[Plugin]) -> None:
    """Refuse plugins that cannot be active together.

    Raises:
        PluginError: Two register the same thing, or one waits for what can never come; names them.
    """
    plugins, taken = tuple(plugins), core_claims()
    for plugin in plugins:
        taken = claim(taken, plugin)
    pipelines = {it.key: it for plugin in plugins for it in plugin.declared.pipelines}
    for plugin in plugins:
        for wrong in unmet(pipelines, [*plugin.declared.pipelines, *plugin.declared.rules]):
            raise PluginError(f"plugin {plugin.name!r}: {wrong}", plugin=plugin.name)


def _first_of_each_name(found: Iterable[Found]) -> Iterator[Found]:
    holders: dict[str, Found] = {}
    for each in found:
        holder = holders.setdefault(each.name, each)
        taken = None if holder is each else f"the name is taken by {holder.where}"
        yield attrs.evolve(each, refused=each.refused or taken)


def _packages() -> Iterator[Found]:
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        version = point.dist.version if point.dist else ""
        found = Found(name=point.name, version=version, source="package", where=point.value)
        yield _judged(found, (point.dist.requires if point.dist else None) or ())


def _files(folder: Path | None) -> Iterator[Found]:
    if folder is None:
        return
    if not folder.is_dir():
        raise ConfigurationError(f"plugin folder {str(folder)!r} does not exist")
    for path in sorted(folder.glob("*.py")):
        if not path.name.startswith("_"):
            yield _file(path)


def _file(path: Path) -> Found:
    found = Found(name=path.stem, source="file", where=str(path))
    try:
        told = read_file_metadata(path)
    except ValueError as error:
        return attrs.evolve(found, refused=str(error))
    found = attrs.evolve(found, version=told.version)
    if told.hook_api not in (None, HOOK_API):
        return attrs.evolve(found, refused=f"is written for hook API {told.hook_api}, not {HOOK_API}")
    return _judged(found, told.requires)


def _judged(found: Found, requires: Iterable[str]) -> Found:
    """Return what was found with the range that it accepts, and refused where it does not fit."""
    try:
        needs = [*_requirements(requires)]
    except ValueError as error:
        return attrs.evolve(found, refused=f"its requirements cannot be read: {error}")
    return attrs.evolve(found, requires=_range(needs), refused=_unmet(needs))


def _requirements(texts: Iterable[str]) -> Iterator[Requirement]:
    """Give the requirements that hold here; those of extras do not.

    Raises:
        ValueError: One is not written as packaging's standard says.
    """
    for text in texts:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


def _range(needs: Iterable[Requirement]) -> str:
    return ",".join(str(need.specifier) for need in needs if canonicalize_name(need.name) == DISTRIBUTION)


def _unmet(needs: Iterable[Requirement]) -> str | None:
    for need in needs:
        installed = _installed(need.name)
        if installed is None and canonicalize_name(need.name) != DISTRIBUTION:
            return f"needs {need}, which is not installed"
        if installed is not None and not need.specifier.contains(installed, prereleases=True):
            return f"needs {need}, and {installed} is installed"
    return None


def _installed(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _import(found: Found) -> object:
    return metadata.EntryPoint(name=found.name, value=found.where, group=GROUP).load()


def _import_file(found: Found) -> ModuleType:
    """Import a file, once in the process, under a name that tells folders apart."""
    name = f"opencrm_file_{zlib.crc32(found.where.encode()):08x}_{found.name}"
    if name in sys.modules:
        return sys.modules[name]
    spec = util.spec_from_file_location(name, found.where)
    if spec is None or spec.loader is None:
        raise ImportError(f"{found.where} is not a Python file")
    module = util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
