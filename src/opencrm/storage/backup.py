"""Copies of an SQLite database, made while others read and write."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from opencrm.errors import ConfigurationError

UNFINISHED = ".part"
"""What the name of a copy ends with until it is complete and verified."""


def backup(source: Path, target: Path) -> Path:
    """Copy the database in file `source` to the new file `target`, as of one instant, and verify the copy.

    Either the whole copy stands under its name, on disk, or nothing does.

    Raises:
        ConfigurationError: The copy cannot be made or does not verify, or `target` exists.
    """
    if target.exists():
        raise ConfigurationError(f"{target} exists already; a backup overwrites nothing")
    partial = target.with_name(target.name + UNFINISHED)
    partial.unlink(missing_ok=True)
    try:
        _copy(source, partial)
        verify(partial)
        partial.rename(target)
        _sync(target.parent)
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(f"no backup of {source} could be made: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return target


def verify(file: Path) -> None:
    """Read a whole database and check that it is sound.

    Raises:
        ConfigurationError: It is damaged, or no database at all.
    """
    try:
        with closing(_open(file, "ro")) as connection:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(10)")]
    except sqlite3.Error as error:
        raise ConfigurationError(f"{file} is not a sound SQLite database: {error}") from error
    if found != ["ok"]:
        raise ConfigurationError(f"{file} is damaged: {'; '.join(found)}")


def _copy(source: Path, target: Path) -> None:
    with closing(_open(source, "rw")) as origin, closing(sqlite3.connect(target)) as copy:
        origin.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # One file, without a -wal beside it.
    shutil.copymode(source, target)
    _sync(target)


def _open(file: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode={mode}", uri=True)


def _sync(path: Path) -> None:
    """Write a file or a folder's list of names through to the disk."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
