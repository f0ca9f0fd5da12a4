"""`opencrm init`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation


@click.command()
@click.option("--owner", envvar="OPENCRM_OWNER", metavar="NAME", help="The owner's name.  [OPENCRM_OWNER]")
@click.option("--email", metavar="ADDRESS", help="The owner's e-mail address.")
@click.pass_obj
def init(invocation: Invocation, owner: str | None, email: str | None) -> None:
    """Create a workspace and its owner.

    On a terminal it asks for what is missing.
    """
    name, address = _asked(owner, email)
    principal = invocation.open(invocation.settings.db).init(owner=name, email=address or None)
    click.echo(f"{invocation.settings.db} is ready; {name} owns it ({principal.id}).")
    click.echo("Next:")
    for command, what in _next(address or name):
        click.echo(f"  {command:<46}  {what}")


def at_terminal() -> bool:
    """Say whether somebody can be asked."""
    return sys.stdin.isatty()


def _next(owner: str) -> tuple[tuple[str, str], ...]:
    """Return the commands that one likely wants now, and what they do."""
    return (
        (f"opencrm user token '{owner}'", "make a key for REST"),
        ("opencrm import contact FILE.csv --map MAP.toml", "bring contacts in"),
        ("opencrm run", "serve REST and work the queue"),
    )


def _asked(owner: str | None, email: str | None) -> tuple[str, str | None]:
    if owner is not None:
        return owner, email
    if not at_terminal():
        raise click.UsageError("who owns the workspace? say --owner NAME, or set OPENCRM_OWNER")
    name = click.prompt("Name of the owner")
    return name, email or click.prompt("E-mail (may be empty)", default="", show_default=False)
