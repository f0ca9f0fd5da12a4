"""`opencrm files`: files on records, and documents that are made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opencrm.cli.lists import cell, print_table

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation

_BLOCK = 2**20


@click.group()
def files() -> None:
    """Add files to records, make documents, list them, and get them."""


@files.command()
@click.argument("entity")
@click.argument("id")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", metavar="NAME", help="What the file is called; by default as it is here.")
@click.option("--to", "file_id", metavar="FILE", help="Let this file of the record hold it from now on.")
@click.pass_obj
def add(invocation: Invocation, *, entity: str, id: str, path: Path, name: str | None, file_id: str | None) -> None:
    """Add the file at PATH to the record ID of ENTITY."""
    crm, principal = invocation.crm, invocation.principal
    with path.open("rb") as source:
        if file_id is None:
            entry = crm.files.add(principal, entity, id, source, name=name or path.name)
        else:
            _check_of(invocation, entity, id, file_id)
            entry = crm.files.add_version(principal, file_id, source, name=name)
    click.echo(entry.record_id)


@files.command(name="list")
@click.argument("entity")
@click.argument("id")
@click.option("--json", "as_json", is_flag=True, help="As a JSON array.")
@click.pass_obj
def list_files(invocation: Invocation, *, entity: str, id: str, as_json: bool) -> None:
    """List the files of the record ID of ENTITY, the newest first."""
    from opencrm.core.conditions import All, Equal
    from opencrm.core.entities import File
    from opencrm.services.reading.rows import Query

    with invocation.crm.read(invocation.principal) as reader:
        spec = reader.entity(entity)
        reader.get(spec, id)
        own = All((Equal("entity", spec.name), Equal("record_id", id)))
        found = [_told(row) for row in reader.stream(Query(File, where=own))]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2, default=str))
    elif found:
        print_table(tuple(found[0]), [[cell(str(value)) for value in row.values()] for row in found])
    else:
        click.echo("No files.")


@files.command()
@click.argument("file_id", metavar="FILE")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Where to; by default here, by its own name.")
@click.option("--number", type=click.IntRange(1), metavar="N", help="Which version; by default the newest.")
@click.pass_obj
def get(invocation: Invocation, *, file_id: str, output: Path | None, number: int | None) -> None:
    """Get what FILE holds, by its id; a file that is there already is left alone."""
    from opencrm.errors import InputError

    download = invocation.crm.files.open(invocation.principal, file_id, number)
    target = output or Path(download.version.name)
    try:
        with target.open("xb") as out:
            for block in download.blocks():
                out.write(block)
    except FileExistsError:
        raise InputError({"--output": [f"{target} is there already"]}) from None
    except OSError as error:
        raise InputError({"--output": [f"{target} cannot be written: {error.strerror}"]}) from None
    finally:
        download.file.close()
    click.echo(f"{target}: {download.version.size} bytes, version {download.version.number}")


@files.command()
@click.argument("entity")
@click.argument("id")
@click.argument("template")
@click.pass_obj
def make(invocation: Invocation, *, entity: str, id: str, template: str) -> None:
    """Make a document of the record ID of ENTITY from TEMPLATE, by its key."""
    entry = invocation.crm.services.ask(invocation.principal, "documents_generate", entity, id, {"template": template})
    click.echo(entry.record_id)


def _check_of(invocation: Invocation, entity: str, id: str, file_id: str) -> None:
    """Refuse to put a content into another record's file."""
    from opencrm.core.entities import File
    from opencrm.errors import NotFound

    with invocation.crm.read(invocation.principal) as reader:
        file = reader.get(File, file_id)
        if (file["entity"], file["record_id"]) != (reader.entity(entity).name, id):
            raise NotFound("the record has no such file", entity="file", id=file_id)


def _told(row: Any) -> dict[str, Any]:
    names = ("id", "name", "number", "size", "media_type", "updated_at")
    return {name: row.get(name) for name in names}
