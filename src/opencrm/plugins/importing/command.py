"""`opencrm import`."""

from __future__ import annotations

from pathlib import Path

import attrs
import click

from opencrm.embed import Invocation
from opencrm.plugins.importing.running import Outcome, Wish, propose_map, run_import


def _character(_ctx: click.Context, _param: click.Parameter, text: str | None) -> str | None:
    found = {"tab": "\t", "\\t": "\t"}.get(text or "", text)
    if found is not None and (len(found) != 1 or found in '"\r\n'):
        raise click.BadParameter("must be one character, or 'tab'")
    return found


@click.command("import")
@click.argument("what", metavar="ENTITY|MAP.toml")
@click.argument("path", metavar="FILE|FOLDER", required=False)
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
@click.option("--guess", is_flag=True, help="Bring nothing in: propose a map for FILE, to be read and changed.")
@click.option("--entity", metavar="ENTITY", help="With --guess: what each row is.  [guessed]")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --guess: where to write the map.  [standard output]",
)
@click.option("--replace", is_flag=True, help="With --output: write over a map that is there.")
def import_command(  # noqa: PLR0913  # each is an option
    *,
    what: str,
    path: str | None,
    named: Path | None,
    dry_run: bool,
    encoding: str | None,
    delimiter: str | None,
    guess: bool,
    entity: str | None,
    output: Path | None,
    replace: bool,
) -> None:
    """Bring records in from a file.

    WHAT is an entity such as contact, or a map: a TOML file that says which columns become which fields, and which
    files of a folder are read in which order.
    FILE is CSV, a workbook (FILE.xlsx#SHEET names one of its sheets), JSON lines, or what plugins read.
    Rows that cannot be brought in are listed in FILE.errors.csv; the others are kept, and the exit code is 1.

    opencrm import --guess FILE proposes a map for a file that nobody has described.
    """
    invocation: Invocation = click.get_current_context().obj
    if guess != (path is None) or (not guess and (entity or output)):
        raise click.UsageError("say WHAT and FILE, or --guess and FILE")
    if replace and output is None:
        raise click.UsageError("--replace needs --output")
    if path is None:
        wish = _wish(what, entity=entity, encoding=encoding, delimiter=delimiter)
        _propose(invocation, wish, output, replace=replace)
        return
    own = Path(what) if what.endswith(".toml") else None
    if own is not None and (named is not None or not own.is_file()):
        raise click.BadParameter("name one map, of a file that exists", param_hint="MAP.toml")
    wish = _wish(path, entity=None if own else what, encoding=encoding, delimiter=delimiter)
    wish = attrs.evolve(wish, map=own or named, dry_run=dry_run)
    outcomes = run_import(invocation.crm, invocation.principal, wish, invocation.progress)
    for outcome in outcomes:
        _tell(outcome, dry_run=dry_run)
    if any(outcome.errors for outcome in outcomes):
        raise click.exceptions.Exit(1)


def _wish(text: str, *, entity: str | None, encoding: str | None, delimiter: str | None) -> Wish:
    """Return the wish for what a path names: a file, a folder, or with `#` a sheet of a workbook."""
    path, sheet = Path(text), None
    if not path.exists() and "#" in text:
        before, _, sheet = text.rpartition("#")
        path = Path(before)
    if not path.exists():
        raise click.BadParameter(f"{text!r} does not exist.", param_hint="FILE|FOLDER")
    return Wish(path=path, sheet=sheet, entity=entity, encoding=encoding, delimiter=delimiter)


def _propose(invocation: Invocation, wish: Wish, output: Path | None, *, replace: bool) -> None:
    """Write the guess of a map; one that is there already stays, unless it is to be replaced."""
    text = propose_map(invocation.crm, invocation.principal, wish)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        with output.open("w" if replace else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        text = f"{output} is there already; --replace writes over it"
        raise click.BadParameter(text, param_hint="--output") from None
    click.echo(f"{output}: read it through, change what is wrong, and bring the file in with it", err=True)


def _tell(outcome: Outcome, *, dry_run: bool) -> None:
    progress = outcome.progress
    if outcome.guess is not None:
        click.echo(f"note: {outcome.file}: read as {outcome.guess}; --encoding says otherwise", err=True)
    compared = any(number and not what.endswith(" created") for what, number in progress.tally.items())
    if outcome.before is not None and compared:
        text = f"was imported before, on {outcome.before}: rows were compared, and not added again"
        click.echo(f"note: {outcome.file}: {text}", err=True)
    counts = ", ".join(f"{number} {what}" for what, number in sorted(progress.tally.items()))
    trial = " (dry run: nothing was kept)" if dry_run else ""
    click.echo(f"{outcome.file}: {progress.rows} rows; {counts or 'nothing to write'}{trial}")
    if outcome.errors is not None:
        text = f"{progress.rejected} of {progress.rows} rows stay out; {outcome.errors} says why"
        click.echo(f"opencrm: rejected_rows: {outcome.file}: {text}", err=True)
