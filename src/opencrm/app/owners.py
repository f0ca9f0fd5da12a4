"""Whose tables there are, and what plugins' automations may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from opencrm.core.access.grants import grant_rows
from opencrm.core.change import Values
from opencrm.core.entities import Core
from opencrm.core.entity import Spec
from opencrm.hooks import Hooks, Plugin
from opencrm.storage.migrations import CORE_OWNER, Owner

_MIGRATIONS = Path(__file__).with_name("migrations")
"""Scripts for what no declaration says."""


def core_owner() -> Owner:
    """Return the core as the owner of its tables."""
    return Owner(CORE_OWNER, list(Core.metadata.sorted_tables), _MIGRATIONS)


def plugin_owners(active: Iterable[Plugin]) -> list[Owner]:
    """Return those of the plugins that own tables."""
    found = [Owner(plugin.name, _tables(plugin), _scripts(plugin)) for plugin in active]
    return [owner for owner in found if owner.tables or owner.scripts]


def told(state: Any) -> str:
    """Say in which state an owner's tables stand."""
    if state.applied_at is None:
        return "not there yet"
    since = f"as of {state.applied_at:%Y-%m-%d %H:%M} UTC"
    return since if state.up_to_date else f"{since}, not up to date"


def granted(hooks: Hooks, enabled: dict[str, Values], entities: Mapping[str, Spec]) -> dict[str, Values]:
    """Return what automations may do: as an owner approved it, or as the host's own plugins ask."""
    needs = hooks.needs()
    own = {
        plugin.name: {"grants": grant_rows(plugin.declared.wanted(entities, needs))}
        for plugin in hooks.plugins
        if plugin.source in ("given", "file")
    }
    return {**own, **{name: row for name, row in enabled.items() if name not in own}}


def _tables(plugin: Plugin) -> list[Any]:
    return [*(entity.__table__ for entity in plugin.declared.entities), *plugin.declared.tables]


def _scripts(plugin: Plugin) -> Path | None:
    """Return the folder of a plugin's own migrations: `migrations/` beside its module."""
    file = getattr(plugin.module, "__file__", None)
    folder = Path(file).parent / "migrations" if file and plugin.source in ("package", "box") else None
    return folder if folder is not None and folder.is_dir() else None
