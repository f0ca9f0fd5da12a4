"""The file that holds the demo: made whole or not at all, and never in the place of somebody's data."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from opencrm.errors import ConfigurationError

MARK = 0x0C_DE_30
"""SQLite's `application_id` of a demo."""

SQLITE = "sqlite:///"


def path_of(database: str) -> Path:
    """Return the file that a path or a URL of SQLite names.

    Raises:
        ConfigurationError: It is another database.
    """
    name = database.removeprefix(SQLITE)
    if "://" in name or name in ("", ":memory:"):
        raise ConfigurationError(f"the demo lives in an SQLite file, not in {database!r}")
    return Path(name)


def is_demo(file: Path, mark: int = MARK) -> bool:
    """Say whether a file holds a demo, of the kind that has this mark."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            return bool(database.execute("PRAGMA application_id").fetchone()[0] == mark)
    except sqlite3.Error:
        return False


@contextmanager
def fresh(file: Path, mark: int = MARK) -> Iterator[Path]:
    """Give the path of a file to fill; it takes `file`'s place at the end of the block, if nothing was raised.

    Args:
        file: The demo's file; the folder of its records' files, beside it, is made anew with it.
        mark: Tells this kind of demo from every other file.

    Raises:
        ConfigurationError: `file` holds something else than a demo, is in use, or cannot be written.
    """
    again = file.exists()
    if again and not is_demo(file, mark):
        raise ConfigurationError(f"{file} is not a demo, and is left as it is; name another file with --db")
    _check_idle(file)
    made = file.with_name(f".{file.name}.new")
    try:
        _remove(made)
        yield made
        _mark(made, mark)
        _check_idle(file)
        _remove(file)
        made.rename(file)
        _move_folder(made, file, again=again)
    except OSError as error:
        raise ConfigurationError(f"cannot write {file}: {error}") from error
    finally:
        _remove(made)


def _check_idle(file: Path) -> None:
    """Refuse to replace a file that another process has open: what it wrote from then on would be lost."""
    if not file.exists():
        return
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as database:
        try:
            database.execute("PRAGMA locking_mode=EXCLUSIVE")
            database.execute("BEGIN EXCLUSIVE")
            database.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            text = f"{file} is in use ({error}): stop what serves it, then make it anew, or name another file with --db"
            raise ConfigurationError(text) from None


def _mark(file: Path, mark: int) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute(f"PRAGMA application_id = {mark}")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _remove(file: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal", "-turn"):
        file.with_name(file.name + end).unlink(missing_ok=True)


def _move_folder(made: Path, file: Path, *, again: bool) -> None:
    """Give a demo that took another one's place its own folder of files; one that nobody's demo left stays."""
    new, old = (it.with_name(f"{it.name}.files") for it in (made, file))
    if again:
        shutil.rmtree(old, ignore_errors=True)
    if new.exists():
        shutil.copytree(new, old, dirs_exist_ok=True)
        shutil.rmtree(new)
