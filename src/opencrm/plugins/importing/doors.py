"""Ways into the workspace for one import."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import attrs
from sqlalchemy import Connection

from opencrm import CRM, Principal
from opencrm.embed import Configuration, Work

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
        act: What every chunk belongs to, so that the import is one act; None where each is its own.
        trial: The one transaction of a dry run; None for a real import.
        automations: Whether stages, tasks and rules do what they declare.
        run: What the files of one call share; None of a file by itself.
    """

    crm: CRM
    principal: Principal
    origin: str
    act: str | None = None
    trial: Work | None = None
    run: str | None = None
    automations: bool = False

    @property
    def seconds(self) -> float:
        """How long a chunk's transaction should take: on SQLite everybody else waits for it."""
        return _SECONDS_SQLITE if self.crm.database.sqlite else _SECONDS

    @contextmanager
    def chunk(self) -> Iterator[Work]:
        """Open what one chunk is written in: kept as a whole, or taken back as a whole."""
        if self.trial is None:
            with self._work() as work:
                if self.act is not None:
                    work.go_on(self.act)
                yield work
        else:
            with self.trial.savepoint():
                yield self.trial

    def _work(self, *, connection: Connection | None = None) -> AbstractContextManager[Work]:
        return self.crm.work(self.principal, origin=self.origin, connection=connection, automations=self.automations)

    @property
    def configuration(self) -> Configuration:
        """What is in force, with what the transaction of a dry run changed."""
        return self.crm.configuration if self.trial is None else self.trial.configuration

    def together(self) -> Doors:
        """Return doors for the several files of one call."""
        return attrs.evolve(self, run=self.crm.workspace.ids.new())

    @contextmanager
    def anew(self) -> Iterator[Doors]:
        """Go on with what is in force now: a dry run may have changed it in its own transaction."""
        if self.trial is None:
            yield self
            return
        connection = self.trial.tx.connection
        with self._work(connection=connection) as work:
            yield attrs.evolve(self, trial=work)

    @contextmanager
    def dry(self) -> Iterator[Doors]:
        """Do everything in one transaction that is taken back in the end; on SQLite, others wait meanwhile."""
        try:
            with self._work() as work:
                yield attrs.evolve(self, trial=work)
                raise _TakenBack
        except _TakenBack:
            return
