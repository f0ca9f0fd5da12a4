"""`opencrm user add | token | tokens | end-token | invite | password | reset | sign-out | disable`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from opencrm.cli.asking import at_terminal, chosen_password

if TYPE_CHECKING:
    from datetime import datetime

    from opencrm.app.invocation import Invocation
    from opencrm.services.identity.mail.sending import Invitation


@click.group()
def user() -> None:
    """Add, invite and disable users, make their keys."""


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
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="Narrow it, such as deal.read; several times.")
@click.pass_obj
def token(invocation: Invocation, user: str, label: str, days: int | None, scopes: tuple[str, ...]) -> None:
    """Print a fresh REST key of USER (an e-mail address, an id or a name); it is shown this once."""
    from opencrm.services import tokens

    holder = invocation.crm.principal(user)
    with invocation.crm.work(invocation.principal) as work:
        secret = tokens.issue(work, holder.id, label=label, days=days, scopes=scopes or None)
    click.echo(secret)
    click.echo("Keep it: it is not shown again.", err=True)


@user.command("tokens")
@click.argument("user")
@click.pass_obj
def keys(invocation: Invocation, user: str) -> None:
    """List the keys of USER that work: id, what it is for, when it was used last, when it ends."""
    from opencrm.cli.lists import print_table
    from opencrm.services import tokens

    with invocation.crm.read(invocation.principal) as reader:
        found = tokens.living(reader, invocation.crm.principal(user).id)
    rows = [(key.id, key.label, _at(key.used_at) or "never", _at(key.expires_at) or "never") for key in found]
    print_table(("id", "name", "used", "ends"), rows)


@user.command("end-token")
@click.argument("id")
@click.pass_obj
def end_token(invocation: Invocation, id: str) -> None:
    """End the key of this ID at once."""
    from opencrm.services import tokens

    with invocation.crm.work(invocation.principal) as work:
        tokens.end(work, id)
    click.echo("The key no longer works.")


@user.command()
@click.argument("user")
@click.pass_obj
def invite(invocation: Invocation, user: str) -> None:
    """Print a link by which USER chooses their first password, within a week."""
    accounts = invocation.crm.accounts
    _show(accounts.invite(invocation.principal, invocation.crm.principal(user).id))


@user.command()
@click.argument("user")
@click.pass_obj
def reset(invocation: Invocation, user: str) -> None:
    """Print a link by which USER, who forgot the password, chooses another one, within an hour."""
    accounts = invocation.crm.accounts
    _show(accounts.make_reset(invocation.principal, invocation.crm.principal(user).id))


@user.command()
@click.argument("user")
@click.pass_obj
def password(invocation: Invocation, user: str) -> None:
    """Ask for a password of USER, hidden and twice; all their sessions end.  [OPENCRM_PASSWORD]"""
    holder = invocation.crm.principal(user)
    typed = chosen_password(f"Password of {user}", None, variable="OPENCRM_PASSWORD", ask=at_terminal())
    if typed is None:
        raise click.UsageError("which password? there is no terminal to ask at: set OPENCRM_PASSWORD")
    invocation.crm.accounts.set_password(invocation.principal, holder.id, typed)
    click.echo(f"{user} signs in with the new password.")


@user.command("sign-out")
@click.argument("user")
@click.option("--keys", is_flag=True, help="End the keys, too.")
@click.pass_obj
def sign_out(invocation: Invocation, user: str, *, keys: bool) -> None:
    """End all sessions of USER at once."""
    from opencrm.services.identity import account

    holder = invocation.crm.principal(user)
    with invocation.crm.work(invocation.principal) as work:
        number = account.sign_out_everywhere(work, holder.id, keys=keys)
    click.echo(f"{user} is signed out everywhere ({number} ended).")


def _show(made: Invitation) -> None:
    """Print a link alone on stdout, so that a script can take it."""
    click.echo(made.link)
    told = "It is on its way, too." if made.sent else "Hand it over yourself: it works once."
    click.echo(told if "://" in made.link else f"{told} Set OPENCRM_BASE_URL to have the whole address.", err=True)


def _at(instant: datetime | None) -> str | None:
    return f"{instant:%Y-%m-%d %H:%M} UTC" if instant else None


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
