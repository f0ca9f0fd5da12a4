"""`opencrm queue list | retry | drop`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from opencrm.cli.lists import harmless

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation
    from opencrm.services.queue.circuits import Circuit
    from opencrm.services.queue.overview import Count, Stuck, Waiting


@click.group()
def queue() -> None:
    """Show what waits and what failed, retry it, drop it.

    Of plugins that are to be told, of rules and of mail."""


@queue.command("list")
@click.option("--state", help="Only what is waiting, running, held, dead, failed or dropped.")
@click.option("--plugin", help="Only this plugin's.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many at most.")
@click.pass_obj
def list_(invocation: Invocation, *, state: str | None, plugin: str | None, limit: int) -> None:
    """Show how much waits and is dead, by plugin, rule, timer and mail, and the oldest of it one by one."""
    from opencrm.services.queue import overview

    with invocation.crm.read(invocation.principal) as reader:
        found = [] if state == "failed" else overview.waiting(reader, state=state, plugin=plugin, limit=limit)
        stuck = overview.stuck(reader, state=state, limit=limit) if plugin is None else []
        counts, broken = overview.counts(reader), overview.broken(reader)
    for circuit in broken:
        click.echo(_circuit(circuit))
    for count in counts:
        click.echo(_count(count))
    for one in found:
        click.echo(_line(one))
    for it in stuck:
        click.echo(_stuck(it))
    if not counts:
        click.echo("The queue is empty.")


@queue.command()
@click.argument("id", required=False)
@click.option("--all", "everything", is_flag=True, help="All that failed, instead of one.")
@click.option("--plugin", help="With --all: only this plugin's.")
@click.pass_obj
def retry(invocation: Invocation, *, id: str | None, everything: bool, plugin: str | None) -> None:
    """Have what failed tried again now."""
    from opencrm.services.queue import overview

    if (id is None) != everything or (plugin is not None and not everything):
        raise click.UsageError("name an ID, or say --all, with --plugin if you like")
    with invocation.crm.work(invocation.principal) as work:
        number = overview.retry(work, id=id, plugin=plugin)
    click.echo(f"{number} to be tried again")


@queue.command()
@click.argument("id")
@click.option("--reason", required=True, help="Why; it stays on the record.")
@click.pass_obj
def drop(invocation: Invocation, *, id: str, reason: str) -> None:
    """Give up for good: telling a plugin of a change, or a run, a timer or a letter that failed too often."""
    from opencrm.services.queue import overview

    with invocation.crm.work(invocation.principal) as work:
        overview.drop(work, id, reason)
    click.echo("dropped")


def _circuit(one: Circuit) -> str:
    error = harmless(one.error or "")
    return f"plugin {one.plugin}: failed {one.failures} times in a row, left alone until {one.until:%H:%M:%S}: {error}"


def _count(one: Count) -> str:
    oldest = f", the oldest of {one.oldest:%Y-%m-%d %H:%M}" if one.oldest else ""
    what = one.kind if one.kind == one.name else f"{one.kind} {harmless(one.name)}"
    why = f": {one.why}" if one.why else ""
    return f"{what}: {one.number} {one.state}{oldest}{why}"


def _line(one: Waiting) -> str:
    error = f": {harmless(one.error)}" if one.error else ""
    tried = f", tried {one.attempts} times" if one.attempts else ""
    return f"{one.id}  {one.state}  {one.plugin}  {one.entity} {one.record_id}{tried}{error}"


def _stuck(one: Stuck) -> str:
    about = f"{one.entity} {one.record_id or ''}".rstrip()
    error = f": {harmless(one.error)}" if one.error else ""
    whose = f"{one.kind} {'to' if one.kind == 'mail' else 'of'} {harmless(one.name)}"
    return f"{one.id}  {one.state}  {whose}  {about}, tried {one.attempts} times{error}"
