"""`opencrm timeline`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from opencrm.cli.lists import cell, print_table

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation

_COLUMNS = ("at", "kind", "entity", "rule", "by", "what")


@click.command()
@click.argument("entity")
@click.argument("record")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True, help="The most lines.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_obj
def timeline(invocation: Invocation, entity: str, record: str, limit: int, *, as_json: bool) -> None:
    """Show what happened to a RECORD, and which rule caused it."""
    import attrs

    from opencrm.cli.people import named
    from opencrm.services.process.overseeing.timeline import timeline as happened

    with invocation.crm.read(invocation.principal) as reader:
        found = happened(reader, entity, record, limit=limit)
        people = {it.principal or "" for it in found} | {f"user:{it.user_id}" for it in found if it.user_id}
        names = named(reader, sorted(people))
    if as_json:
        for each in found:
            click.echo(json.dumps(attrs.asdict(each), default=lambda value: value.isoformat(), ensure_ascii=False))
        return
    rows = []
    for it in found:
        who = names[f"user:{it.user_id}" if it.user_id else it.principal or ""]
        what = it.text or ", ".join(it.fields)
        rows.append([f"{it.at:%Y-%m-%d %H:%M}", it.kind, it.entity, it.rule or "", who, what])
    print_table(list(_COLUMNS), [[cell(each) for each in row] for row in rows])
