"""Copies of SQLite databases."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table

from opencrm.errors import ConfigurationError
from opencrm.storage.backup import backup, verify
from opencrm.storage.engines import make_engine
from opencrm.storage.migrations import Owner, upgrade


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database of some pages."""
    file = tmp_path / "a.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE t (x TEXT)")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 200)
        connection.commit()
    return file


def test_an_upgrade_first_copies_a_database_that_has_tables(
    tmp_path: Path, core: Callable[..., Owner], now: Any
) -> None:
    """The copy stands next to the database, one for an upgrade, with the old tables and all rows."""
    engine = make_engine(f"sqlite:///{tmp_path / 'crm.db'}")

    def notes(*more: Any) -> Owner:
        return Owner("notes", [Table("notes_note", MetaData(), Column("id", Integer, primary_key=True), *more)])

    upgrade(engine, [core(), notes()], now=now)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO crm_deal (id, title) VALUES ('1', 'Windows')")
    (tmp_path / "crm.db.20260101T000000Z.bak.part").write_text("left by a process that was killed")
    assert list(tmp_path.glob("*.bak")) == []

    [first, second] = upgrade(engine, [core(Column("x", String(9))), notes(Column("x", String(9)))], now=now)

    engine.dispose()
    copy = tmp_path / "crm.db.20260302T090000Z.bak"
    assert first.backup == second.backup == copy  # type: ignore[union-attr]
    assert list(tmp_path.glob("*.bak*")) == [copy]
    verify(copy)
    with closing(sqlite3.connect(copy)) as old:
        assert [row[1] for row in old.execute("PRAGMA table_info(crm_deal)")][-1] == "created_at"
        assert old.execute("SELECT title FROM crm_deal").fetchall() == [("Windows",)]


def test_a_copy_verifies_and_overwrites_nothing(database: Path) -> None:
    """A copy is a database of its own; a second one needs another name."""
    copy = database.with_name("b.db")
    verify(backup(database, copy))
    assert {file.name for file in database.parent.iterdir()} == {"a.db", "b.db"}
    with pytest.raises(ConfigurationError, match="overwrites nothing"):
        backup(database, copy)


def test_a_damaged_file_does_not_verify(database: Path) -> None:
    """Pages that make no sense are found."""
    content = bytearray(database.read_bytes())
    content[5000:9000] = b"\xff" * 4000
    database.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"damaged|not a sound"):
        verify(database)
    with pytest.raises(ConfigurationError, match=r"damaged|not a sound|no backup"):
        backup(database, database.with_name("b.db"))
    assert [file.name for file in database.parent.iterdir()] == ["a.db"]


def test_what_does_not_exist_cannot_be_copied(tmp_path: Path) -> None:
    """No empty copy is left either."""
    with pytest.raises(ConfigurationError, match="no backup"):
        backup(tmp_path / "missing.db", tmp_path / "c.db")
    assert list(tmp_path.iterdir()) == []
