"""Turns among the processes that write one SQLite file: whoever waits comes before whoever wrote last."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Engine

from opencrm.core.clock import monotonic

_SUFFIX = "-turn"
_NEXT, _NOW = 0, 1
"""The bytes of the file that are locked: by whoever is next, and by whoever writes."""
_LOOK = 0.001
_LONGEST = 5.0
"""After so many seconds a process no longer waits for its turn: SQLite alone says who writes."""


def _system() -> Any:
    """Return the system's locks of files; None where it has none, as on Windows: there SQLite alone says who writes."""
    with suppress(ImportError):
        return import_module("fcntl")
    return None


_LOCKS = _system()


class Turns:
    """Lets processes write in turn; within a process, only one thread at a time may ask.

    SQLite looks again after pauses of up to a tenth of a second, and gives its lock to whoever looks at the right
    moment: beside a busy writer, as an import is, others wait for seconds. Nothing depends on turns but how long
    somebody waits: where they cannot be taken, it is as if there were none.

    Args:
        engine: Of a SQLite file; of one that is in memory there are no other processes.
    """

    def __init__(self, engine: Engine) -> None:
        name = engine.url.database or ""
        self._path = None if name.startswith((":", "file:")) or not name else Path(name + _SUFFIX).absolute()
        self._file: int | None = None
        self._of = 0
        self._closing: weakref.finalize[..., Turns] | None = None

    def __enter__(self) -> None:
        file = self._opened()
        if file is not None:
            end = monotonic() + _LONGEST
            _wait(file, _NEXT, end)
            try:
                _wait(file, _NOW, end)
            except BaseException:
                _let_go(file, _NOW)
                raise
            finally:
                _let_go(file, _NEXT)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            _let_go(self._file, _NOW)

    @contextmanager
    def at_once(self) -> Iterator[bool]:
        """Have the turn while the block runs, where no other process has it or is next; give whether it is had."""
        file = self._opened()
        mine = file is None or (_taken(file, _NEXT) and _taken(file, _NOW))
        if file is not None:
            _let_go(file, _NEXT)
        try:
            yield mine
        finally:
            if mine:
                self.__exit__(None, None, None)

    def close(self) -> None:
        """Close the file."""
        if self._closing is not None:
            self._closing()
        self._file, self._of = None, 0

    def _opened(self) -> int | None:
        """Return the open file, each process its own; None where there can be none."""
        if _LOCKS is not None and self._path is not None and self._of != os.getpid():
            self._of = os.getpid()
            try:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
                self._closing = weakref.finalize(self, os.close, self._file)
            except OSError:
                self._file = None
        return self._file


def _wait(file: int, byte: int, end: float) -> None:
    """Wait until a byte is ours, and no longer than an instant."""
    while not _taken(file, byte) and monotonic() < end:
        time.sleep(_LOOK)


def _taken(file: int, byte: int) -> bool:
    try:
        _LOCKS.lockf(file, _LOCKS.LOCK_EX | _LOCKS.LOCK_NB, 1, byte)
    except OSError:
        return False
    return True


def _let_go(file: int, byte: int) -> None:
    _LOCKS.lockf(file, _LOCKS.LOCK_UN, 1, byte)
