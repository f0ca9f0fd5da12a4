"""`opencrm board` and `opencrm report`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from opencrm.cli.lists import cell, print_table
from opencrm.cli.wheres import called, condition_of, where_option

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation
    from opencrm.core.values import Id
    from opencrm.services.analysing.reports import Table

_json = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.command()
@click.argument("pipeline")
@click.option("--cards", type=click.IntRange(0, 100), default=3, show_default=True, metavar="N", help="Of each stage.")
@click.option("--sort", default="-created_at", show_default=True, metavar="FIELD", help="Order of the cards.")
@where_option
@_json
@click.pass_obj
def board(
    invocation: Invocation, *, pipeline: str, cards: int, sort: str, wheres: tuple[str, ...], as_json: bool
) -> None:
    """Show the stages of PIPELINE: how many records stand in each, what they are worth, and the first of them."""
    from opencrm.services.analysing import boards
    from opencrm.services.analysing.telling import value_as_text

    with invocation.crm.read(invocation.principal) as reader:
        where = condition_of(reader, boards.entity_of(reader, pipeline), wheres)
        with called({"sort": "--sort"}):
            found = boards.board(reader, pipeline, where=where, cards=cards, sort=sort)
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
@click.option("--conversion", is_flag=True, help="How many were won, and their share of all.")
@where_option
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
    wheres: tuple[str, ...],
    as_json: bool,
) -> None:
    """Count and add up the records of ENTITY that you may read.

    A PERIOD is day, week, month, quarter or year, of an instant or a date; stage:entered groups by each stage that a
    record has ever entered.
    """
    from opencrm.services.analysing import reports

    measures = [*(f"sum:{name}" for name in sums), *(f"average:{name}" for name in averages)]
    measures += ["conversion"] if conversion else []
    measures = ["count", *measures] if count or not measures else measures
    if any("." in each for each in groups):
        raise click.BadParameter("groups are own fields, not those of linked records", param_hint="--by")
    with invocation.crm.read(invocation.principal) as reader:
        spec = reader.entity(entity)
        asked: reports.Report[Any] = reports.Report(spec, groups, measures, condition_of(reader, spec, wheres))
        with called({"group_by": "--by", "measures": "--sum or --average"}):
            table = reports.run(reader, asked)
        names = {} if as_json else reports.names(reader, table)
    if as_json:
        _print_json(reports.plain(table))
        return
    print_table(table.columns, [[*_groups(row, table, names), *_measures(row, table)] for row in table.rows])


def _groups(row: Sequence[Any], table: Table, names: Mapping[Id, str]) -> Iterator[str]:
    """Give what a row stands for; of records that have no such value, a word for it."""
    for value in row[: len(table.groups)]:
        yield "(none)" if value is None else _told(names.get(value, value))


def _measures(row: Sequence[Any], table: Table) -> Iterator[str]:
    yield from map(_told, row[len(table.groups) :])


def _told(value: Any) -> str:
    from opencrm.services.analysing.telling import value_as_text

    return cell(value) if isinstance(value, str) else value_as_text(value)


def _print_json(told: Any) -> None:
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))
