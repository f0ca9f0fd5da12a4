"""Commands of plugins: their names are read from metadata, their code only when one is called.

`importlib.metadata` takes longer to import and to look around than all the rest of `opencrm --help`; what
`--help` needs of it is the names below one heading in a few small files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from opencrm.errors import ConfigurationError, PluginError

GROUP = "opencrm.commands"
_FOLDERS = (".dist-info", ".egg-info")


def command_sources(path: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the names of the commands that distributions announce, each with the distributions that do.

    Args:
        path: The folders of `sys.path`; of two copies of one distribution the first counts, as for imports.
    """
    sources: dict[str, tuple[str, ...]] = {}
    for distribution, folder in _distributions(path).items():
        for name in _announced(folder / "entry_points.txt"):
            sources[name] = (*sources.get(name, ()), distribution)
    return sources


def load_command(name: str) -> click.Command | None:
    """Return the command of that name that a distribution announces, or None.

    Raises:
        ConfigurationError: Two distributions announce it.
        PluginError: It cannot be imported, or is not a click command.
    """
    from importlib.metadata import entry_points

    found = tuple(entry_points(group=GROUP, name=name))
    if not found:
        return None
    origins = [entry.dist.name if entry.dist else entry.module for entry in found]
    if len(found) > 1:
        raise ConfigurationError(f"the command {name!r} comes from {' and '.join(origins)}; uninstall one")
    try:
        command = found[0].load()
    except Exception as error:
        text = f"the command {name!r} of {origins[0]} cannot be loaded: {type(error).__name__}: {error}"
        raise PluginError(text, plugin=origins[0]) from error
    if not isinstance(command, click.Command):
        raise PluginError(f"{name!r} of {origins[0]} is not a click command", plugin=origins[0])
    return command


def _distributions(path: Iterable[str]) -> dict[str, Path]:
    """Return the metadata folders on the path, by the distribution's normalised name."""
    found: dict[str, Path] = {}
    for folder in path:
        for entry in _entries(Path(folder)):
            if entry.name.endswith(_FOLDERS):
                name = entry.name.rpartition(".")[0].partition("-")[0]
                found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), entry)
    return found


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # An entry of sys.path may be an archive, or missing.
        return []


def _announced(file: Path) -> Iterator[str]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:  # Most distributions announce nothing.
        return
    if f"[{GROUP}]" not in text:
        return
    heading = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            heading = line
        elif heading == f"[{GROUP}]" and "=" in line and line[0] not in "#;":
            yield line.partition("=")[0].strip()
