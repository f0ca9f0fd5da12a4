"""One company: its database, clock and plugins, as the services see it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime

from opencrm.core.clock import ShiftedClock
from opencrm.core.ids import Ids
from opencrm.services.files.contents import Contents
from opencrm.services.workspaces import sandbox
from opencrm.services.workspaces.configuration import Configuration
from opencrm.storage.databases import Database
from opencrm.storage.transactions import Transaction


class Workspace:
    """What every service needs of a company.

    Args:
        database: Where its data stands.
        clock: Tells its time.
        configure: Reads the configuration of a version; called when the version is another one.
        contents: Where its files' contents stand.
        intranet: The hosts that outgoing calls may reach though they are no public ones.
        sandbox_sends: Whether letters and webhooks leave a sandbox.
    """

    def __init__(
        self,
        database: Database,
        clock: ShiftedClock,
        configure: Callable[[Transaction, str], Configuration],
        contents: Contents,
        intranet: Iterable[str] = (),
        *,
        sandbox_sends: bool = False,
    ) -> None:
        self.database = database
        self.clock = clock
        self.contents = contents
        self.intranet = frozenset(host.lower() for host in intranet)
        self.sandbox_sends = sandbox_sends
        self.ids = Ids(clock)
        self._configure = configure
        self._configuration: Configuration | None = None
        self._lock = threading.Lock()

    def now(self, tx: Transaction) -> datetime:
        """Return the present instant; in a sandbox as it was moved last, in whatever process."""
        known = self._configuration
        if known is None or known.sandbox:
            self.clock.shift(sandbox.shift_of(tx))
        return self.clock.now()

    def configuration(self, tx: Transaction, version: str) -> Configuration:
        """Return the configuration of that version, read once."""
        found = self._configuration
        if found is None or found.version != version:
            found = self._read(tx, version)
        tx.edition = found.catalogue.edition
        return found

    def held_back(self, configuration: Configuration) -> str | None:
        """Say why no letter and no webhook leaves this workspace; None where they do."""
        return sandbox.HELD_BACK if configuration.sandbox and not self.sandbox_sends else None

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
