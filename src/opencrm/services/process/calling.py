"""Services that people ask for themselves: what a rule would have done after a commit, done now, as them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from opencrm.core.access.principal import Principal
from opencrm.core.entity import Entity, Spec
from opencrm.core.process.actions import cure
from opencrm.core.values import Id
from opencrm.errors import NotFound
from opencrm.hooks import Hooks
from opencrm.services.files.keeping import Opening, changeable
from opencrm.services.workspaces.workspace import Workspace

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work


class Services:
    """The services of plugins, as people may ask for them: `crm.services`.

    Args:
        workspace: Which.
        opening: Opens work blocks and read blocks.
        hooks: Gives the active plugins' hooks.
    """

    def __init__(self, workspace: Workspace, opening: Opening, hooks: Callable[[], Hooks]) -> None:
        self._workspace = workspace
        self._opening = opening
        self._hooks = hooks

    def ask(
        self,
        principal: Principal,
        service: str,
        entity: type[Entity] | Spec | str,
        id: Id,
        values: Mapping[str, Any],
    ) -> Any:
        """Have something done about a record, with the rights of whoever asks; outside of any transaction.

        Args:
            principal: Who asks; they may change the record.
            service: Its name, such as `"documents_generate"`.
            entity: The record's entity.
            id: The record.
            values: What the service is told.

        Returns:
            What the service gives.

        Raises:
            NotFound: There is no such record, or none that the principal may know of; or no service of this name that
                people may ask for.
            PermissionDenied: The principal may not change the record.
            OpenCRMError: The service refuses it.
        """
        hooks = self._hooks()
        run = hooks.by_hand(service)
        if run is None:
            why = "only rules call it" if hooks.serves(service) else cure(service)
            raise NotFound(f"there is no service {service!r}: {why}", service=service)
        with self._opening.read(principal) as reader:
            spec = reader.entity(entity)
            changeable(reader, spec, id)
        return run(_Door(self._workspace, self._opening, principal, spec.name, id, self._workspace.ids.new()), values)


@attrs.frozen
class _Door:
    """See `core.ports.ServiceDoor`: as a person, who asks once."""

    _workspace: Workspace
    _opening: Opening
    _principal: Principal
    entity: str
    record_id: Id
    key: str

    @property
    def now(self) -> datetime:
        return self._workspace.clock.now()

    def work(self) -> AbstractContextManager[Work]:
        return self._opening.work(self._principal)

    def read(self) -> AbstractContextManager[Reader]:
        return self._opening.read(self._principal)

    def once(self, _work: Any, _key: str) -> bool:
        return True
