"""The reference of the command line is complete."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import click
import pytest

from opencrm.cli.border import EXIT_CODES
from opencrm.cli.root import COMMANDS, root
from opencrm.settings import Settings

PAGE = Path(__file__).parents[2] / "docs/reference/command-line.md"
VARIABLES = {"user": "OPENCRM_AS"}


@pytest.fixture(scope="module")
def page() -> str:
    """The page's text."""
    return PAGE.read_text(encoding="utf-8")


def leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Give a command, or those below it, with their full names."""
    if isinstance(command, click.Group):
        for each, child in command.commands.items():
            yield from leaves(child, f"{name} {each}")
    else:
        yield name, command


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_its_place(page: str, name: str) -> None:
    """Named in a heading, and each of its own options in the text below."""
    ctx = click.Context(root)
    command = root.get_command(ctx, name)
    assert command is not None
    assert any(name in line for line in page.splitlines() if line.startswith("### opencrm"))
    if COMMANDS[name].target or name == "demo":
        for full, leaf in leaves(command, name):
            assert f"`{full.split()[-1]}`" in page or f"opencrm {full}" in page, full
            for option in [param for param in leaf.params if isinstance(param, click.Option)]:
                assert any(spelling in page for spelling in (*option.opts, *option.secondary_opts)), option.opts


def test_every_variable_is_explained(page: str) -> None:
    """Settings, and those that are read elsewhere."""
    names = [VARIABLES.get(it.name, f"OPENCRM_{it.name.upper()}") for it in attrs.fields(Settings)]
    for name in (*names, "OPENCRM_OWNER", "OPENCRM_OWNER_PASSWORD", "OPENCRM_PASSWORD", "OPENCRM_DEBUG"):
        assert f"`{name}`" in page, name


def test_every_exit_code_is_explained_with_its_errors(page: str) -> None:
    """A line for each code, which names the errors of that branch."""
    rows = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| ")}
    for kind, number in EXIT_CODES:
        for each in (kind, *(it for it in kind.__subclasses__() if it.__module__ == "opencrm.errors")):
            assert f"`{each.code}`" in rows[str(number)], each
