"""What passes between opencrm and plugins about files: what somebody is about to add to a record."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import IO, Any, Protocol

import attrs

from opencrm.core.values import Id


@attrs.frozen(kw_only=True)
class Upload:
    """A file that somebody is about to add to a record, or its new version; it is stored, and belongs to nothing yet.

    Attributes:
        entity: The record's entity.
        record_id: The record.
        file_id: The file whose new version it is to be; None for a new file.
        name: What it is called.
        media_type: What it seems to hold, of the types that are known.
        size: How many bytes.
        sha256: Their hash.
        open: Opens the content; whoever calls it closes it.
    """

    entity: str
    record_id: Id
    file_id: Id | None = None
    name: str
    media_type: str
    size: int
    sha256: str
    open: Callable[[], IO[bytes]] = attrs.field(eq=False, repr=False)


class UploadDoor(Protocol):
    """What may be asked while a file is looked at; no transaction is open."""

    @property
    def now(self) -> datetime:
        """The present instant."""

    @property
    def principal(self) -> str:
        """Who adds it, such as `"user:0190..."`."""

    def read(self) -> AbstractContextManager[Any]:
        """Open a read block as whoever adds it."""
