"""Files as a program gives and takes them: stored first, looked at by plugins, and then added in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import IO, TYPE_CHECKING, Protocol

import attrs

from opencrm.core.access.principal import Principal
from opencrm.core.change import JournalEntry, Values
from opencrm.core.entities import File
from opencrm.core.entity import Entity, Spec
from opencrm.core.values import Id
from opencrm.errors import InputError, NotFound
from opencrm.hooks import Hooks
from opencrm.services.files import adding, collecting, reading
from opencrm.services.files.contents import BLOCK, Checked, Content, Source
from opencrm.services.files.looking import Place, looked_at
from opencrm.services.files.reading import Version
from opencrm.services.workspaces.workspace import Workspace

if TYPE_CHECKING:
    from opencrm.services.reading.reader import Reader
    from opencrm.services.writing.work import Work


class Opening(Protocol):
    """Opens work blocks and read blocks."""

    def work(self, principal: Principal) -> AbstractContextManager[Work]: ...

    def read(self, principal: Principal) -> AbstractContextManager[Reader]: ...


@attrs.frozen
class Download:
    """A content on its way to somebody.

    Attributes:
        version: What it is.
        file: The content, open for reading; whoever asked closes it.
    """

    version: Version
    file: IO[bytes]

    def blocks(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Give the bytes from `start` on, up to `end`, and close the content."""
        left = (self.version.size if end is None else end) - start
        with self.file as file:
            file.seek(start)
            while left > 0 and (block := file.read(min(BLOCK, left))):
                left -= len(block)
                yield block

    def read(self) -> bytes:
        """Return all bytes."""
        return b"".join(self.blocks())


class Files:
    """The files of a workspace: `crm.files`.

    Args:
        workspace: Which.
        opening: Opens work blocks and read blocks.
        hooks: Gives the active plugins' hooks.
    """

    def __init__(self, workspace: Workspace, opening: Opening, hooks: Callable[[], Hooks]) -> None:
        self._workspace = workspace
        self._opening = opening
        self._hooks = hooks

    @property
    def largest(self) -> int:
        """How many bytes a file may have."""
        return self._workspace.contents.largest

    def put(self, source: Source, *, name: str = "") -> Content:
        """Store a content that belongs to nothing yet.

        It is for `files.add` in a work block, within a day and after `check`.

        Args:
            source: Bytes, a file open for reading, or blocks.
            name: The file's name, whose ending helps to tell what it is.

        Raises:
            InputError: It is too large.
            ConfigurationError: There is no place for files.
        """
        return self._workspace.contents.put(source, name=name)

    def add(
        self, principal: Principal, entity: type[Entity] | Spec | str, id: Id, source: Source, *, name: str
    ) -> JournalEntry:
        """Add a file to a record: store it, let plugins look at it, and write it down.

        Args:
            principal: Who adds it.
            entity: The record's entity.
            id: The record.
            source: Bytes, a file open for reading, or blocks.
            name: What the file is called.

        Returns:
            The journal's line; its `record_id` is the file's id.

        Raises:
            NotFound: There is no such record, or none that the principal may know of.
            PermissionDenied: The principal may not change the record.
            InputError: It is too large, or the name cannot be used.
            Objected: A plugin objects.
        """
        place = self._of_record(principal, entity, id, name)
        content = self._looked_at(principal, self.put(source, name=place.name), place)
        with self._opening.work(principal) as work:
            return adding.add(work, [adding.AddFile(place.entity, id, name=place.name, content=content)])[0]

    def add_version(
        self, principal: Principal, file_id: Id, source: Source, *, name: str | None = None
    ) -> JournalEntry:
        """Let a file hold something else from now on; what it held stays a version.

        Raises:
            NotFound: There is no such file, or none that the principal may know of.
            PermissionDenied: The principal may not change the record that it belongs to.
            InputError: It is too large, or the name cannot be used.
            Objected: A plugin objects.
        """
        place = self._of_file(principal, file_id, name)
        content = self._looked_at(principal, self.put(source, name=place.name), place)
        with self._opening.work(principal) as work:
            return adding.add_version(work, [adding.AddVersion(file_id, content=content, name=name)])[0]

    def check(
        self, principal: Principal, content: Content, entity: type[Entity] | Spec | str, id: Id, *, name: str
    ) -> Content:
        """Let plugins look at a content; return it as one that may be added to this record, under this name.

        This is for `files.add` in a work block; never inside one, since looking takes time.

        Args:
            principal: Who adds it.
            content: What `put` stored.
            entity: The record's entity.
            id: The record.
            name: What the file is called.

        Raises:
            NotFound: There is no such record, or none that the principal may know of.
            PermissionDenied: The principal may not change the record.
            InputError: The name cannot be used.
            Objected: A plugin objects.
        """
        return self._looked_at(principal, content, self._of_record(principal, entity, id, name))

    def check_version(self, principal: Principal, content: Content, file_id: Id, *, name: str | None = None) -> Content:
        """Let plugins look at a content; return it as one that this file may hold, for `files.add_version`.

        Raises:
            NotFound: There is no such file, or none that the principal may know of.
            PermissionDenied: The principal may not change the record that it belongs to.
            InputError: The name cannot be used.
            Objected: A plugin objects.
        """
        return self._looked_at(principal, content, self._of_file(principal, file_id, name))

    def open(self, principal: Principal, file_id: Id, number: int | None = None) -> Download:
        """Give what a file holds, or held, to somebody: it is written down that they were given it.

        Args:
            principal: Who is given it.
            file_id: The file.
            number: Which version; by default the newest.

        Raises:
            NotFound: There is no such file or version, or none that the principal may read.
            ConfigurationError: The content is not where files are kept.
        """
        with self._opening.read(principal) as reader:
            found = reading.version(reader, file_id, number)
        file = self._workspace.contents.open(found.sha256)
        try:
            with self._opening.work(principal) as work:
                return Download(reading.give(work, file_id, found.number), file)
        except BaseException:
            file.close()
            raise

    def collect(self) -> collecting.Collected:
        """Collect what belongs to no file; the worker does this once a day."""
        return collecting.collect(self._workspace)

    def _of_record(self, principal: Principal, entity: type[Entity] | Spec | str, id: Id, name: str) -> Place:
        called = named(name)
        with self._opening.read(principal) as reader:
            spec = reader.entity(entity)
            changeable(reader, spec, id)
        return Place(Checked(spec.name, id, called), spec.name, id, called)

    def _of_file(self, principal: Principal, file_id: Id, name: str | None) -> Place:
        called = None if name is None else named(name)
        with self._opening.read(principal) as reader:
            state = changeable(reader, reader.entity(File), file_id)
        checked = Checked(File.spec.name, file_id, called)
        return Place(checked, state["entity"], state["record_id"], called or state["name"], file_id)

    def _looked_at(self, principal: Principal, content: Content, place: Place) -> Content:
        return looked_at(self._workspace, self._opening, self._hooks(), principal, content, place)


def named(raw: str) -> str:
    """Return a file's name in its normal form.

    Raises:
        InputError: It cannot be one.
    """
    try:
        return str(File.spec.fields["name"].type.parse(raw))
    except ValueError as error:
        raise InputError({"name": [str(error)]}) from None


def changeable(reader: Reader, spec: Spec, id: Id) -> Values:
    """Return the state of a record that the principal may change, before anything is sent for nothing."""
    state = reader.states(spec, [id]).get(id)
    if state is None:
        raise NotFound(f"there is no such {spec.name}", entity=spec.name, id=id)
    expression = reader.rights.expression(spec, "update")
    if not expression.test(reader.linked)(state):
        raise reader.rights.denied(f"{spec.name}.update", expression.verdict(state, reader.linked).reason)
    return state
