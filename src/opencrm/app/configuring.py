"""Reading what is decided by definitions, when it is first needed and whenever it changed."""

from __future__ import annotations

from sqlalchemy import select

from opencrm.app.activation import Plugins
from opencrm.app.definitions import KnownDefinitions
from opencrm.app.owners import granted
from opencrm.core.locale import Locale
from opencrm.errors import ConfigurationError
from opencrm.services import plugins
from opencrm.services.analysing.recounting import counted_entities
from opencrm.services.definitions.loading import load
from opencrm.services.workspaces.configuration import Configuration, load_organisation
from opencrm.storage import tables
from opencrm.storage.transactions import Transaction


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
    known = definitions.of(active, load(tx, locale.region), locale)
    return Configuration(
        version=version,
        locale=locale,
        secret=bytes.fromhex(row["secret"]),
        organisation=load_organisation(tx, version),
        catalogue=known.catalogue,
        schemas=known.schemas,
        hooks=known.hooks,
        granted=granted(active, enabled),
        counted=counted_entities(tx),
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
