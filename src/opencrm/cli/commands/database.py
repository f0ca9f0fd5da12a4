"""`opencrm db upgrade | current | check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from opencrm.errors import ConfigurationError

if TYPE_CHECKING:
    from opencrm.app.crm import CRM
    from opencrm.app.invocation import Invocation


@click.group()
def db() -> None:
    """Create, migrate and check the tables."""


@db.command()
@click.pass_obj
def upgrade(invocation: Invocation) -> None:
    """Bring the tables to the state that this opencrm and its plugins need."""
    done = invocation.open(invocation.settings.db).upgrade()
    for step in done:
        click.echo(step)
    if not done:
        click.echo("Nothing to do.")


@db.command()
@click.pass_obj
def current(invocation: Invocation) -> None:
    """Show whose tables stand in which version."""
    for owner, version in invocation.crm.versions().items():
        click.echo(f"{owner}  {version}")


@db.command()
@click.pass_obj
def check(invocation: Invocation) -> None:
    """Say whether the tables are as this opencrm and its plugins need them; exit code 8 if not."""
    for step in invocation.crm.pending():
        click.echo(step)
    refuse_stale(invocation.crm)
    click.echo("The tables are up to date.")


def refuse_stale(crm: CRM) -> None:
    """Refuse a workspace whose tables are not as this opencrm and its plugins need them.

    Raises:
        ConfigurationError: Names the first thing that is wanting, and what to run.
    """
    wanting = crm.pending()
    if wanting:
        more = f", and {len(wanting) - 1} more" if len(wanting) > 1 else ""
        raise ConfigurationError(f"the tables are not up to date ({wanting[0]}{more}): run `opencrm db upgrade`")
