"""`opencrm export`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

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
    PermissionDenied,
    Query,
)
from opencrm.embed import Invocation, Reader, Spec


def _names(_ctx: click.Context, _param: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


@click.command("export")
@click.argument("entity")
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Only records whose field holds this value; FIELD= for none. Several values of one field: any of them.",
)
@click.option("--fields", metavar="NAME,...", callback=_names, help="Which fields, in which order.  [all]")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write.  [standard output]"
)
def export_command(entity: str, filters: tuple[str, ...], fields: tuple[str, ...] | None, output: Path | None) -> None:
    """Write records to a file: one row for each that you may export, with the fields that you may read.

    CSV in UTF-8; another kind by the ending of the output file, where a plugin writes it.
    Text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    invocation: Invocation = click.get_current_context().obj
    crm = invocation.crm
    exporter = exporter_for(crm, output)
    with crm.read(invocation.principal) as reader:
        spec, where = crm.catalogue.entity(entity), condition_of(filters)
        query: Query[Entity] = Query(spec, where=where, sort="id", fields=fields)
        with _opened(output) as stream:
            export(reader, query, exporter, stream)


def export(reader: Reader, query: Query[Any], exporter: Exporter, stream: BinaryIO) -> None:
    """Write the records of a query that the reader may export, page after page.

    Raises:
        PermissionDenied: The reader may export none of them.
        InputError: A field is unknown.
    """
    spec = reader.entity(query.entity)
    if reader.rights.expression(spec, "export").nothing:
        name, action = reader.rights.name, f"{spec.name}.export"
        raise PermissionDenied(f"{name} may not do this: {action}", principal=name, action=action, reason="no grant")
    header = fields_of(reader, spec, query.fields)
    rows = ([record[name] for name in header] for record in reader.stream(query, action="export"))
    exporter.write(stream, header, rows)


def fields_of(reader: Reader, spec: Spec, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of the columns: those asked for, or all that the reader may read."""
    readable = reader.rights.readable(spec)
    if wanted is None:
        return tuple(name for name in spec.fields if name in readable and name != "deleted_at")
    unknown = [name for name in wanted if name not in readable]
    if unknown:
        raise InputError({"fields": [f"{spec.name} has no field {name!r}" for name in unknown]})
    return tuple(dict.fromkeys(wanted))


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
