"""`opencrm plugin list | enable | disable` and `opencrm hooks`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from opencrm.cli.asking import at_terminal
from opencrm.cli.border import line

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation
    from opencrm.core.access.grants import Grant


@click.group()
def plugin() -> None:
    """List, enable and disable plugins."""


@plugin.command("list")
@click.pass_obj
def list_(invocation: Invocation) -> None:
    """Show every plugin there is, and whether it is active here."""
    for each in invocation.crm.plugins():
        state = "active" if each.active else "refused" if each.problem else "off"
        why = f"  {each.problem}" if each.problem else ""
        click.echo(f"{each.name:<20} {each.version or '-':<10} {each.source:<8} {state}{why}")


@plugin.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Grant what it asks for, without a question.")
@click.pass_obj
def enable(invocation: Invocation, *, name: str, yes: bool) -> None:
    """Switch the plugin NAME on, and grant its automation what it asks for.

    The automation is what acts when the plugin reacts to something; it may do no more than is granted here.
    What the plugin still needs, such as a role or another plugin, is told.
    """
    crm = invocation.crm
    principal, grants = invocation.principal, crm.wanted_grants(name)
    if grants and not yes:
        _ask(name, grants)
    crm.enable(principal, name, grants=grants)
    click.echo(f"{name} is active.")
    for problem in crm.problems().get(name, "").splitlines():
        click.echo(line("warning", problem), err=True)


@plugin.command()
@click.argument("name")
@click.pass_obj
def disable(invocation: Invocation, *, name: str) -> None:
    """Switch the plugin NAME off; its tables and rows stay."""
    invocation.crm.disable(invocation.principal, name)
    click.echo(f"{name} is off; its data stays.")


@click.command()
@click.pass_obj
def hooks(invocation: Invocation) -> None:
    """Show which plugin implements what.

    Those of one hook stand in the order in which they are called.
    """
    for call in invocation.crm.hooks.who():
        only = f"  ({call.entity} only)" if call.entity else ""
        click.echo(f"{call.hook:<28} {call.plugin:<20} {call.where}{only}")


def _ask(name: str, grants: Sequence[Grant]) -> None:
    """Show what is asked for, and go on only after a yes."""
    click.echo(f"{name} asks that its automation may:", err=True)
    for grant in grants:
        when = "  (under a condition)" if grant.when is not None else ""
        click.echo(f"  {grant.action} {grant.entity}: {grant.scope.name.lower()}{when}", err=True)
    if not at_terminal():
        raise click.UsageError("say --yes to grant this; there is no terminal to ask on")
    click.confirm("Grant this?", abort=True, err=True)
