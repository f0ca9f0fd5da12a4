"""`opencrm imports list | undo`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from opencrm.cli.lists import harmless
from opencrm.cli.people import named

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation
    from opencrm.services.imports import ImportJob, Undone

_LISTED = 20


@click.group()
def imports() -> None:
    """List imports, and take one back as a whole, or all of one run."""


@imports.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many at most.")
@click.pass_obj
def list_(invocation: Invocation, *, limit: int) -> None:
    """List imports, the latest first: yours or, for an owner, everybody's.

    Those of the several files of one call tell the run that they have in common.
    """
    from opencrm.services.imports import jobs

    with invocation.crm.read(invocation.principal) as reader:
        found = jobs(reader, limit=limit)
        people = named(reader, [job.principal for job in found])
    for job in found:
        click.echo(_line(job, people[job.principal]))


@imports.command()
@click.argument("id", metavar="IMPORT|RUN")
@click.option("--yes", is_flag=True, help="Do it; without, only say what would be done.")
@click.pass_obj
def undo(invocation: Invocation, *, id: str, yes: bool) -> None:
    """Take an import back, or all of a run: what it created goes, what it changed is as it was.

    What somebody changed since stays as it is, and is told; the exit code is 1 then.
    """
    from opencrm.services.imports import undo as take_back

    crm, principal = invocation.crm, invocation.principal
    done = take_back(lambda: crm.work(principal), id, rehearsed=not yes)
    _tell(done, kept=yes)
    if done.refused:
        raise click.exceptions.Exit(1)


def _line(job: ImportJob, who: str) -> str:
    counts = _counts({name: number for name, number in job.counts.items() if name not in ("rows", "rejected")})
    rejected = job.counts.get("rejected", 0)
    rows = f"{job.rows_done} rows" + (f", {rejected} stayed out" if rejected else "")
    run = f"; run {job.run}" if job.run else ""
    when = f"{job.started_at:%Y-%m-%d %H:%M}"
    return f"{job.id}  {when}  {job.state}  {harmless(job.file_name)}  {who}: {rows}; {counts}{run}"


def _tell(done: Undone, *, kept: bool) -> None:
    trial = "" if kept else " (dry run: nothing was kept; --yes does it)"
    click.echo(f"{done.lines} changes taken back: {_counts(done.records)}{trial}")
    for refusal in done.refusals[:_LISTED]:
        click.echo(f"opencrm: {refusal.code}: {refusal.entity} {refusal.record}: {harmless(refusal.text)}", err=True)
    more = sum(done.refused.values()) - _LISTED
    if more > 0:
        click.echo(f"opencrm: and {more} more: {_counts(done.refused)}", err=True)


def _counts(found: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(found.items())) or "nothing"
