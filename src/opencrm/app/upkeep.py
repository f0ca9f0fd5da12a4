"""What the worker does when there is time."""

from __future__ import annotations

import logging
from collections.abc import Callable

from opencrm.services import searching
from opencrm.services.definitions import counting
from opencrm.services.workspaces.configuration import Configuration
from opencrm.services.workspaces.workspace import Workspace
from opencrm.storage import field_indexes

_LOG = logging.getLogger("opencrm.worker")


class Upkeep:
    """Builds the indexes of custom fields, counts their roll-ups and makes what search holds of them.

    Once after they were defined.

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

    def __call__(self) -> None:
        """Do what is to be done."""
        configuration = self._configuration()
        catalogue = configuration.catalogue
        if configuration.version != self._done:
            for line in field_indexes.build(self._workspace.database, catalogue.entities.values()):
                _LOG.info("%s", line)
            for line in counting.count(self._workspace, configuration):
                _LOG.info("%s", line)
            self._make_documents()
            self._done = configuration.version

    def _make_documents(self) -> None:
        with self._opening() as work:
            due = searching.due(work)
        made = sum(batch.put_right for batch in searching.enter(self._opening, due))
        if made:
            _LOG.info("made %d documents of search for %s", made, ", ".join(due))
