"""`opencrm clock show | sandbox | advance`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs
import click

from opencrm.cli.lists import cell, print_table

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation
    from opencrm.services.process.overseeing.advancing import Advanced


@click.group()
def clock() -> None:
    """Show the workspace's clock; in a sandbox, move it."""


@clock.command()
@click.pass_obj
def show(invocation: Invocation) -> None:
    """Show what the clock shows, and whether the workspace is a sandbox."""
    with invocation.crm.read(invocation.principal) as reader:
        kind = "a sandbox" if reader.configuration.sandbox else "no sandbox"
        click.echo(f"{reader.now:%Y-%m-%d %H:%M:%S} UTC, {kind}")


@clock.command()
@click.pass_obj
def sandbox(invocation: Invocation) -> None:
    """Make the workspace a sandbox, for good: its owners may move its clock from then on."""
    invocation.crm.sandbox.make(invocation.principal)
    click.echo("This workspace is a sandbox now.")


@clock.command()
@click.argument("by")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def advance(invocation: Invocation, *, by: str, as_json: bool) -> None:
    """Move a sandbox's clock forward BY such as 3d, do what comes due on the way, and tell what happened."""
    found = invocation.crm.sandbox.advance(invocation.principal, by)
    if as_json:
        click.echo(
            json.dumps(attrs.asdict(found), default=lambda value: value.isoformat(), ensure_ascii=False, indent=2)
        )
        return
    click.echo(f"It was {found.started:%Y-%m-%d %H:%M} UTC, and is {found.now:%Y-%m-%d %H:%M} UTC.")
    for title, rows in _parts(found):
        click.echo(f"\n{title}: {len(rows)}")
        if rows:
            header = list(rows[0])
            print_table(header, [[cell(_plain(row[name])) for name in header] for row in rows])
    if found.more:
        click.echo("\nMore happened than is told here.")


def _parts(found: Advanced) -> list[tuple[str, tuple[dict[str, Any], ...]]]:
    return [
        ("Rules that ran", found.runs),
        ("Changes by stages, tasks and rules", found.changes),
        ("People who were told", found.notifications),
        ("Tasks that were given", found.tasks),
    ]


def _plain(value: Any) -> Any:
    return f"{value:%Y-%m-%d %H:%M}" if hasattr(value, "strftime") else value
