"""Where contents stand: whatever fsspec reaches, such as an object store."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from secrets import token_hex
from typing import IO, Any

from opencrm.errors import ConfigurationError
from opencrm.services.files.places import ARRIVING, Kept

_BLOCK = 2**20


class Remote:
    """A place that fsspec reaches: `s3://bucket/folder`, `sftp://host/folder`, `file:///folder`.

    Args:
        url: The folder.

    Raises:
        ConfigurationError: fsspec, or what it needs for this scheme, is not installed, or the URL cannot be used.
    """

    def __init__(self, url: str) -> None:
        try:
            from fsspec.core import url_to_fs
        except ModuleNotFoundError:
            raise ConfigurationError("files elsewhere need the extra: pip install 'opencrm[fsspec]'") from None
        try:
            self._fs, root = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise ConfigurationError(f"OPENCRM_FILES: {url.partition('://')[0]}:// cannot be used: {error}") from None
        self._root = str(root).rstrip("/")

    @contextmanager
    def arriving(self) -> Iterator[IO[bytes]]:
        """Open a file of this machine: it is sent when its name is known."""
        with tempfile.TemporaryFile() as file:
            yield file

    def keep(self, file: IO[bytes], key: str) -> None:
        """Send a file under a name of its own, and rename it there."""
        file.seek(0)
        sent, target = self._path(f"{ARRIVING}/{token_hex(16)}.part"), self._path(key)
        self._make_folder(sent)
        self._make_folder(target)
        try:
            with self._fs.open(sent, "wb") as out:
                shutil.copyfileobj(file, out, _BLOCK)
            self._fs.mv(sent, target)
        except BaseException:
            with suppress(OSError):
                self._fs.rm_file(sent)
            raise

    def size(self, key: str) -> int | None:
        """Return how many bytes stand under a name."""
        with suppress(FileNotFoundError):
            self._fs.invalidate_cache()
            return int(self._fs.info(self._path(key))["size"])
        return None

    def open(self, key: str) -> IO[bytes]:
        """Open what stands under a name."""
        found: IO[bytes] = self._fs.open(self._path(key), "rb")
        return found

    def move(self, key: str, to: str) -> None:
        """Rename something."""
        self._make_folder(self._path(to))
        self._fs.mv(self._path(key), self._path(to))

    def remove(self, key: str) -> None:
        """Remove something."""
        with suppress(FileNotFoundError):
            self._fs.rm_file(self._path(key))

    def kept(self, folder: str) -> Iterator[Kept]:
        """Give what stands below a folder."""
        self._fs.invalidate_cache()
        for path, _, names in self._fs.walk(self._path(folder), detail=True):
            del path
            for info in names.values():
                yield Kept(str(info["name"]).removeprefix(self._root).lstrip("/"), _changed(info))

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder."""
        self._fs.invalidate_cache()
        with suppress(FileNotFoundError):
            found = self._fs.ls(self._path(folder), detail=True)
            return sorted(str(it["name"]).rstrip("/").rpartition("/")[2] for it in found if it["type"] == "directory")
        return []

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"

    def _make_folder(self, path: str) -> None:
        self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)


def _changed(info: dict[str, Any]) -> float | None:
    """Return when something was stored, as far as its place tells: each says it otherwise."""
    for name in ("mtime", "LastModified", "last_modified", "modified", "created"):
        match info.get(name):
            case int() | float() as seconds:
                return float(seconds)
            case datetime() as at:
                return at.timestamp()
    return None
