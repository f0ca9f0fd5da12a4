"""Plugins look at contents, before these are added to a record."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

import attrs

from opencrm.core.access.principal import Principal
from opencrm.core.values import Id
from opencrm.errors import Objected
from opencrm.hooks import Hooks
from opencrm.hooks.contents import Upload
from opencrm.services.files.contents import Checked, Content
from opencrm.services.workspaces.workspace import Workspace

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader


class Reading(Protocol):
    """Opens read blocks."""

    def read(self, principal: Principal) -> AbstractContextManager[Reader]: ...


@attrs.frozen
class Place:
    """Where a content is to go.

    Attributes:
        checked: The same, as the content bears it afterwards.
        entity: The record's entity.
        record_id: The record.
        name: What it is called there.
        file_id: The file whose new version it is to be; None for a new file.
    """

    checked: Checked
    entity: str
    record_id: Id
    name: str
    file_id: Id | None = None


def looked_at(
    workspace: Workspace, opening: Reading, hooks: Hooks, principal: Principal, content: Content, place: Place
) -> Content:
    """Let plugins look at a content, outside of any transaction; return it as one that may be added there.

    Raises:
        Objected: A plugin objects.
    """
    upload = Upload(
        entity=place.entity,
        record_id=place.record_id,
        file_id=place.file_id,
        name=place.name,
        open=partial(workspace.contents.open, content.sha256),
        **content.told(),
    )
    door = _Door(workspace, opening, principal)
    objections = hooks.check_content(upload, lambda _: door)
    if objections:
        text = "; ".join(dict.fromkeys(each.text for each in objections))
        raise Objected(text, objections=[attrs.asdict(each) for each in objections])
    return attrs.evolve(content, checked=place.checked)


class _Door:
    """See `hooks.contents.UploadDoor`."""

    def __init__(self, workspace: Workspace, opening: Reading, principal: Principal) -> None:
        self._workspace = workspace
        self._opening = opening
        self._principal = principal

    @property
    def now(self) -> datetime:
        return self._workspace.clock.now()

    @property
    def principal(self) -> str:
        with self.read() as reader:
            return reader.rights.name

    def read(self) -> AbstractContextManager[Reader]:
        return self._opening.read(self._principal)
