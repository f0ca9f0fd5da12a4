"""`opencrm view list | show` and `opencrm segment list | show | snapshot | snapshots | compare`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from opencrm.cli.lists import form_options, harmless, print_records
from opencrm.cli.people import named
from opencrm.cli.wheres import condition_of, where_option

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation
    from opencrm.core.entities import SavedView, Segment
    from opencrm.core.entity import Spec
    from opencrm.services.reading.reader import Reader
    from opencrm.services.reading.rows import Page, Query

_limit = click.option(
    "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, metavar="N", help="How many records."
)


@click.group()
def view() -> None:
    """List and show saved views."""


@view.command("list")
@form_options
@click.pass_obj
def list_views(invocation: Invocation, form: str | None) -> None:
    """Show the saved views that you may use: your own, and those published to your units."""
    from opencrm.core.entities import SavedView

    _list(invocation, SavedView, form)


@view.command("show")
@click.argument("name")
@where_option
@_limit
@form_options
@click.pass_obj
def show_view(invocation: Invocation, name: str, wheres: tuple[str, ...], limit: int, form: str | None) -> None:
    """Show the records of the view NAME (or its id): those that you may read.

    A view without columns is a table of names, and whole records as JSON and CSV.
    """
    from opencrm.core.entities import SavedView
    from opencrm.services import organisation
    from opencrm.services.viewing import views

    with invocation.crm.read(invocation.principal) as reader:
        query = views.open(reader, organisation.find(reader, SavedView, name))
        page = reader.list(_narrowed(reader, query, wheres, limit))
        _show(invocation, reader.entity(query.entity), page, form, whole=query.fields is not None)


@click.group()
def segment() -> None:
    """List segments, show who is in them, take snapshots."""


@segment.command("list")
@form_options
@click.pass_obj
def list_segments(invocation: Invocation, form: str | None) -> None:
    """Show the segments that you may use: your own, and those published to your units."""
    from opencrm.core.entities import Segment

    _list(invocation, Segment, form)


@segment.command("show")
@click.argument("name")
@click.option("--snapshot", metavar="ID", help="Who was in it when this snapshot was taken.")
@where_option
@_limit
@form_options
@click.pass_obj
def show_segment(
    invocation: Invocation, name: str, snapshot: str | None, wheres: tuple[str, ...], limit: int, form: str | None
) -> None:
    """Show who is in the segment NAME (or its id) now: those that you may read."""
    from opencrm.services.viewing import segments

    if snapshot is not None and wheres:
        raise click.UsageError("--where and --snapshot cannot be said together")
    with invocation.crm.read(invocation.principal) as reader:
        found = _segment(reader, name)
        query = segments.query(reader, found)
        if snapshot is None:
            page = reader.list(_narrowed(reader, query, wheres, limit))
        else:
            page = segments.recorded(reader, segments.taken(reader, found, snapshot).id, limit=limit)
        _show(invocation, reader.entity(query.entity), page, form, whole=False)


@segment.command("snapshot")
@click.argument("name")
@click.pass_obj
def take_snapshot(invocation: Invocation, name: str) -> None:
    """Write down who is in the segment NAME (or its id) now; print the snapshot's id."""
    from opencrm.services.viewing import segments

    with invocation.crm.work(invocation.principal) as work:
        taken = segments.snapshot(work, _segment(work, name))
    click.echo(taken.id)


@segment.command("snapshots")
@click.argument("name")
@click.pass_obj
def list_snapshots(invocation: Invocation, name: str) -> None:
    """Show when snapshots of the segment NAME (or its id) were taken, the newest first."""
    from opencrm.services.viewing import segments

    with invocation.crm.read(invocation.principal) as reader:
        found = segments.snapshots(reader, _segment(reader, name))
        people = named(reader, [each.by for each in found])
    for each in found:
        click.echo(f"{each.id}  {each.at:%Y-%m-%d %H:%M} UTC  {people[each.by]}")


@segment.command()
@click.argument("old")
@click.argument("new")
@click.pass_obj
def compare(invocation: Invocation, old: str, new: str) -> None:
    """Show how many entered a segment and left it between its snapshots OLD and NEW."""
    from opencrm.services.viewing import segments

    with invocation.crm.read(invocation.principal) as reader:
        found = segments.compare(reader, old, new)
    click.echo(f"entered {found.entered}, left {found.left}")


def _list(invocation: Invocation, entity: type[SavedView | Segment], form: str | None) -> None:
    from opencrm.services.reading.rows import Query
    from opencrm.services.viewing.definitions import usable

    fields = ("name", "entity", "published_to_id", "id")
    with invocation.crm.read(invocation.principal) as reader:
        found = [*reader.stream(Query(entity, fields=fields, sort="name"))]
        known = usable(reader, entity, [record.id for record in found])
        print_records(invocation.crm, reader.entity(entity), fields, found, form)
    closed = [record.name for record in found if not known.get(record.id)]
    if closed:
        told = "they look at fields that are gone, or that you may not read"
        click.echo(f"cannot be opened: {', '.join(map(harmless, closed))} ({told})", err=True)


def _narrowed(reader: Reader, query: Query[Any], wheres: tuple[str, ...], limit: int) -> Query[Any]:
    """Return a saved query with what `--where` asks for on top of it, counted."""
    import attrs

    from opencrm.core.conditions import all_of

    asked = condition_of(reader, reader.entity(query.entity), wheres)
    both = [where for where in (query.where, asked) if where is not None]
    return attrs.evolve(query, where=all_of(both) if both else None, limit=limit, total=True)


def _segment(reader: Reader, name: str) -> str:
    from opencrm.core.entities import Segment
    from opencrm.services import organisation

    return organisation.find(reader, Segment, name)


def _show(invocation: Invocation, spec: Spec, page: Page[Any], form: str | None, *, whole: bool) -> None:
    """Print a page; a table of whole records would be too wide to read, so that it has their names alone."""
    fields = page.rows[0].fields if page.rows else ("id", spec.options.display)
    if form is None and not whole:
        fields = tuple(name for name in ("id", spec.options.display) if name in fields)
    print_records(invocation.crm, spec, fields, page.rows, form)
    if page.next is not None:
        every = "" if page.total is None else f" of {page.total}"
        click.echo(f"these are the first {len(page.rows)}{every}: say --limit for more", err=True)
