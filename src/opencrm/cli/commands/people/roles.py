"""`opencrm roles export | plan | apply | copy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import click

from opencrm.cli.lists import harmless
from opencrm.cli.options import DEFINITIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opencrm.app.invocation import Invocation
    from opencrm.services.definitions.roles import Step
    from opencrm.services.reading.reader import Reader

_NAMED = 5
_LISTED = 40
_delete = click.option("--delete", is_flag=True, help="Delete the roles that FILE does not name.")


@click.group()
def roles() -> None:
    """Show, change and copy roles, as text."""


@roles.command()
@click.pass_obj
def export(invocation: Invocation) -> None:
    """Print the roles as TOML, which `plan` and `apply` read."""
    from opencrm.services.definitions import roles as definitions

    with invocation.crm.read(invocation.principal) as reader:
        click.echo(definitions.export(reader), nl=False)


@roles.command()
@click.argument("file", type=DEFINITIONS)
@_delete
@click.pass_obj
def plan(invocation: Invocation, *, file: TextIO, delete: bool) -> None:
    """Say what `apply` would do with FILE, and what people would gain and lose; or refuse what it would refuse."""
    from opencrm.services import explaining
    from opencrm.services.definitions import roles as definitions

    tables = definitions.parse(file.read())
    with invocation.crm.work(invocation.principal) as work:
        steps, trial = definitions.foretell(work, tables, delete=delete)
        lines = _told(work, steps)
    with invocation.crm.read(invocation.principal) as reader:
        lines = [*lines, *_first([harmless(str(each)) for each in explaining.told(reader, trial)])]
    for line in lines:
        click.echo(line)


@roles.command()
@click.argument("file", type=DEFINITIONS)
@_delete
@click.pass_obj
def apply(invocation: Invocation, *, file: TextIO, delete: bool) -> None:
    """Make the roles what FILE says, all of it or nothing, in one act; it holds from the next request on."""
    from opencrm.services.definitions import roles as definitions

    tables = definitions.parse(file.read())
    with invocation.crm.work(invocation.principal) as work:
        steps = definitions.carry_out(work, tables, delete=delete)
        lines, act = _told(work, steps), work.act
    for line in lines:
        click.echo(line)
    if steps:
        click.echo(f"To take it back: opencrm undo {act}")


@roles.command()
@click.argument("role", metavar="KEY")
@click.argument("key", metavar="NEW")
@click.option("--name", metavar="NAME", help="What people call the new role.")
@click.option("--rank", type=click.IntRange(0, 1_000_000), metavar="N", help="Its rank; by default the same.")
@click.option("--home", metavar="UNIT", help="Its home unit, by name or id; by default the same.")
@click.pass_obj
def copy(invocation: Invocation, role: str, key: str, name: str | None, rank: int | None, home: str | None) -> None:
    """Make the role NEW like the role KEY; print its id."""
    from opencrm.core.entities import Role, Unit
    from opencrm.services import organisation
    from opencrm.services.definitions import roles as definitions

    with invocation.crm.work(invocation.principal) as work:
        given = {
            "name": name,
            "rank": rank,
            "home_unit_id": None if home is None else organisation.find(work, Unit, home),
        }
        told = {each: value for each, value in given.items() if value is not None}
        made = definitions.copy(work, organisation.find(work, Role, role), key=key, given=told)
    click.echo(made.record_id)


def _first(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _LISTED
    return [*lines[:_LISTED], *([f"… and {more:,} more"] if more > 0 else [])]


def _told(reader: Reader, steps: Sequence[Step]) -> list[str]:
    return [line for step in steps for line in _lines(reader, step)] or ["Nothing to do."]


def _lines(reader: Reader, step: Step) -> list[str]:
    from opencrm.services.definitions.roles import holders

    lines = [harmless(line) for line in str(step).splitlines()]
    people = [harmless(name) for name in holders(reader, step).values()]
    if people:
        more = f" and {len(people) - _NAMED} more" if len(people) > _NAMED else ""
        lines.append(f"  held by {', '.join(people[:_NAMED])}{more}")
    return lines
