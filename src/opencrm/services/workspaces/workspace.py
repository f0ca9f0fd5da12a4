"""One company: its database, clock and plugins, as the services see it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from opencrm.core.clock import Clock
from opencrm.core.ids import Ids
from opencrm.services.workspaces.configuration import Configuration
from opencrm.storage.transactions import Database, Transaction


class Workspace:
    """What every service needs of a company.

    Args:
        database: Where its data stands.
        clock: Tells its time.
        configure: Reads the configuration of a version; called when the version is another one.
    """

    def __init__(
        self, database: Database, clock: Clock, configure: Callable[[Transaction, str], Configuration]
    ) -> None:
        self.database = database
        self.clock = clock
        self.ids = Ids(clock)
        self._configure = configure
        self._configuration: Configuration | None = None
        self._lock = threading.Lock()

    def configuration(self, tx: Transaction, version: str) -> Configuration:
        """Return the configuration of that version, read once."""
        found = self._configuration
        if found is None or found.version != version:
            found = self._read(tx, version)
        tx.edition = found.catalogue.edition
        return found

    def _read(self, tx: Transaction, version: str) -> Configuration:
        with self._lock:
            found = self._configuration
            if found is None or found.version != version:
                found = self._configure(tx, version)
                self._configuration = found
            return found

    def forget(self) -> None:
        """Read the configuration anew at the next use."""
        self._configuration = None
