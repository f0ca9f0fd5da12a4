"""Ways into the workspace for one import."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from opencrm import CRM, Principal
from opencrm.embed import Work

_SECONDS_SQLITE = 0.05
_SECONDS = 0.3


class _TakenBack(Exception):
    """Ends the transaction of a trial."""


@attrs.frozen(kw_only=True)
class Doors:
    """Opens the transactions of an import.

    Args:
        crm: The workspace.
        principal: Whoever imports.
        origin: What the journal calls the import.
        trial: The one transaction of a dry run; None for a real import.
    """

    crm: CRM
    principal: Principal
    origin: str
    trial: Work | None = None

    @property
    def seconds(self) -> float:
        """How long a chunk's transaction should take: on SQLite everybody else waits for it."""
        return _SECONDS_SQLITE if self.crm.database.sqlite else _SECONDS

    @contextmanager
    def chunk(self) -> Iterator[Work]:
        """Open what one chunk is written in: kept as a whole, or taken back as a whole."""
        if self.trial is None:
            with self.crm.work(self.principal, origin=self.origin) as work:
                yield work
        else:
            with self.trial.savepoint():
                yield self.trial

    @contextmanager
    def dry(self) -> Iterator[Doors]:
        """Do everything in one transaction that is taken back in the end; on SQLite, others wait meanwhile."""
        try:
            with self.crm.work(self.principal, origin=self.origin) as work:
                yield attrs.evolve(self, trial=work)
                raise _TakenBack
        except _TakenBack:
            return
