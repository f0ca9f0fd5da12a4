"""`opencrm fields list | export | plan | apply`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opencrm.app.invocation import Invocation
    from opencrm.services.definitions.text import Step
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
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--retire", is_flag=True, help="Retire the fields that FILE does not name.")
@click.pass_obj
def plan(invocation: Invocation, *, file: TextIO, retire: bool) -> None:
    """Say what `apply` would do with FILE, and how many records hold values of the fields that change."""
    from opencrm.services.definitions import text

    with invocation.crm.read(invocation.principal) as reader:
        steps = text.plan(reader, text.parse(file.read()), retire=retire)
        _tell(reader, steps)


@fields.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--retire", is_flag=True, help="Retire the fields that FILE does not name.")
@click.pass_obj
def apply(invocation: Invocation, *, file: TextIO, retire: bool) -> None:
    """Make the custom fields what FILE says, all of it or nothing, and build their indexes."""
    from opencrm.services.definitions import text

    tables = text.parse(file.read())
    with invocation.crm.work(invocation.principal) as work:
        steps = text.plan(work, tables, retire=retire)
        _tell(work, steps)
        text.apply(work, steps)
    for line in invocation.crm.build_indexes():
        click.echo(line)


def _tell(reader: Reader, steps: Iterable[Step]) -> None:
    from opencrm.services.definitions import text

    told = False
    for step in steps:
        number = text.holding(reader, step)
        click.echo(f"{step}" + (f": {number} records hold a value" if number else ""))
        told = True
    if not told:
        click.echo("Nothing to do.")
