"""Where contents stand: a folder of this machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol

import attrs

from opencrm.errors import ConfigurationError

ARRIVING = "arriving"
"""The folder of what is still on its way."""


@attrs.frozen
class Kept:
    """Something that a place holds.

    Attributes:
        key: Its name, with folders divided by `/`.
        changed: When it came there, in seconds since 1970; None where the place does not tell.
    """

    key: str
    changed: float | None


class Place(Protocol):
    """Holds contents under names; what has a name is complete, and never changes."""

    def arriving(self) -> AbstractContextManager[IO[bytes]]:
        """Open a file, for a `with` block, to be written to; it is gone at the block's end unless it is kept."""

    def keep(self, file: IO[bytes], key: str) -> None:
        """Give a file that was written a name, at once and for good, and so that it survives a loss of power."""

    def size(self, key: str) -> int | None:
        """Return how many bytes stand under a name; None where there is nothing."""

    def open(self, key: str) -> IO[bytes]:
        """Open what stands under a name; raises FileNotFoundError where there is nothing."""

    def move(self, key: str, to: str) -> None:
        """Give something another name; raises FileNotFoundError where there is nothing."""

    def remove(self, key: str) -> None:
        """Remove something; nothing happens where there is nothing."""

    def kept(self, folder: str) -> Iterator[Kept]:
        """Give all that stands below a folder."""

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder."""


class Folder:
    """A place that is a folder of this machine, or of a disk that several share.

    Args:
        root: The folder; it is made at its first use.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def arriving(self) -> Iterator[IO[bytes]]:
        """Open a file beside its later place, so that it is only renamed."""
        folder = self._root / ARRIVING
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix="", suffix=".part", delete=False) as file:
            try:
                yield file
            finally:
                Path(file.name).unlink(missing_ok=True)

    def keep(self, file: IO[bytes], key: str) -> None:
        """Rename a file once all of it is on the disk."""
        file.flush()
        os.fsync(file.fileno())
        target = self._root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        Path(file.name).replace(target)
        for folder in (target.parent, *target.parent.parents):
            _write_down(folder)
            if folder == self._root.parent:
                break

    def size(self, key: str) -> int | None:
        """Return how many bytes stand under a name."""
        with suppress(FileNotFoundError):
            return (self._root / key).stat().st_size
        return None

    def open(self, key: str) -> IO[bytes]:
        """Open what stands under a name."""
        return (self._root / key).open("rb")

    def move(self, key: str, to: str) -> None:
        """Rename something."""
        target = self._root / to
        target.parent.mkdir(parents=True, exist_ok=True)
        (self._root / key).replace(target)

    def remove(self, key: str) -> None:
        """Remove something."""
        (self._root / key).unlink(missing_ok=True)

    def kept(self, folder: str) -> Iterator[Kept]:
        """Give the files below a folder."""
        for above, _, names in os.walk(self._root / folder):
            for name in names:
                path = Path(above) / name
                with suppress(FileNotFoundError):
                    yield Kept(path.relative_to(self._root).as_posix(), path.stat().st_mtime)

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder."""
        with suppress(FileNotFoundError):
            return sorted(path.name for path in (self._root / folder).iterdir() if path.is_dir())
        return []


class Nowhere:
    """No place: whoever wants to store something is told what is wanting."""

    def _refuse(self, *_: object) -> ConfigurationError:
        return ConfigurationError("say where files are kept: OPENCRM_FILES, or CRM(..., files=FileStore(place))")

    def arriving(self) -> AbstractContextManager[IO[bytes]]:
        raise self._refuse()

    def keep(self, file: IO[bytes], key: str) -> None:
        raise self._refuse()

    def size(self, key: str) -> int | None:
        raise self._refuse()

    def open(self, key: str) -> IO[bytes]:
        raise self._refuse()

    def move(self, key: str, to: str) -> None:
        raise self._refuse()

    def remove(self, key: str) -> None:
        raise self._refuse()

    def kept(self, folder: str) -> Iterator[Kept]:
        return iter(())

    def folders(self, folder: str) -> list[str]:
        return []


def _write_down(folder: Path) -> None:
    """Have the names in a folder survive a loss of power, where the system can be asked for it."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
