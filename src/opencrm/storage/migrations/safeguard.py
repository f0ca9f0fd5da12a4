"""The copy of an SQLite database from before its tables changed."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from sqlalchemy import Connection

from opencrm.storage.backup import UNFINISHED, backup


class Safeguard:
    """Takes at most one copy in an upgrade: the state before the first change that was kept.

    Attributes:
        path: The copy, if there is one.
    """

    def __init__(self, now: datetime) -> None:
        self.path: Path | None = None
        self._stamp = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        self._kept = False

    def take(self, connection: Connection) -> None:
        """Copy the database next to itself; call it inside the transaction, before its first statement.

        The transaction keeps other writers out, so that the copy is exactly what the changes start from.
        """
        if self.path is None and connection.dialect.name == "sqlite":
            file = _file(connection)
            if file is not None:
                self.path = backup(file, self._target(file))

    def keep(self) -> None:
        """Say that changes were committed."""
        self._kept = True

    def discard(self) -> None:
        """Say that changes were rolled back: a copy of what still stands is of no use."""
        if self.path is not None and not self._kept:
            self.path.unlink(missing_ok=True)
            self.path = None

    def _target(self, file: Path) -> Path:
        for left in file.parent.glob(f"{file.name}.*.bak{UNFINISHED}"):
            left.unlink()
        names = (f"{file.name}.{self._stamp}{f'-{number}' if number else ''}.bak" for number in count())
        return next(path for name in names if not (path := file.with_name(name)).exists())


def _file(connection: Connection) -> Path | None:
    rows = connection.exec_driver_sql("PRAGMA database_list").all()
    [main] = [row[2] for row in rows if row[1] == "main"]
    return Path(main) if main else None
