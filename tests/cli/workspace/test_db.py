"""`opencrm db upgrade | current | check`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result


@pytest.fixture
def workspace(call: Callable[..., Result], folder: Path) -> Callable[..., Result]:
    """A workspace that Ann owns; gives `call`."""
    assert call("init", "--owner", "Ann").exit_code == 0
    return call


def test_a_new_workspace_is_up_to_date(workspace: Callable[..., Result]) -> None:
    """Nothing is left to do after init."""
    assert workspace("db", "check").exit_code == 0
    assert workspace("db", "upgrade").stdout == "Nothing to do.\n"
    assert workspace("db", "current").stdout.startswith("core ")


def test_upgrade_makes_what_is_missing(call: Callable[..., Result]) -> None:
    """Each step is told; afterwards the check agrees."""
    done = call("db", "upgrade")
    assert done.exit_code == 0
    assert "core: create table crm_deal\n" in done.stdout
    assert call("db", "check").exit_code == 0


def test_check_tells_what_is_missing(call: Callable[..., Result], folder: Path) -> None:
    """Exit code 8, the steps on stdout, what to do on stderr."""
    (folder / "opencrm.db").touch()
    done = call("db", "check")
    assert done.exit_code == 8
    assert "create table crm_deal" in done.stdout
    assert "opencrm db upgrade" in done.stderr


def test_tables_without_a_workspace_ask_for_init(call: Callable[..., Result]) -> None:
    """What was upgraded but never set up has no owner to act as."""
    call("db", "upgrade")
    done = call("user", "token", "Ann")
    assert done.exit_code == 8
    assert "opencrm init" in done.stderr


def test_a_plugins_tables_are_told_apart(workspace: Callable[..., Result]) -> None:
    """Each owner of tables has its line."""
    workspace("plugin", "enable", "last_touch", "--yes")
    assert [line.split()[0] for line in workspace("db", "current").stdout.splitlines()] == ["core", "last_touch"]
