"""Turns among the processes that write one SQLite file."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opencrm.storage.databases import Database
from opencrm.storage.engines import make_engine
from opencrm.storage.waiting import turns

BUSY = """
import sys, time
from opencrm.storage.engines import make_engine
from opencrm.storage.databases import Database

database = Database(make_engine(sys.argv[1]))
while True:
    with database.write() as tx:
        tx.connection.exec_driver_sql("UPDATE turn SET number = number + 1")
        time.sleep(0.03)
"""
HOLDS = """
import fcntl, sys, time
file = open(sys.argv[1], "ab")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A file with a table of one number."""
    found = Database(make_engine(f"sqlite:///{tmp_path / 'x.db'}"))
    with found.write() as tx:
        tx.connection.exec_driver_sql("CREATE TABLE turn (number INTEGER)")
        tx.connection.exec_driver_sql("INSERT INTO turn VALUES (0)")
    yield found
    found.close()


@contextmanager
def other_process(text: str, argument: object) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", text, str(argument)], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def number(database: Database) -> int:
    with database.read() as tx:
        return int(tx.connection.exec_driver_sql("SELECT number FROM turn").scalar_one())


def wait_until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not met():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_busy_process_lets_others_in_after_what_it_does_now(database: Database) -> None:
    """It commits, and begins anew at once: of whoever waits already it does so only afterwards."""
    with other_process(BUSY, database.engine.url):
        wait_until(lambda: number(database) > 0)
        for _ in range(5):
            before = number(database)
            with database.write() as tx:
                assert tx.connection.exec_driver_sql("SELECT number FROM turn").scalar_one() - before <= 3


def test_whoever_is_killed_gives_its_turn_back(database: Database) -> None:
    """The lock is the system's, and ends with the process."""
    with other_process(BUSY, database.engine.url):
        wait_until(lambda: number(database) > 0)
    begun = time.monotonic()
    with database.write():
        assert time.monotonic() - begun < turns._LONGEST / 2


def test_whoever_holds_its_turn_for_ever_keeps_nobody_from_writing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while SQLite alone says who writes."""
    monkeypatch.setattr(turns, "_LONGEST", 0.2)
    with other_process(HOLDS, tmp_path / "x.db-turn") as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with database.write() as tx:
            tx.connection.exec_driver_sql("UPDATE turn SET number = 7")
    assert number(database) == 7


@pytest.mark.parametrize("nowhere", ["no locks", "no file"])
def test_where_there_are_no_turns_it_is_as_if_there_were_none(
    nowhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a system that has no such locks, and where the file cannot be made."""
    if nowhere == "no locks":
        monkeypatch.setattr(turns, "_LOCKS", None)
    else:
        (tmp_path / "y.db-turn").mkdir()
    database = Database(make_engine(f"sqlite:///{tmp_path / 'y.db'}"))
    with database.write() as tx:
        tx.connection.exec_driver_sql("CREATE TABLE turn (number INTEGER)")
        tx.connection.exec_driver_sql("INSERT INTO turn VALUES (7)")
    assert number(database) == 7
    assert not (tmp_path / "y.db-turn").is_file()
    with pytest.raises(ZeroDivisionError), database.write() as tx:
        tx.connection.exec_driver_sql("UPDATE turn SET number = 8")
        1 / 0  # noqa: B018
    with database.write() as tx:
        tx.connection.exec_driver_sql("UPDATE turn SET number = number + 2")
    assert number(database) == 9
    database.close()


def test_a_turn_ends_with_its_transaction(database: Database, tmp_path: Path) -> None:
    """Also where that is taken back."""
    with pytest.raises(ZeroDivisionError), database.write():
        1 / 0  # noqa: B018
    asks = f"import fcntl; fcntl.lockf(open({str(tmp_path / 'x.db-turn')!r}, 'ab'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    assert subprocess.run([sys.executable, "-c", asks], check=False).returncode == 0
    with database.write():
        assert subprocess.run([sys.executable, "-c", asks], check=False, capture_output=True).returncode == 1
