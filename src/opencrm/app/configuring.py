"""What is decided by definitions: read when it is first needed and whenever it changed, compiled once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import attrs
from sqlalchemy import select

from opencrm.app.activation import Plugins
from opencrm.app.owners import granted
from opencrm.core.locale import Locale
from opencrm.errors import ConfigurationError
from opencrm.hooks import Hooks, Plugin
from opencrm.schemas import Schemas
from opencrm.services import plugins
from opencrm.services.analysing.recounting import counted_entities
from opencrm.services.definitions.loading import Fields, edition, load
from opencrm.services.definitions.process.loading import Defined
from opencrm.services.definitions.process.loading import load as load_processes
from opencrm.services.workspaces.catalogue import Catalogue
from opencrm.services.workspaces.configuration import Configuration, load_organisation
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction


@attrs.frozen(eq=False)
class Definitions:
    """What is compiled from the declarations of plugins and of the workspace."""

    catalogue: Catalogue
    schemas: Schemas
    hooks: Hooks


class KnownDefinitions:
    """The definitions that one workspace used last: most changes of the organisation leave them as they are.

    Args:
        trace: Print each call of a hook on stderr.
    """

    def __init__(self, *, trace: bool) -> None:
        self._trace = trace
        self._last: tuple[Hashable, Definitions] | None = None

    def of(self, active: Sequence[Plugin], fields: Fields, defined: Defined, locale: Locale) -> Definitions:
        """Return the definitions of these plugins, fields, pipelines and rules, compiled at their first use."""
        key = (tuple(map(id, active)), edition(fields), defined.edition, locale)
        last = self._last
        if last is None or last[0] != key:
            last = self._last = (key, self._compiled(active, fields, defined, locale))
        return last[1]

    def _compiled(self, active: Sequence[Plugin], fields: Fields, defined: Defined, locale: Locale) -> Definitions:
        hooks = Hooks(active, trace=self._trace)
        catalogue = Catalogue.of(hooks, fields, defined, zone=locale.zone)
        return Definitions(catalogue, Schemas(catalogue.entities, locale), hooks)


def configure(tx: Transaction, version: str, installed: Plugins, definitions: KnownDefinitions) -> Configuration:
    """Read the configuration of this version.

    Args:
        tx: A transaction.
        version: The workspace's `config_version`.
        installed: The plugins that there are.
        definitions: What is compiled of them, kept from one version to the next.
    """
    [row] = tx.query("workspace", lambda: select(tables.workspace), {})
    locale = Locale(region=row["region"], currency=row["currency"], zone=row["zone"])
    enabled = plugins.switched_on(tx)
    active = installed.active(enabled)
    defined = load_processes(tx)
    known = definitions.of(active, load(tx, locale.region), defined, locale)
    return Configuration(
        version=version,
        locale=locale,
        secret=bytes.fromhex(row["secret"]),
        organisation=load_organisation(tx, version),
        catalogue=known.catalogue,
        schemas=known.schemas,
        hooks=known.hooks,
        granted={**granted(known.hooks, enabled, known.catalogue.entities), **defined.granted},
        counted=counted_entities(tx),
        sandbox=bool(row["sandbox"]),
    )


def version_of(tx: Transaction) -> str:
    """Return the version that is in force.

    Raises:
        ConfigurationError: The workspace was never set up.
    """
    rows = tx.query("workspace version", lambda: select(tables.workspace.c.config_version), {})
    if not rows:
        raise ConfigurationError("this workspace is not set up yet: run `opencrm init`")
    return str(rows[0]["config_version"])
