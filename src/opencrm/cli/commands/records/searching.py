"""`opencrm search`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from opencrm.cli.lists import harmless

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation


@click.command()
@click.argument("text", nargs=-1)
@click.option(
    "--entity", "entities", multiple=True, metavar="NAME", help="Only records of this entity; may be said again."
)
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="The most records.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.option("--reindex", is_flag=True, help="Put what search holds of all records right; say no text.")
@click.pass_obj
def search(
    invocation: Invocation,
    text: tuple[str, ...],
    entities: tuple[str, ...],
    limit: int,
    *,
    as_json: bool,
    reindex: bool,
) -> None:
    """Find records by the beginnings of words, or by a telephone number in any notation."""
    if reindex == bool(text):
        raise click.UsageError("say either what to search for, or --reindex")
    if reindex:
        _reindex(invocation)
    else:
        _search(invocation, " ".join(text), entities, limit, as_json=as_json)


def _search(invocation: Invocation, text: str, entities: tuple[str, ...], limit: int, *, as_json: bool) -> None:
    import attrs

    from opencrm.services import searching

    with invocation.crm.read(invocation.principal) as reader:
        hits = searching.search(reader, text, entities or None, limit=limit)
    if not (hits or as_json):
        click.echo("Nothing found.")
    for hit in hits:
        if as_json:
            click.echo(json.dumps(attrs.asdict(hit), ensure_ascii=False))
        else:
            title, snippet = harmless(hit.title or ""), harmless(hit.snippet)
            click.echo(f"{hit.entity:<10} {hit.id}  {title}{'' if snippet == title else f'  ({snippet})'}")


def _reindex(invocation: Invocation) -> None:
    from opencrm.core.access.principal import Principal
    from opencrm.services import searching

    crm = invocation.crm
    with crm.read(invocation.principal) as reader:
        searching.judge(reader)
    looked = put_right = 0
    for batch in searching.reindex(lambda: crm.work(Principal.system("make the documents of search anew"))):
        looked, put_right = looked + batch.looked, put_right + batch.put_right
    click.echo(f"{looked} records and documents looked at, {put_right} documents put right.")
