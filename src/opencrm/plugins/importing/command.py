"""`opencrm import`."""

from __future__ import annotations

from pathlib import Path

import click

from opencrm.embed import Invocation
from opencrm.plugins.importing.running import Outcome, Wish, run_import

_FILE = click.Path(exists=True, path_type=Path)


def _character(_ctx: click.Context, _param: click.Parameter, text: str | None) -> str | None:
    found = {"tab": "\t", "\\t": "\t"}.get(text or "", text)
    if found is not None and (len(found) != 1 or found in '"\r\n'):
        raise click.BadParameter("must be one character, or 'tab'")
    return found


@click.command("import")
@click.argument("what", metavar="ENTITY|MAP.toml")
@click.argument("path", metavar="FILE|FOLDER", type=_FILE)
@click.option(
    "--map",
    "named",
    metavar="MAP.toml",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Which columns become which fields.",
)
@click.option("--dry-run", is_flag=True, help="Try everything and keep nothing.")
@click.option("--encoding", metavar="NAME", help="The file's encoding, such as cp1251.  [found]")
@click.option(
    "--delimiter",
    metavar="CHARACTER",
    callback=_character,
    help="What stands between two cells; 'tab' for a tabulator.  [found]",
)
def import_command(
    what: str, path: Path, named: Path | None, *, dry_run: bool, encoding: str | None, delimiter: str | None
) -> None:
    """Bring records in from a file.

    WHAT is an entity such as contact, or a map: a TOML file that says which columns become which fields, and which
    files of a folder are read in which order.
    Rows that cannot be brought in are listed in FILE.errors.csv; the others are kept, and the exit code is 1.
    """
    invocation: Invocation = click.get_current_context().obj
    own = Path(what) if what.endswith(".toml") else None
    if own is not None and (named is not None or not own.is_file()):
        raise click.BadParameter("name one map, of a file that exists", param_hint="MAP.toml")
    wish = Wish(
        path=path,
        map=own or named,
        entity=None if own else what,
        encoding=encoding,
        delimiter=delimiter,
        dry_run=dry_run,
    )
    outcomes = run_import(invocation.crm, invocation.principal, wish, invocation.progress)
    for outcome in outcomes:
        _tell(outcome, dry_run=dry_run)
    if any(outcome.errors for outcome in outcomes):
        raise click.exceptions.Exit(1)


def _tell(outcome: Outcome, *, dry_run: bool) -> None:
    progress = outcome.progress
    if outcome.guess is not None:
        click.echo(f"note: {outcome.file}: read as {outcome.guess}; --encoding says otherwise", err=True)
    if outcome.before is not None:
        text = f"was imported before, on {outcome.before}: rows were compared, and not added again"
        click.echo(f"note: {outcome.file}: {text}", err=True)
    counts = ", ".join(f"{number} {what}" for what, number in sorted(progress.tally.items()))
    trial = " (dry run: nothing was kept)" if dry_run else ""
    click.echo(f"{outcome.file}: {progress.rows} rows; {counts or 'nothing to write'}{trial}")
    if outcome.errors is not None:
        text = f"{progress.rejected} of {progress.rows} rows stay out; {outcome.errors} says why"
        click.echo(f"opencrm: rejected_rows: {outcome.file}: {text}", err=True)
