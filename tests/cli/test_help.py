"""`opencrm --help` is quick and complete."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import click
import pytest
from click.testing import Result

from opencrm.cli.root import COMMANDS, root

HEAVY = ("sqlalchemy", "flask", "waitress", "marshmallow", "alembic", "attr", "environ", "importlib.metadata")

PROBE = f"""
import sys
from opencrm.cli.root import root
try:
    root(["--help"], prog_name="opencrm")
except SystemExit:
    pass
print([name for name in {HEAVY} if name in sys.modules])
"""


def test_help_imports_no_framework() -> None:
    """Neither SQLAlchemy nor a web framework, nor anything else that is slow, is imported."""
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_lists_every_command(call: Callable[..., Result]) -> None:
    """Each line of the table is shown with its help."""
    shown = call("--help").stdout
    for name, listed in COMMANDS.items():
        assert f"  {name} " in shown
        assert listed.help in shown


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_has_help(call: Callable[..., Result], name: str) -> None:
    """`opencrm COMMAND --help` works and has no side effect."""
    done = call(name, "--help")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"Usage: opencrm {name}")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_table_says_what_the_command_says(name: str) -> None:
    """The help in the table is how the command's own begins."""
    command = root.get_command(click.Context(root), name)
    assert command is not None
    assert str(command.help).startswith(COMMANDS[name].help.rstrip("."))


def test_version(call: Callable[..., Result]) -> None:
    """`--version` names the program and the installed version."""
    assert call("--version").stdout.startswith("opencrm 0.")


def test_no_command_shows_help(call: Callable[..., Result]) -> None:
    """Called without anything it shows its help and the exit code of wrong usage."""
    done = call()
    assert done.exit_code == 2
    assert "Commands:" in done.output
