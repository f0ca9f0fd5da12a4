"""Contents by their hash: what is equal is stored once, and nothing has its name before it is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import IO, Any, TypeAlias

import attrs

from opencrm.core.values import Id
from opencrm.errors import ConfigurationError, InputError, Unavailable
from opencrm.services.files.media import HEAD, media_type
from opencrm.services.files.places import ARRIVING, Folder, Nowhere, Place
from opencrm.services.files.remote import Remote

Source: TypeAlias = bytes | IO[bytes] | Iterable[bytes]
"""What is stored: bytes, a file open for reading, or blocks."""

ASIDE = "aside"
"""The folder of what seemed to belong to nothing, by the day on which that was found."""

BLOCK = 2**16
_MEGABYTE = 2**20


@attrs.frozen(kw_only=True)
class FileStore:
    """Where a host keeps files: `CRM(url, files=FileStore("s3://bucket/folder"))`.

    Args:
        place: A folder, or a URL that fsspec understands; by default the folder `NAME.files` beside the SQLite file
            NAME. A workspace on PostgreSQL has no place for files until one is named.
        largest: How many bytes a file may have.
    """

    place: str | None = None
    largest: int = attrs.field(default=100 * _MEGABYTE, validator=attrs.validators.ge(1))


@attrs.frozen
class Checked:
    """Where a content may be added, since plugins were asked about it.

    Attributes:
        entity: The record's, or `file` for a new version.
        id: The record, or the file.
        name: What it is called there; None for a version that is called as the one before.
    """

    entity: str
    id: Id
    name: str | None


@attrs.frozen(kw_only=True)
class Content:
    """What was stored.

    Attributes:
        sha256: Its hash, by which it is found.
        size: How many bytes it has.
        media_type: What it seems to be.
        checked: Where it may be added; see `crm.files.check`.
        made: Whether a plugin made it itself, as a document of a template: no other is asked about it.
    """

    sha256: str
    size: int
    media_type: str
    checked: Checked | None = None
    made: bool = False

    def told(self) -> Mapping[str, Any]:
        """Return what is written down of it."""
        return {"sha256": self.sha256, "size": self.size, "media_type": self.media_type}


def place_of(named: str | None) -> Place:
    """Return the place that a folder or a URL names.

    Raises:
        ConfigurationError: An extra is missing, or the URL cannot be used.
    """
    if named is None:
        return Nowhere()
    return Remote(named) if "://" in named else Folder(Path(named))


class Contents:
    """Stores contents, and gives them back.

    Args:
        place: Where.
        named: Names the folder of this workspace there, and in it that of this database; called at the first use. What
            a copy of the database stores is in a folder of its own, and what stands in the others is only read.
        largest: How many bytes a content may have.
        shared: Whether copies of the database may keep theirs in the same place.
    """

    def __init__(
        self, place: Place, named: Callable[[], tuple[str, str]], largest: int, *, shared: bool = False
    ) -> None:
        self._place = place
        self._named = named
        self.largest = largest
        self.shared = shared

    def put(self, source: Source, *, name: str = "") -> Content:
        """Store a content, block by block; one that is there already is not stored again.

        Args:
            source: What.
            name: The file's name, whose ending helps to tell what it is.

        Raises:
            InputError: It is too large.
            ConfigurationError: There is no place for files.
            Unavailable: The place cannot be reached, or is full.
        """
        with self._reached(), self._place.arriving() as file:
            digest, size, head = hashlib.sha256(), 0, b""
            for block in _blocks(source):
                size += len(block)
                self.check_size(size)
                digest.update(block)
                head = head if len(head) >= HEAD else (head + block)[:HEAD]
                file.write(block)
            found = Content(sha256=digest.hexdigest(), size=size, media_type=media_type(head, name))
            key = self._key(found.sha256)
            if self._place.size(key) != size:
                file.flush()
                self._place.keep(file, key)
            return found

    def check_size(self, size: int) -> None:
        """Refuse what is too large.

        Raises:
            InputError: It is.
        """
        if size > self.largest:
            raise InputError({"file": [f"is too large: at most {_told(self.largest)}"]})

    def open(self, sha256: str) -> IO[bytes]:
        """Open a content.

        Raises:
            ConfigurationError: It is not where files are kept.
            Unavailable: The place cannot be reached.
        """
        with self._reached():
            for key in self._keys(sha256):
                with suppress(FileNotFoundError):
                    return self._place.open(key)
        raise ConfigurationError("the content of a file is not where files are kept (OPENCRM_FILES)")

    def read(self, sha256: str) -> bytes:
        """Return a content that is known to be small; see `open`."""
        with self.open(sha256) as file:
            return file.read()

    def stored(self) -> Iterator[tuple[str, float | None]]:
        """Give the hash of each content, and when it was stored in seconds since 1970, where that is known."""
        for kept in self._place.kept(self._folder):
            above, _, sha256 = kept.key.removeprefix(f"{self._folder}/").rpartition("/")
            if above == sha256[:2]:
                yield sha256, kept.changed

    def aside(self) -> Iterator[tuple[str, str]]:
        """Give the hash of each content that was set aside, and since when."""
        return self._aside(self._folder)

    def set_aside(self, sha256: str, since: str) -> None:
        """Set a content aside; it is still found."""
        with suppress(FileNotFoundError):
            self._place.move(self._key(sha256), f"{self._folder}/{ASIDE}/{since}/{sha256}")

    def bring_back(self, sha256: str, since: str) -> None:
        """Bring a content back that was set aside."""
        with suppress(FileNotFoundError):
            self._place.move(f"{self._folder}/{ASIDE}/{since}/{sha256}", self._key(sha256))

    def remove(self, sha256: str, since: str) -> None:
        """Remove a content that was set aside."""
        self._place.remove(f"{self._folder}/{ASIDE}/{since}/{sha256}")

    def clear(self, before: float) -> int:
        """Remove what began to arrive before an instant, in seconds since 1970, and never did; return how much."""
        left = [it for it in self._place.kept(ARRIVING) if it.changed is not None and it.changed < before]
        for kept in left:
            self._place.remove(kept.key)
        return len(left)

    @cached_property
    def _folder(self) -> str:
        return "/".join(self._named())

    def _key(self, sha256: str) -> str:
        return _key(self._folder, sha256)

    def _keys(self, sha256: str) -> Iterator[str]:
        """Give the names that a content may have, here and where this database stood or was copied from."""
        for folder in self._folders():
            yield _key(folder, sha256)
            for found, since in self._aside(folder):
                if found == sha256:
                    yield f"{folder}/{ASIDE}/{since}/{sha256}"
            yield _key(folder, sha256)

    def _folders(self) -> Iterator[str]:
        """Give the folder of this database, and then those of the others with which it shares what they hold."""
        yield self._folder
        above = self._folder.rpartition("/")[0]
        for name in self._place.folders(above):
            if f"{above}/{name}" != self._folder:
                yield f"{above}/{name}"

    def _aside(self, folder: str) -> Iterator[tuple[str, str]]:
        for kept in self._place.kept(f"{folder}/{ASIDE}"):
            since, _, sha256 = kept.key.removeprefix(f"{folder}/{ASIDE}/").rpartition("/")
            yield sha256, since

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise Unavailable(f"files cannot be stored or read now: {why}") from error


def _key(folder: str, sha256: str) -> str:
    return f"{folder}/{sha256[:2]}/{sha256}"


def _blocks(source: Source) -> Iterator[bytes]:
    if isinstance(source, bytes):
        source = BytesIO(source)
    if hasattr(source, "read"):
        while block := source.read(BLOCK):
            yield block
        return
    yield from source


def _told(size: int) -> str:
    return f"{size // _MEGABYTE} MB" if size >= _MEGABYTE else f"{size} bytes"
