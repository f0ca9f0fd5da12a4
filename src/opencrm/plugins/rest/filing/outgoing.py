"""Files on their way out: the server sends them beside its threads, so that a slow reader holds none of these."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable
from os import SEEK_CUR, SEEK_END, SEEK_SET
from tempfile import TemporaryFile
from typing import IO, cast

from flask import Response, request
from werkzeug.wsgi import wrap_file

from opencrm import Unavailable

_MOST = 64
"""How many files are sent at once; each keeps a file of this machine open."""
_BLOCK = 2**16


class Part:
    """Some bytes of a file, as a file of its own.

    Args:
        file: The file; it is closed with this one, or when nobody has this one any more.
        start: The first byte.
        end: The one after the last.
        closed: Is called once, then.
    """

    def __init__(self, file: IO[bytes], start: int, end: int, closed: Callable[[], None]) -> None:
        self._file = file
        self._start = start
        self._size = end - start
        self._at = 0
        self.close = weakref.finalize(self, _finish, file, closed)

    def read(self, size: int = -1) -> bytes:
        left = max(self._size - self._at, 0)
        self._file.seek(self._start + self._at)
        found = self._file.read(left if size < 0 else min(size, left))
        self._at += len(found)
        return found

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        self._at = offset + {SEEK_SET: 0, SEEK_CUR: self._at, SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True


class Outgoing:
    """Sends files, some at a time."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(_MOST)

    def answer(
        self,
        opened: Callable[[], IO[bytes]],
        start: int,
        end: int,
        headers: Iterable[tuple[str, str]],
        status: int = 200,
    ) -> Response:
        """Answer with bytes of a file.

        Args:
            opened: Opens the file; is called only where it can be sent.
            start: The first byte.
            end: The one after the last.
            headers: All but the length.
            status: What the answer is.

        Raises:
            Unavailable: As many files as can be sent at once are on their way.
        """
        if not self._free.acquire(blocking=False):
            raise Unavailable("too many files are on their way out; try again in a minute")
        try:
            part = _part(opened(), start, end, self._free.release)
        except BaseException:
            self._free.release()
            raise
        told = [*headers, ("Content-Length", str(end - start))]
        body = wrap_file(request.environ, cast(IO[bytes], part), _BLOCK)
        return Response(body, status, told, direct_passthrough=True)


def _finish(file: IO[bytes], closed: Callable[[], None]) -> None:
    file.close()
    closed()


def _part(file: IO[bytes], start: int, end: int, closed: Callable[[], None]) -> Part:
    """Return bytes of a file of this machine: what stands elsewhere is fetched, since the server waits for no other."""
    if _is_here(file):
        return Part(file, start, end, closed)
    with file:
        file.seek(start)
        fetched, left = TemporaryFile(), end - start  # noqa: SIM115  # Whoever sends it closes it.
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            left -= fetched.write(block)
    return Part(fetched, 0, end - start, closed)


def _is_here(file: IO[bytes]) -> bool:
    try:
        return file.fileno() >= 0
    except (AttributeError, OSError):
        return False
