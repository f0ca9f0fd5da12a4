"""`opencrm duplicates` and `opencrm merge`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from opencrm.cli.commands.records.telling import called_by_name, set_option, steps, tell_yes, values_of, yes_option
from opencrm.cli.lists import cell, print_table

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation
    from opencrm.cli.commands.records.telling import Names
    from opencrm.core.values import Id
    from opencrm.services.cleaning.duplicates import Proposal
    from opencrm.services.cleaning.merging import Merged


@click.command()
@click.argument("entity")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, metavar="N", help="How many pairs."
)
@click.option("--dismiss", nargs=2, metavar="ID ID", help="Remember that these two are two.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON array.")
@click.pass_obj
def duplicates(
    invocation: Invocation, *, entity: str, limit: int, dismiss: tuple[str, str] | None, as_json: bool
) -> None:
    """Show pairs of records that may be one: those of ENTITY, the likeliest first."""
    from opencrm.services.cleaning import duplicates
    from opencrm.services.reading.naming import names_of

    crm, principal = invocation.crm, invocation.principal
    if dismiss:
        with crm.work(principal) as work:
            duplicates.dismiss(work, entity, *dismiss)
        click.echo("They are two.")
        return
    with crm.read(principal) as reader:
        found = duplicates.find(reader, entity, limit=limit)
        ids = [id for each in found for id in (each.one, each.other)]
        names = names_of(reader, reader.entity(entity), ids)
    rows = [_told(each, names) for each in found]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    elif rows:
        print_table(tuple(rows[0]), [[cell(value) for value in row.values()] for row in rows])
    else:
        click.echo("No two look like one.")


@click.command()
@click.argument("entity")
@click.argument("keep")
@click.argument("others", nargs=-1, required=True)
@set_option
@yes_option
@click.pass_obj
def merge(
    invocation: Invocation, *, entity: str, keep: str, others: tuple[str, ...], values: tuple[str, ...], yes: bool
) -> None:
    """Let records go into another one: the OTHERS of ENTITY into KEEP, by their ids.

    What refers to them refers to KEEP then. KEEP has its own values and, where it has none, the first of the others'.
    """
    from opencrm.services.cleaning import merging
    from opencrm.services.reading.naming import names_of

    crm, principal = invocation.crm, invocation.principal
    with crm.read(principal) as reader:
        spec = reader.entity(entity)
        names = names_of(reader, spec, [keep, *others])
    wish: merging.Merge[Any] = merging.Merge(spec, keep, others, values_of(values))
    if not yes:
        _tell_merge(merging.rehearse(lambda: crm.work(principal), wish), names)
        return
    with crm.work(principal) as work:
        done = merging.merge(work, wish)
    _tell_merge(done, names)


def _tell_merge(done: Merged, names: Names) -> None:
    went = "would go" if done.act is None else "went"
    click.echo(f"{len(done.gone)} {went} into {called_by_name(done.kept, names)}.")
    for each in done.gone:
        click.echo(f"  {called_by_name(each, names)} {went}")
    if done.after:
        click.echo(f"  {steps(done.before, done.after)}")
    for name, number in sorted(done.followed.items()):
        click.echo(f"  {number} {name} with them")
    tell_yes(done.act)


def _told(each: Proposal, names: Mapping[Id, str | None]) -> dict[str, Any]:
    why = ", ".join(f"{it.kind} {it.value}" if it.value else it.kind for it in each.reasons)
    return {
        "score": each.score,
        "one": each.one,
        "its name": names.get(each.one),
        "other": each.other,
        "other's name": names.get(each.other),
        "because of": why,
    }
