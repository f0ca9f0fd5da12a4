"""Blocks of automations: what rules do after a commit is done as whom they belong to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from opencrm.core.access.principal import Principal
from opencrm.core.values import Id
from opencrm.services.reading.reader import Reader
from opencrm.services.workspaces.signing_in import resolve
from opencrm.services.workspaces.workspace import Workspace
from opencrm.services.writing.work import Work


class Automations:
    """Opens work blocks and read blocks of automations.

    Args:
        workspace: In which.
        open_work: Opens a work block in a transaction.
    """

    def __init__(self, workspace: Workspace, open_work: Callable[..., Work]) -> None:
        self._workspace = workspace
        self._open = open_work

    @contextmanager
    def work(self, principal: Principal, *, cause: Id | None, rule: str, generation: int) -> Iterator[Work]:
        """Open a work block, one transaction; what is written names its cause and its rule."""
        with self._workspace.database.write() as tx:
            work = self._open(tx, principal, cause=cause, rule=rule)
            with work.grown(generation):
                yield work
            work.must_be_whole()

    @contextmanager
    def read(self, principal: Principal) -> Iterator[Reader]:
        """Open a read block."""
        with self._workspace.database.read() as tx:
            now = self._workspace.now(tx)
            rights, configuration = resolve(tx, self._workspace, principal, now)
            yield Reader(tx, self._workspace, rights, configuration, now)
