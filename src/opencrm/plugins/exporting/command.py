"""`opencrm export`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from opencrm import (
    CRM,
    All,
    AnyOf,
    Condition,
    Empty,
    Entity,
    Equal,
    Exporter,
    InputError,
    Query,
)
from opencrm.embed import Invocation, asked_conditions, exporters_by_ending


def _names(_ctx: click.Context, _param: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


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
    "wheres",
    multiple=True,
    metavar="FIELD[OP]=VALUE|JSON",
    help="Which records: a filter, or a condition as JSON; several must all hold, beside the filters.",
)
@click.option("--fields", metavar="NAME,...", callback=_names, help="Which fields, in which order.  [all]")
@click.option(
    "--parts", metavar="NAME,...", callback=_names, help="Parts that go with them, such as points or lines.  [none]"
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write.  [standard output]"
)
@click.option("--replace", is_flag=True, help="With --output: write over a file that is there.")
def export_command(  # noqa: PLR0913  # each is an option
    *,
    entity: str,
    filters: tuple[str, ...],
    wheres: tuple[str, ...],
    fields: tuple[str, ...] | None,
    parts: tuple[str, ...] | None,
    output: Path | None,
    replace: bool,
) -> None:
    """Write records to a file: one row for each that you may export, with the fields that you may read.

    CSV in UTF-8; another kind by the ending of the output file, where a plugin writes it.
    Text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    invocation: Invocation = click.get_current_context().obj
    if replace and output is None:
        raise click.UsageError("--replace needs --output")
    crm = invocation.crm
    invocation.check_tables(crm)
    exporter = exporter_for(crm, output)
    with crm.read(invocation.principal) as reader:
        spec = reader.entity(entity)
        wanted = _all(condition_of(filters), asked_conditions(reader, spec, wheres))
    query: Query[Entity] = Query(spec, where=wanted, sort="id", fields=fields)
    with (
        _opened(output, replace=replace) as stream,
        crm.export(invocation.principal, query, parts=parts or ()) as found,
    ):
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
        click.BadParameter: No plugin writes such files; names the endings that there are.
    """
    ending = output.suffix.lower() if output is not None else ".csv"
    known = exporters_by_ending(crm.catalogue.exporters.values())
    if ending not in known:
        text = f"nothing here writes {ending or 'files without an ending'}; there are {', '.join(sorted(known))}"
        raise click.BadParameter(text, param_hint="--output")
    return known[ending]


def _begun(part: Path) -> BinaryIO:
    try:
        return part.open("wb")
    except OSError as error:
        text = f"{part.with_suffix('')} cannot be written: {error.strerror or error}"
        raise click.BadParameter(text, param_hint="--output") from None


@contextmanager
def _opened(output: Path | None, *, replace: bool) -> Iterator[BinaryIO]:
    """Open the output for bytes; a file takes its name only when it is whole."""
    if output is None:
        yield sys.stdout.buffer
        return
    if output.exists() and not replace:
        text = f"{output} is there already; --replace writes over it"
        raise click.BadParameter(text, param_hint="--output")
    part = output.with_name(f"{output.name}.part")
    try:
        with _begun(part) as stream:
            yield stream
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
