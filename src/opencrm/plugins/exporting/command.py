"""`opencrm export`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
import orjson

from opencrm import (
    CRM,
    All,
    AnyOf,
    Condition,
    ConfigurationError,
    Empty,
    Entity,
    Equal,
    Exporter,
    InputError,
    Query,
    condition,
)
from opencrm.embed import Invocation


def _names(_ctx: click.Context, _param: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


def _condition(_ctx: click.Context, _param: click.Parameter, text: str | None) -> Condition | None:
    if text is None:
        return None
    try:
        return condition(orjson.loads(text))
    except ValueError as error:
        raise InputError({"where": [f"is no condition: {error}"]}) from None


def _all(*conditions: Condition | None) -> Condition | None:
    given = tuple(each for each in conditions if each is not None)
    return All(given) if given else None


@click.command("export")
@click.argument("entity")
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Only records whose field holds this value; FIELD= for none. Several values of one field: any of them.",
)
@click.option(
    "--where",
    metavar="JSON",
    callback=_condition,
    help="Only records for which this condition holds, beside the filters.",
)
@click.option("--fields", metavar="NAME,...", callback=_names, help="Which fields, in which order.  [all]")
@click.option(
    "--parts", metavar="NAME,...", callback=_names, help="Parts that go with them, such as points or lines.  [none]"
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write.  [standard output]"
)
def export_command(
    entity: str,
    filters: tuple[str, ...],
    where: Condition | None,
    fields: tuple[str, ...] | None,
    parts: tuple[str, ...] | None,
    output: Path | None,
) -> None:
    """Write records to a file: one row for each that you may export, with the fields that you may read.

    CSV in UTF-8; another kind by the ending of the output file, where a plugin writes it.
    Text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    invocation: Invocation = click.get_current_context().obj
    crm = invocation.crm
    exporter = exporter_for(crm, output)
    wanted = _all(condition_of(filters), where)
    query: Query[Entity] = Query(crm.catalogue.entity(entity), where=wanted, sort="id", fields=fields)
    with crm.export(invocation.principal, query, parts=parts or ()) as found, _opened(output) as stream:
        exporter.write(stream, found.fields, found.rows)


def condition_of(filters: Sequence[str]) -> Condition | None:
    """Return what filters of the form `FIELD=VALUE` ask for.

    Raises:
        InputError: One has another form.
    """
    by_field: dict[str, list[Condition]] = {}
    for each in filters:
        name, sign, value = each.partition("=")
        if not sign or not name.strip():
            raise InputError({"filter": [f"must be FIELD=VALUE, not {each!r}"]})
        field = name.strip()
        by_field.setdefault(field, []).append(Equal(field, value) if value else Empty(field))
    return All(tuple(AnyOf(tuple(several)) for several in by_field.values())) if by_field else None


def exporter_for(crm: CRM, output: Path | None) -> Exporter:
    """Return what writes files of an output's ending; without an output, CSV.

    Raises:
        ConfigurationError: No plugin writes such files.
    """
    ending = output.suffix.lower() if output is not None else ".csv"
    found = next((each for each in crm.catalogue.exporters.values() if ending in each.suffixes), None)
    if found is None:
        known = ", ".join(sorted({suffix for each in crm.catalogue.exporters.values() for suffix in each.suffixes}))
        raise ConfigurationError(f"nothing here writes {ending or 'files without an ending'}; there are {known}")
    return found


@contextmanager
def _opened(output: Path | None) -> Iterator[BinaryIO]:
    """Open the output for bytes; a file takes its name only when it is whole."""
    if output is None:
        yield sys.stdout.buffer
        return
    part = output.with_name(f"{output.name}.part")
    try:
        with part.open("wb") as stream:
            yield stream
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
