"""What the worker does when there is time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from opencrm.errors import ConflictError, Unavailable
from opencrm.services import searching
from opencrm.services.analysing import recounting
from opencrm.services.definitions import counting
from opencrm.services.files import collecting
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.workspaces.workspace import Workspace
from opencrm.storage import field_indexes, tables
from opencrm.storage.waiting.settling import settle

_LOG = logging.getLogger("opencrm.worker")
_MINUTE = timedelta(minutes=1)


def recount(workspace: Workspace, configuration: Configuration) -> list[str]:
    """Count all roll-ups and counters anew; return a line for each."""
    with workspace.database.write() as tx:
        counting.forget(tx)
    lines = list(counting.count(workspace, configuration))
    for spec in recounting.kept(configuration):
        number = recounting.recount(workspace, configuration, spec)
        lines.append(f"{number} records of {spec.name} counted")
    return lines


class Upkeep:
    """Builds the indexes of custom fields, counts their roll-ups, and makes what search and the counters hold of them.

    Once after they were defined. Every minute it puts rows of counters together.

    Args:
        workspace: Whose fields.
        configuration: Gives the configuration in force.
        opening: Opens a work block of the system.
    """

    def __init__(
        self, workspace: Workspace, configuration: Callable[[], Configuration], opening: searching.Opening
    ) -> None:
        self._workspace = workspace
        self._configuration = configuration
        self._opening = opening
        self._done: str | None = None
        self._folded: datetime | None = None
        self._collected: datetime | None = None

    def __call__(self) -> None:
        """Do what is to be done."""
        configuration = self._configuration()
        if configuration.version != self._done:
            for line in self.catch_up(configuration):
                _LOG.info("%s", line)
            self._done = configuration.version
        self._fold()
        self._collect()

    def catch_up(self, configuration: Configuration) -> Iterator[str]:
        """Do what definitions ask for once, and give a line for each thing done.

        Raises:
            ConflictError: A transaction from before a definition is still under way.
        """
        yield from field_indexes.build(self._workspace.database, configuration.catalogue.entities.values())
        yield from counting.count(self._workspace, configuration)
        due = [*recounting.due(configuration)]
        if due:
            counting.wait(self._workspace, "an entity had stages")
        for spec in due:
            yield f"{recounting.recount(self._workspace, configuration, spec)} records of {spec.name} counted"
        yield from self._make_documents()

    def _fold(self) -> None:
        """Put rows of counters together, once a minute."""
        now = self._workspace.clock.now()
        if self._folded is None or not self._folded <= now < self._folded + _MINUTE:
            self._folded = now
            recounting.fold(self._workspace)

    def _collect(self) -> None:
        """Collect what belongs to no file, once a day; where files are kept elsewhere that may be away."""
        now = self._workspace.clock.now()
        if self._collected is not None and self._collected <= now < self._collected + collecting.GRACE:
            return
        self._collected = now
        try:
            if collecting.due(self._workspace, now):
                _LOG.info("contents that belong to no file: %s", collecting.collect(self._workspace))
        except (OSError, Unavailable) as error:
            _LOG.warning("files are not tidied up: %s", error)

    def _make_documents(self) -> Iterator[str]:
        with self._opening() as work:
            due = searching.due(work)
        if due and not settle(self._workspace.database, tables.workspace, seconds=counting.PATIENCE):
            raise ConflictError("a transaction that began before search looked into a field is still under way")
        made = sum(batch.put_right for batch in searching.enter(self._opening, due))
        if made:
            yield f"{made} documents of search made for {', '.join(due)}"
