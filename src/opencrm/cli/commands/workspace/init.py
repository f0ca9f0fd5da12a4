"""`opencrm init`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from opencrm.cli.asking import at_terminal, chosen_password

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation

PASSWORD = "OPENCRM_OWNER_PASSWORD"
"""The variable that may hold the owner's password."""


@click.command()
@click.option("--owner", envvar="OPENCRM_OWNER", metavar="NAME", help="The owner's name.  [OPENCRM_OWNER]")
@click.option("--email", metavar="ADDRESS", help="The owner's e-mail address.")
@click.option(
    "--unit", default="Company", show_default=True, metavar="NAME", help="The company's name, its first unit."
)
@click.option(
    "--preset",
    type=click.Choice(("solo", "small", "branches", "full")),
    default="full",
    show_default=True,
    help="The company's size: which standard roles it begins with.",
)
@click.pass_obj
def init(invocation: Invocation, owner: str | None, email: str | None, unit: str, preset: str) -> None:
    """Create a workspace and its owner.

    On a terminal it asks for what is missing, the owner's password too. There is no default password: without one
    the owner has keys only. [OPENCRM_OWNER_PASSWORD]
    """
    name, address = _asked(owner, email)
    password = _password(address)
    crm = invocation.open(invocation.settings.db)
    principal = crm.init(owner=name, email=address or None, unit=unit, preset=preset)
    click.echo(f"{invocation.settings.db} is ready; {name} owns it ({principal.id}).")
    if password is not None:
        crm.accounts.set_password(principal, principal.id, password)
    click.echo("Next:")
    for command, what in _next(address or name, signs_in=password is not None):
        click.echo(f"  {command:<46}  {what}")


def _password(email: str | None) -> str | None:
    """Return the owner's password; None for an owner who will have keys only."""
    if email:
        return chosen_password("Password (may be empty: keys only)", email, variable=PASSWORD, ask=at_terminal())
    if os.environ.get(PASSWORD):
        raise click.UsageError("nobody signs in without an address: say --email ADDRESS")
    return None


def _next(owner: str, *, signs_in: bool) -> tuple[tuple[str, str], ...]:
    """Return the commands that one likely wants now, and what they do."""
    first = () if signs_in else ((f"opencrm user password '{owner}'", "choose a password to sign in with"),)
    return (
        *first,
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
