"""`opencrm transfer`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import click

from opencrm.cli.lists import cell, harmless, print_table

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation
    from opencrm.core.values import Id
    from opencrm.services.transferring import Transferred

_LISTED = 20


@click.command()
@click.argument("user")
@click.option("--to", "colleagues", multiple=True, required=True, metavar="USER", help="Who gets them; one or several.")
@click.option("--dry-run", is_flag=True, help="Only show who would get how much.")
@click.option("--act", metavar="ACT", help="Go on with a transfer that was broken off.")
@click.pass_obj
def transfer(invocation: Invocation, *, user: str, colleagues: tuple[str, ...], dry_run: bool, act: str | None) -> None:
    """Give all records of USER to colleagues.

    It is one act. Several take turns, client by client; a client's deals, tasks and notes go with it. People are named
    by e-mail address, id or name. Where one record is out of reach, nothing is given.
    """
    from opencrm.core.entities import User
    from opencrm.services import organisation, transferring
    from opencrm.services.reading.naming import names_of

    crm, principal = invocation.crm, invocation.principal
    with crm.read(principal) as reader:
        leaver, *to = (organisation.find(reader, User, each) for each in (user, *colleagues))
        names = names_of(reader, reader.entity(User), to)
    done = transferring.run(
        lambda: crm.read(principal),
        lambda: crm.work(principal),
        transferring.Transfer(leaver, to=to),
        act=act,
        rehearsed=dry_run,
        tell=_telling_once(),
    )
    _print(done, names, dry_run=dry_run)


def _telling_once() -> Callable[[Transferred], None]:
    """Return what tells of the act once it has begun: by it the command goes on if it is broken off."""
    told: list[Id] = []

    def tell(done: Transferred) -> None:
        if done.act is not None and not told:
            told.append(done.act)
            click.echo(f"Act {done.act}; if this is broken off, say it again with --act {done.act}.", err=True)

    return tell


def _print(done: Transferred, names: Mapping[Id, str | None], *, dry_run: bool) -> None:
    rows = [[each.entity, cell(names.get(each.user) or each.user), f"{each.number:,}"] for each in done.given]
    if rows:
        print_table(("entity", "to", "records"), rows)
    click.echo(f"{done.number:,} records {'would be ' if dry_run else ''}given.")
    for refusal in done.refused[:_LISTED]:
        click.echo(f"  {refusal.entity} {refusal.record}  {refusal.code}: {harmless(refusal.text)}", err=True)
    if dry_run:
        click.echo("Nothing was written: say it without --dry-run to do it.")
    elif done.act is not None:
        click.echo(f"To take it back: opencrm undo {done.act}")
