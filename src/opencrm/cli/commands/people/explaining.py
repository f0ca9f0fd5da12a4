"""`opencrm explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation
    from opencrm.services.explaining import Explanation
    from opencrm.services.reading.reader import Reader


@click.command()
@click.argument("user")
@click.argument("action")
@click.argument("record", metavar="ENTITY/ID")
@click.option("--who", "others", is_flag=True, help="Say who else may, too.")
@click.pass_obj
def explain(invocation: Invocation, user: str, action: str, record: str, *, others: bool) -> None:
    """Say why a user may, or may not, do something to a record: `explain ann update deal/0190...`."""
    from opencrm.core.entities import User
    from opencrm.services import explaining, organisation

    entity, slash, id = record.partition("/")
    if not slash:
        raise click.UsageError("name the record by entity and id, such as deal/0190a1b2-...")
    with invocation.crm.read(invocation.principal) as reader:
        spec, person = reader.entity(entity), organisation.find(reader, User, user)
        _print(reader, explaining.explain(reader, spec, id, user=person, action=action))
        for it in explaining.who(reader, spec, id, action=action) if others else ():
            if it.user_id != person:
                _print(reader, it)


def _print(reader: Reader, it: Explanation) -> None:
    from opencrm.cli.people import named

    subject = f"user:{it.user_id}"
    told = named(reader, [subject, it.reason, *(reason.text for reason in it.reasons)])
    verb = "may" if it.allowed else "may not"
    click.echo(f"{told[subject]} {verb} {it.action}: {told[it.reason]}")
    for at, (reason, path) in enumerate(zip(it.reasons, it.paths, strict=True)):
        if at:
            click.echo(f"  also: {told[reason.text]}")
        if path:
            click.echo(f"  through {' < '.join(step.name or step.unit_id for step in path)}")
