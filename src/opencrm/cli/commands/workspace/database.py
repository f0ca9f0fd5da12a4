"""`opencrm db upgrade | current | check | recount`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation


@click.group()
def db() -> None:
    """Create, migrate, check and recount the tables."""


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
    invocation.check_tables(invocation.crm)
    click.echo("The tables are up to date.")


@db.command()
@click.pass_obj
def recount(invocation: Invocation) -> None:
    """Count roll-ups and the counters of boards and reports anew.

    opencrm keeps them by itself; this is for records that were changed by other ways, such as SQL.
    """
    for line in invocation.crm.recount():
        click.echo(line)
