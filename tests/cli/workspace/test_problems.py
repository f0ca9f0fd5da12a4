"""What the command line says of plugins that do not run as they are meant to, and of failures of the worker."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result

from opencrm import CRM, Create, Tag, records
from opencrm.cli.serving.logs import logs_on_stderr
from opencrm.testing.postgres import NoPostgreSQL, running_server

LISTENER = """
from opencrm import Grant, Scope, hookimpl


@hookimpl(entity="daels")
def opencrm_check_change(changes):
    return []
"""
MOODY = """
from opencrm import Grant, Scope, hookimpl


@hookimpl(entity="tag")
def opencrm_on_change(entry, door):
    raise LookupError("away")


@hookimpl
def opencrm_register_grants():
    yield Grant("tag", "read", Scope.ALL)
"""


@pytest.fixture
def workspace(call: Callable[..., Result], folder: Path) -> Callable[..., Result]:
    """A workspace that Ann owns, beside a folder `plugins`; gives `call`."""
    assert call("init", "--owner", "Ann").exit_code == 0
    (folder / "plugins").mkdir()
    return call


def test_a_broken_and_a_deaf_plugin_are_warned_of(workspace: Callable[..., Result], folder: Path) -> None:
    """One line each on stderr, the same as `problems()` says; the command goes on."""
    (folder / "plugins" / "broken.py").write_text("import no_such_module\n")
    (folder / "plugins" / "listener.py").write_text(LISTENER)
    done = workspace("db", "check", "--plugin-dir", "plugins")
    assert done.exit_code == 0
    with closing(CRM("sqlite:///opencrm.db", plugin_dir="plugins")) as crm:
        problems = crm.problems()
    assert set(problems) == {"broken", "listener"}
    assert "daels" in problems["listener"]
    assert sorted(done.stderr.splitlines()) == sorted(f"opencrm: warning: {reason}" for reason in problems.values())
    assert "warning" not in workspace("db", "check", "--plugin-dir", "plugins", "--safe-mode").stderr
    assert "warning" not in workspace("db", "check", "--plugin-dir", "plugins", "--help").output


def test_a_broken_file_is_listed_as_one(workspace: Callable[..., Result], folder: Path) -> None:
    """The source is the folder, not a package."""
    (folder / "plugins" / "broken.py").write_text("import no_such_module\n")
    [line] = [it for it in workspace("plugin", "list", "--plugin-dir", "plugins").stdout.splitlines() if "broken" in it]
    assert line.split()[2:4] == ["file", "refused"]


def test_an_enabled_plugin_that_is_gone_is_warned_of(workspace: Callable[..., Result]) -> None:
    """Its package was removed: nobody believes that it still runs."""
    workspace("plugin", "enable", "last_touch", "--yes")
    with closing(sqlite3.connect("opencrm.db")) as database, database:
        database.execute("UPDATE crm_plugin SET name = 'gone'")
    assert "'gone' is enabled here, and is not installed" in workspace("db", "current").stderr


@pytest.mark.parametrize("debug, traceback", [("", False), ("1", True)])
def test_a_failing_reaction_is_logged(
    workspace: Callable[..., Result],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    debug: str,
    traceback: bool,
) -> None:
    """A warning for each failure, an error for the last; a traceback for those who debug."""
    (folder / "plugins" / "moody.py").write_text(MOODY)
    monkeypatch.setenv("OPENCRM_DEBUG", debug)
    with closing(CRM("sqlite:///opencrm.db", plugin_dir="plugins")) as crm, logs_on_stderr():
        with crm.work(crm.sole_owner()) as work:
            [tag] = records.create(work, [Create(Tag, name="x")])
        crm.worker().run_once()
        first = capsys.readouterr().err
        with closing(sqlite3.connect("opencrm.db")) as database, database:
            database.execute("UPDATE crm_delivery SET attempts = 7, run_at = '2026-01-01T00:00:00.000000+00:00'")
        crm.worker().run_once()
        last = capsys.readouterr().err
    assert f"WARNING opencrm.worker: plugin moody, tag {tag.record_id}, attempt 1: " in first
    assert "LookupError: away" in first
    assert ("Traceback" in first) is traceback
    assert f"ERROR opencrm.worker: plugin moody, tag {tag.record_id}, attempt 8, dead" in last


@pytest.mark.parametrize("command", ["run", "serve", "worker"])
def test_stale_tables_are_refused_at_the_start(workspace: Callable[..., Result], command: str) -> None:
    """It says what to run."""
    with closing(sqlite3.connect("opencrm.db")) as database, database:
        database.execute("UPDATE crm_schema SET fingerprint = 'of an older version'")
    done = workspace(command)
    assert done.exit_code == 8
    assert "opencrm db upgrade" in done.stderr


def test_a_demo_that_cannot_be_served_is_not_made(
    call: Callable[..., Result], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No keys are shown, no file is made, and the extra is named."""
    monkeypatch.setitem(sys.modules, "waitress", None)
    done = call("demo", "--port", "0")
    assert done.exit_code == 8
    assert "pip install 'opencrm[web]'" in done.stderr
    assert done.stdout == ""
    assert not list(folder.iterdir())


def test_without_the_driver_postgresql_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test kit says what to install; it does not break."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(NoPostgreSQL, match=r"opencrm\[postgres\]"), running_server():
        pass


TWICE = """
from opencrm import Pipeline, Stage, hookimpl


@hookimpl(entity="daels")
def opencrm_check_change(changes):
    return []


@hookimpl(entity="taks")
def opencrm_record_change(changes):
    return []


@hookimpl
def opencrm_register_pipelines():
    yield Pipeline("twice", ["new", "old"], moves={("new", "old")})
"""


def test_all_that_is_wrong_with_one_plugin_is_told(workspace: Callable[..., Result], folder: Path) -> None:
    """A line for each: two hooks for what is not there, and a stage with no way out."""
    (folder / "plugins" / "twice.py").write_text(TWICE)
    lines = workspace("db", "check", "--plugin-dir", "plugins").stderr.splitlines()
    assert all(line.startswith("opencrm: warning: plugin 'twice', ") for line in lines)
    assert [any(what in line for line in lines) for what in ("daels", "taks", "no move leads out")] == [True] * 3
    assert len(lines) == 3
