"""Web forms that ask for what is not there: refused when their plugin is enabled, told where it is active already.

Those that lack what their record requires are told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress

from opencrm.core.locale import Locale
from opencrm.errors import OpenCRMError, PluginError
from opencrm.hooks import Hooks
from opencrm.services.definitions.loading import load
from opencrm.services.process.submitting.asking import faults, lacking
from opencrm.services.workspaces.catalogue import Catalogue
from opencrm.services.workspaces.configuration import Configuration
from opencrm.storage.databases import Database


def misformed(configuration: Callable[[], Configuration]) -> dict[str, str]:
    """Return the plugins with forms that cannot be used, or whose records never have what they must; with a sentence.

    Args:
        configuration: Gives what is in force; without it, nothing is told.
    """
    wrong: defaultdict[str, list[str]] = defaultdict(list)
    with suppress(OpenCRMError):
        found = configuration()
        for plugin, _, text in faults(found.catalogue, found.locale):
            wrong[plugin].append(text)
        for plugin, _, text in lacking(found.catalogue, found.locale):
            wrong[plugin].append(text)
    return {plugin: "\n".join(f"plugin {plugin!r}: {text}" for text in texts) for plugin, texts in wrong.items()}


def check_forms(hooks: Hooks, database: Database, locale: Locale, name: str) -> None:
    """Refuse a plugin with a form that cannot be used.

    Args:
        hooks: The plugins as they would be.
        database: The workspace's.
        locale: Its habits.
        name: The plugin.

    Raises:
        PluginError: It has one; says why.
    """
    if not any(it.plugin == name for it in hooks.forms()):
        return
    with database.read() as tx:
        fields = load(tx, locale.region)
    for plugin, _, text in faults(Catalogue.of(hooks, fields), locale):
        if plugin == name:
            raise PluginError(f"plugin {name!r}: {text}", plugin=name)
