"""Kill an upgrade of SQLite after each of its statements; a program: `killed_upgrade.py FOLDER`.

Prints JSON: whether the two schemas differ at all and, for each killing, whether the database was as before,
and whether it was whole after one more upgrade.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table, event

from opencrm.storage.engines import make_engine
from opencrm.storage.migrations import Owner, upgrade

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)

SCRIPT = """
from alembic import op
import sqlalchemy as sa

revision, down_revision = "0001", None

def upgrade():
    op.execute("UPDATE crm_deal SET title = title || '!'")
    with op.batch_alter_table("crm_deal") as batch:
        batch.alter_column("title", new_column_name="name")
    op.create_table("crm_more", sa.Column("id", sa.Integer, primary_key=True))
"""


def main(folder: Path) -> None:
    (folder / "scripts").mkdir()
    (folder / "scripts" / "a.py").write_text(SCRIPT)
    base, whole, owner = folder / "base.db", folder / "whole.db", new(folder / "scripts")
    prepare(base)
    shutil.copy(base, whole)
    run(whole, owner, None)
    found: list[tuple[bool, bool]] = []
    while killed(base, file := folder / f"{len(found)}.db", owner, len(found) + 1):
        as_before = content(file) == content(base)
        run(file, owner, None)
        found.append((as_before, content(file) == content(whole)))
    sys.stdout.write(json.dumps({"differ": content(base) != content(whole), "found": found}))


def old() -> Owner:
    return Owner("core", [table("crm_deal", Column("title", String(9)))])


def new(scripts: Path) -> Owner:
    deal = table("crm_deal", Column("name", String(9)), Column("x", Integer, index=True))
    return Owner("core", [deal, table("crm_more")], scripts)


def table(name: str, *columns: Any) -> Table:
    return Table(name, MetaData(), Column("id", Integer, primary_key=True), *columns)


def prepare(file: Path) -> None:
    run(file, old(), None)
    with closing(sqlite3.connect(file)) as connection:
        connection.executemany("INSERT INTO crm_deal VALUES (?, ?)", [(at, f"D{at}") for at in range(500)])
        connection.commit()


def killed(base: Path, file: Path, owner: Owner, at: int) -> bool:
    """Upgrade a copy in a process that dies after so many statements; False if there are not so many."""
    shutil.copy(base, file)
    child = os.fork()
    if child == 0:
        run(file, owner, at)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return status != 0


def run(file: Path, owner: Owner, dying_at: int | None) -> None:
    engine = make_engine(f"sqlite:///{file}")
    seen = []

    def count(*_: Any) -> None:
        seen.append(1)
        if len(seen) == dying_at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "after_cursor_execute", count)
    event.listen(engine, "commit", count)
    upgrade(engine, [owner], now=NOW)
    engine.dispose()


def content(file: Path) -> list[Any]:
    queries = (
        "SELECT name, sql FROM sqlite_master ORDER BY name",
        "SELECT * FROM crm_deal ORDER BY id",
        "SELECT owner, snapshot FROM crm_schema",
        "PRAGMA integrity_check",
    )
    with closing(sqlite3.connect(file)) as connection:
        return [connection.execute(query).fetchall() for query in queries]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
