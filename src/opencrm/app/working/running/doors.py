"""The doors of what a run does: blocks of its automation, and what a service is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any, Protocol

from opencrm.core.access.principal import Principal
from opencrm.core.values import Id
from opencrm.errors import ConflictError
from opencrm.services import queue
from opencrm.services.process import runs
from opencrm.services.process.runs import Run
from opencrm.services.reading.reader import Reader
from opencrm.services.workspaces.workspace import Workspace
from opencrm.services.writing.work import Work


class Opening(Protocol):
    """Opens work blocks and read blocks of automations."""

    def work(
        self, principal: Principal, *, cause: Id | None, rule: str, generation: int
    ) -> AbstractContextManager[Work]: ...

    def read(self, principal: Principal) -> AbstractContextManager[Reader]: ...


def principal(run: Run) -> Principal:
    """Return as whom a run acts."""
    return Principal.automation(run.source.automation)


def work_of(opening: Opening, run: Run) -> AbstractContextManager[Work]:
    """Open a work block of a run's automation, one transaction."""
    return opening.work(principal(run), cause=run.cause, rule=run.source.name, generation=run.generation)


def check_lease(work: Work, run: Run) -> None:
    """Refuse to do what somebody else does by now.

    Raises:
        ConflictError: The lease ended, and another worker took the run.
    """
    if not runs.still_held(work.tx, run):
        raise ConflictError("this run was taken by another worker meanwhile", run=run.id)


class ServiceDoor:
    """What a service may do; see `core.ports.ServiceDoor`."""

    def __init__(self, workspace: Workspace, opening: Opening, run: Run) -> None:
        self._workspace = workspace
        self._opening = opening
        self._run = run

    @property
    def now(self) -> datetime:
        """The present instant."""
        return self._workspace.clock.now()

    @property
    def key(self) -> str:
        """What tells this call from every other, and is the same when it is repeated."""
        return f"{self._run.id}:{len(self._run.steps)}"

    @property
    def entity(self) -> str:
        """The entity of the record that the rule is about."""
        return self._run.entity

    @property
    def record_id(self) -> Id:
        """The record that the rule is about."""
        return self._run.record_id

    @contextmanager
    def work(self) -> Iterator[Work]:
        """Open a work block, one transaction, as the rule's automation."""
        with work_of(self._opening, self._run) as work:
            check_lease(work, self._run)
            yield work

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Open a read block as the rule's automation."""
        with self._opening.read(principal(self._run)) as reader:
            yield reader

    def once(self, work: Any, key: str) -> bool:
        """Say whether this key is new to the rule's automation, and remember it in that transaction."""
        return queue.first_time(work.tx, self._run.source.automation, key, self.now)
