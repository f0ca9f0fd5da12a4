"""`opencrm fields list | export | plan | apply`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import click

from opencrm.cli.options import DEFINITIONS
from opencrm.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opencrm.app.crm import CRM
    from opencrm.app.invocation import Invocation
    from opencrm.services.definitions.steps import Step
    from opencrm.services.reading.reader import Reader


@click.group()
def fields() -> None:
    """Show and change custom fields, as text."""


@fields.command()
@click.pass_obj
def export(invocation: Invocation) -> None:
    """Print the custom fields as TOML, which `plan` and `apply` read."""
    from opencrm.services.definitions import text

    with invocation.crm.read(invocation.principal) as reader:
        click.echo(text.export(reader), nl=False)


@fields.command()
@click.argument("file", type=DEFINITIONS)
@click.option("--retire", is_flag=True, help="Retire the fields that FILE does not name.")
@click.pass_obj
def plan(invocation: Invocation, *, file: TextIO, retire: bool) -> None:
    """Say what `apply` would do with FILE, or refuse; and how many records hold values of the fields that change."""
    from opencrm.services.definitions import text

    tables = text.parse(file.read())
    with invocation.crm.work(invocation.principal) as work:
        steps = text.rehearse(work, tables, retire=retire)
        lines = _told(work, steps)
    for line in lines:
        click.echo(line)


@fields.command()
@click.argument("file", type=DEFINITIONS)
@click.option("--retire", is_flag=True, help="Retire the fields that FILE does not name.")
@click.pass_obj
def apply(invocation: Invocation, *, file: TextIO, retire: bool) -> None:
    """Make the custom fields what FILE says, all of it or nothing; build their indexes and count roll-ups."""
    from opencrm.services.definitions import text

    tables = text.parse(file.read())
    with invocation.crm.work(invocation.principal) as work:
        steps = text.carry_out(work, tables, retire=retire)
        lines = _told(work, steps)
    for line in lines:
        click.echo(line)
    _keep_up(invocation.crm)


def _keep_up(crm: CRM) -> None:
    """Do what the worker would do; what waits for others is left to it."""
    try:
        for line in crm.keep_up():
            click.echo(line)
    except ConflictError as error:
        click.echo(f"The fields are applied, but {error}: the worker does the rest, or apply the file again.", err=True)


def _told(reader: Reader, steps: Sequence[Step]) -> list[str]:
    return [_line(reader, step) for step in steps] or ["Nothing to do."]


def _line(reader: Reader, step: Step) -> str:
    from opencrm.services.definitions.steps import holding

    number = holding(reader, step)
    if not number:
        return str(step)
    return f"{step}: {number} {'record holds' if str(number) == '1' else 'records hold'} a value"
