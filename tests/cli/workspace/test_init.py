"""`opencrm init`, and what comes before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from opencrm import CRM


def test_it_makes_a_workspace_with_an_owner(call: Callable[..., Result], folder: Path) -> None:
    """The file stands, the owner is found, and it says what next."""
    done = call("init", "--owner", "Ann", "--email", "ann@example.com")
    assert done.exit_code == 0, done.output
    assert "Next:" in done.stdout
    crm = CRM("sqlite:///opencrm.db")
    assert crm.sole_owner() == crm.principal("ann@example.com")
    crm.close()


def test_the_owner_may_stand_in_the_environment(call: Callable[..., Result]) -> None:
    """For scripts and containers."""
    assert call("init", OPENCRM_OWNER="Ann").exit_code == 0


def test_without_a_terminal_it_says_what_is_missing(call: Callable[..., Result], folder: Path) -> None:
    """Wrong usage, and nothing is made."""
    done = call("init")
    assert done.exit_code == 2
    assert "--owner" in done.stderr
    assert not list(folder.iterdir())


def test_on_a_terminal_it_asks(terminal: Callable[..., tuple[int, str]]) -> None:
    """Name and e-mail address; the latter may stay empty."""
    code, shown = terminal("init", typed="Ann\n\n")
    assert code == 0, shown
    assert "Name of the owner:" in shown
    assert "Ann owns it" in shown


def test_a_second_time_is_refused(call: Callable[..., Result]) -> None:
    """One owner was made; nobody becomes another one in passing."""
    call("init", "--owner", "Ann")
    done = call("init", "--owner", "Eve")
    assert done.exit_code == 8
    assert "set up already" in done.stderr
    assert "crm.sole_owner()" in done.stderr


@pytest.mark.parametrize("email", ["ann", "ann@", "a b@example.com"])
def test_a_bad_address_is_refused(call: Callable[..., Result], email: str) -> None:
    """The field is named, and a second try with a good one works."""
    done = call("init", "--owner", "Ann", "--email", email)
    assert done.exit_code == 3
    assert "email" in done.stderr
    assert call("init", "--owner", "Ann").exit_code == 0


@pytest.mark.parametrize(
    "command", [("user", "token", "Ann"), ("hooks",), ("plugin", "list"), ("db", "check"), ("worker",), ("serve",)]
)
def test_other_commands_make_no_file(call: Callable[..., Result], folder: Path, command: tuple[str, ...]) -> None:
    """A mistyped --db is told, and does not become an empty database."""
    done = call(*command, "--db", "mistyped.db")
    assert done.exit_code == 8
    assert "opencrm init" in done.stderr
    assert not list(folder.iterdir())


@pytest.mark.parametrize("database", ["mysql://localhost/x", "postgresql://127.0.0.1:1/x", "sqlite:////no/such/x.db"])
def test_a_database_that_cannot_be_had_is_told(call: Callable[..., Result], database: str) -> None:
    """One line, exit code 8."""
    done = call("init", "--owner", "Ann", "--db", database)
    assert done.exit_code == 8
    code = "configuration" if database.startswith("mysql") else "unavailable"
    assert done.stderr.startswith(f"opencrm: {code}: ")
    assert done.stderr.count("\n") == 1


def test_a_file_that_is_no_database_is_told(call: Callable[..., Result], folder: Path) -> None:
    """It is left as it is."""
    file = folder / "notes.txt"
    file.write_text("Not a database, but long enough to be taken for a page of one. " * 20)
    done = call("init", "--owner", "Ann", "--db", "notes.txt")
    assert done.exit_code == 8
    assert file.read_text().startswith("Not a database")


def test_the_company_may_have_a_name(call: Callable[..., Result]) -> None:
    """Its first unit has it."""
    assert call("init", "--owner", "Ann", "--unit", "Clearmere").exit_code == 0
    assert call("user", "add", "Bea", "--role", "manager_2", "--unit", "Clearmere").exit_code == 0
