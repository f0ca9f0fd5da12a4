"""`opencrm user add | token | disable`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation


@click.group()
def user() -> None:
    """Add and disable users, make their keys."""


@user.command()
@click.argument("name")
@click.option("--email", metavar="ADDRESS", help="Without one the user cannot sign in on a page.")
@click.option("--role", required=True, metavar="KEY", help="Key of the role, such as manager_2.")
@click.option("--unit", required=True, metavar="NAME", help="Name of the unit.")
@click.pass_obj
def add(invocation: Invocation, name: str, email: str | None, role: str, unit: str) -> None:
    """Add the user NAME, with a role in a unit; print the new user's id."""
    from opencrm.services import organisation

    with invocation.crm.work(invocation.principal) as work:
        user_id = organisation.add_user(work, name, email=email, role=role, unit=unit)
    click.echo(user_id)


@user.command()
@click.argument("user")
@click.option("--name", "label", default="command line", show_default=True, help="What the key is for.")
@click.option("--days", type=click.IntRange(1, 3650), metavar="N", help="How long it is good; else for good.")
@click.pass_obj
def token(invocation: Invocation, user: str, label: str, days: int | None) -> None:
    """Print a fresh REST key of USER (an e-mail address, an id or a name); it is shown this once."""
    from opencrm.services import tokens

    holder = invocation.crm.principal(user)
    with invocation.crm.work(invocation.principal) as work:
        secret = tokens.issue(work, holder.id, label=label, days=days)
    click.echo(secret)
    click.echo("Keep it: it is not shown again.", err=True)


@user.command()
@click.argument("user")
@click.pass_obj
def disable(invocation: Invocation, user: str) -> None:
    """Close USER's account and keys; the records stay theirs."""
    from opencrm.services import organisation

    holder = invocation.crm.principal(user)
    with invocation.crm.work(invocation.principal) as work:
        organisation.disable(work, holder.id)
    click.echo(f"{user} can no longer sign in.")
