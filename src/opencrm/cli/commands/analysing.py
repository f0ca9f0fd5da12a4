"""`opencrm board` and `opencrm report`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from opencrm.cli.lists import cell, print_table

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation
    from opencrm.core.conditions import Condition

_where = click.option(
    "--where", "pairs", multiple=True, metavar="FIELD[OP]=VALUE", help="Which records; several must all hold."
)
_json = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.command()
@click.argument("pipeline")
@click.option("--cards", type=click.IntRange(0, 100), default=3, show_default=True, metavar="N", help="Of each stage.")
@click.option("--sort", default="-created_at", show_default=True, metavar="FIELD", help="Order of the cards.")
@_where
@_json
@click.pass_obj
def board(
    invocation: Invocation, *, pipeline: str, cards: int, sort: str, pairs: tuple[str, ...], as_json: bool
) -> None:
    """Show the stages of PIPELINE: how many records stand in each, what they are worth, and the first of them."""
    from opencrm.services.analysing import boards
    from opencrm.services.analysing.telling import value_as_text

    with invocation.crm.read(invocation.principal) as reader:
        found = boards.board(reader, pipeline, where=_condition(pairs), cards=cards, sort=sort)
        told = boards.plain(reader, found)
    if as_json:
        _print_json(told)
        return
    name = found.entity.options.display
    rows = [
        [
            column.stage.label,
            str(column.count),
            value_as_text(column.sums),
            ", ".join(cell(card.get(name)) for card in column.cards),
        ]
        for column in found.columns
    ]
    print_table(["stage", "count", "worth", "first"], rows)


@click.command()
@click.argument("entity")
@click.option("--by", "groups", multiple=True, metavar="FIELD[:PERIOD]", help="Group by this; twice at most.")
@click.option("--count", "count", is_flag=True, help="How many; told where nothing else is asked for.")
@click.option("--sum", "sums", multiple=True, metavar="FIELD", help="Add this up.")
@click.option("--average", "averages", multiple=True, metavar="FIELD", help="The average of this.")
@click.option("--conversion", is_flag=True, help="How many of the closed were won.")
@_where
@_json
@click.pass_obj
def report(  # noqa: PLR0913  # the words of the command line
    invocation: Invocation,
    *,
    entity: str,
    groups: tuple[str, ...],
    count: bool,
    sums: tuple[str, ...],
    averages: tuple[str, ...],
    conversion: bool,
    pairs: tuple[str, ...],
    as_json: bool,
) -> None:
    """Count and add up the records of ENTITY that you may read.

    A PERIOD is day, week, month, quarter or year, of an instant or a date; stage:entered groups by each stage that a
    record has ever entered.
    """
    from opencrm.services.analysing import reports

    measures = [*(f"sum:{name}" for name in sums), *(f"average:{name}" for name in averages)]
    measures += ["conversion"] if conversion else []
    asked: reports.Report[Any] = reports.Report(
        entity, groups, ["count", *measures] if count or not measures else measures, _condition(pairs)
    )
    with invocation.crm.read(invocation.principal) as reader:
        table = reports.run(reader, asked)
        names = {} if as_json else reports.names(reader, table)
    if as_json:
        _print_json(reports.plain(table))
        return
    print_table(table.columns, [[_told(value, names) for value in row] for row in table.rows])


def _told(value: Any, names: Any) -> str:
    from opencrm.services.analysing.telling import value_as_text

    return cell(names.get(value, value)) if isinstance(value, str) else value_as_text(value)


def _condition(pairs: tuple[str, ...]) -> Condition | None:
    from opencrm.core.conditions import query_conditions
    from opencrm.errors import InputError

    parted = [each.partition("=") for each in pairs]
    wrong = [name for name, sign, _ in parted if not sign]
    if wrong:
        raise InputError({"where": [f"must be FIELD=VALUE or FIELD[OP]=VALUE, not {name!r}" for name in wrong]})
    return query_conditions([(name, value) for name, _, value in parted]) if parted else None


def _print_json(told: Any) -> None:
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))
