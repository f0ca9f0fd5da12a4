"""`opencrm edit`, `opencrm duplicates`, `opencrm merge` and `opencrm undo`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from opencrm.cli.lists import cell, harmless, print_table
from opencrm.cli.people import named
from opencrm.cli.wheres import by_options, called, check_one, condition_of, where_option

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation
    from opencrm.core.entities import Core
    from opencrm.core.values import Id
    from opencrm.services.cleaning.duplicates import Proposal
    from opencrm.services.cleaning.editing import Edited
    from opencrm.services.cleaning.merging import Merged
    from opencrm.services.cleaning.steps import MassEdit
    from opencrm.services.cleaning.taking_back import TakenBack
    from opencrm.services.reading.reader import Reader

    Names: TypeAlias = Mapping[Id, str | None]

_LISTED = 20
_yes = click.option("--yes", is_flag=True, help="Do it. Without this only what would be done is shown.")
_set = click.option(
    "--set", "values", multiple=True, metavar="FIELD=VALUE", help="Give a field this value; FIELD= none."
)


@click.command()
@click.argument("entity")
@where_option
@click.option("--id", "ids", multiple=True, metavar="ID", help="Which records, one by one.")
@click.option("--all", "everything", is_flag=True, help="All records.")
@_set
@click.option("--owner", metavar="USER", help="Give them this owner, by name, e-mail or id.")
@click.option("--unit", metavar="UNIT", help="Put them into this unit, by name or id.")
@click.option("--move", metavar="STAGE", help="Move them to this stage.")
@click.option("--delete", is_flag=True, help="Take them away.")
@click.option("--restore", is_flag=True, help="Bring deleted ones back.")
@click.option("--whole", is_flag=True, help="All of them or none.")
@click.option("--act", metavar="ACT", help="Go on with an edit that was broken off.")
@_yes
@click.pass_obj
def edit(  # noqa: PLR0913  # the words of the command line
    invocation: Invocation,
    *,
    entity: str,
    wheres: tuple[str, ...],
    ids: tuple[str, ...],
    everything: bool,
    values: tuple[str, ...],
    owner: str | None,
    unit: str | None,
    move: str | None,
    delete: bool,
    restore: bool,
    whole: bool,
    act: str | None,
    yes: bool,
) -> None:
    """Change many records alike.

    Each record of ENTITY is judged like a change of its own: those that are refused are told, and the others are done.
    """
    from opencrm.core.conditions import TRUE
    from opencrm.core.entities import Unit, User
    from opencrm.services.cleaning import editing
    from opencrm.services.cleaning.steps import MassEdit
    from opencrm.services.reading.naming import names_of

    check_one("which records", {"--where": wheres, "--id": ids, "--all": everything})
    giving = owner is not None or unit is not None
    check_one(
        "what to do",
        {"--set": values, "--owner (or --unit)": giving, "--move": move, "--delete": delete, "--restore": restore},
    )
    crm, principal = invocation.crm, invocation.principal
    with crm.read(principal) as reader:
        spec = reader.entity(entity)
        wish: MassEdit[Any] = MassEdit(
            spec,
            where=TRUE if everything else condition_of(reader, spec, wheres),
            ids=list(ids) or None,
            set=_values(values) or None,
            owner=_found(reader, User, owner),
            unit=_found(reader, Unit, unit),
            move=move,
            delete=delete,
            restore=restore,
            whole=whole,
        )
    with called({"owner": "--owner", "unit": "--unit", "stage": "--move"} if not values else {}), by_options(spec):
        done = editing.run(lambda: crm.work(principal), wish, act=act, rehearsed=not yes)
    with crm.read(principal) as reader:
        shown = [*(each.record for each in done.samples), *(each.record for each in done.refusals[:_LISTED])]
        refused = named(reader, [each.text for each in done.refusals[:_LISTED]])
        _tell_edit(done, names_of(reader, spec, shown, deleted=None), refused)


@click.command()
@click.argument("entity")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, metavar="N", help="How many pairs."
)
@click.option("--dismiss", nargs=2, metavar="ID ID", help="Remember that these two are two.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON array.")
@click.pass_obj
def duplicates(
    invocation: Invocation, *, entity: str, limit: int, dismiss: tuple[str, str] | None, as_json: bool
) -> None:
    """Show pairs of records that may be one: those of ENTITY, the likeliest first."""
    from opencrm.services.cleaning import duplicates
    from opencrm.services.reading.naming import names_of

    crm, principal = invocation.crm, invocation.principal
    if dismiss:
        with crm.work(principal) as work:
            duplicates.dismiss(work, entity, *dismiss)
        click.echo("They are two.")
        return
    with crm.read(principal) as reader:
        found = duplicates.find(reader, entity, limit=limit)
        ids = [id for each in found for id in (each.one, each.other)]
        names = names_of(reader, reader.entity(entity), ids)
    rows = [_told(each, names) for each in found]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    elif rows:
        print_table(tuple(rows[0]), [[cell(value) for value in row.values()] for row in rows])
    else:
        click.echo("No two look like one.")


@click.command()
@click.argument("entity")
@click.argument("keep")
@click.argument("others", nargs=-1, required=True)
@_set
@_yes
@click.pass_obj
def merge(
    invocation: Invocation, *, entity: str, keep: str, others: tuple[str, ...], values: tuple[str, ...], yes: bool
) -> None:
    """Let records go into another one: the OTHERS of ENTITY into KEEP, by their ids.

    What refers to them refers to KEEP then. KEEP has its own values and, where it has none, the first of the others'.
    """
    from opencrm.services.cleaning import merging
    from opencrm.services.reading.naming import names_of

    crm, principal = invocation.crm, invocation.principal
    with crm.read(principal) as reader:
        spec = reader.entity(entity)
        names = names_of(reader, spec, [keep, *others])
    wish: merging.Merge[Any] = merging.Merge(spec, keep, others, _values(values))
    if not yes:
        _tell_merge(merging.rehearse(lambda: crm.work(principal), wish), names)
        return
    with crm.work(principal) as work:
        done = merging.merge(work, wish)
    _tell_merge(done, names)


@click.command()
@click.argument("act")
@click.option("--into", metavar="ACT", help="Go on with an undo that was broken off.")
@click.pass_obj
def undo(invocation: Invocation, *, act: str, into: str | None) -> None:
    """Take back everything that was done in an act.

    It is refused where somebody changed the same since.
    """
    from opencrm.services.cleaning import taking_back

    crm, principal = invocation.crm, invocation.principal
    with crm.read(principal) as reader:
        length = taking_back.size(reader, act)
    with invocation.progress("Taking back", length) as step:
        done = taking_back.run(lambda: crm.work(principal), act, into=into, tell=_steps_of(step))
    click.echo(f"{done.lines} taken back.")
    _tell_undo(done.act)


def _steps_of(step: Callable[[int], None]) -> Callable[[TakenBack], None]:
    """Return what tells a progress bar of an undo how much further it is."""
    done = 0

    def tell(so_far: TakenBack) -> None:
        nonlocal done
        step(so_far.lines - done)
        done = so_far.lines

    return tell


def _values(pairs: Sequence[str]) -> dict[str, Any]:
    from opencrm.errors import InputError

    found = {}
    for each in pairs:
        name, sign, value = each.partition("=")
        if not sign or not name.strip():
            raise InputError({"--set": [f"must be FIELD=VALUE, not {each!r}"]})
        found[name.strip()] = value or None
    return found


def _found(reader: Reader, entity: type[Core], name: str | None) -> Id | None:
    from opencrm.services import organisation

    return None if name is None else organisation.find(reader, entity, name)


def _tell_edit(done: Edited, names: Names, refused: Mapping[str, str]) -> None:
    would = "would change" if done.act is None else "changed"
    told = [f"{done.found} found", f"{done.changed} {would}", f"{done.unchanged} so already"]
    click.echo(", ".join([*told, *(f"{number} {code}" for code, number in done.refused.items())]) + ".")
    for sample in done.samples[:_LISTED]:
        click.echo(f"  {_called(sample.record, names)}  {_steps(sample.before, sample.after)}")
    _tell_more(done.changed - len(done.samples[:_LISTED]))
    for refusal in done.refusals[:_LISTED]:
        click.echo(f"  {_called(refusal.record, names)}  {refusal.code}: {harmless(refused[refusal.text])}", err=True)
    _tell_more(sum(done.refused.values()) - len(done.refusals[:_LISTED]), err=True)
    _tell_yes(done.act)


def _tell_more(number: int, *, err: bool = False) -> None:
    if number > 0:
        click.echo(f"  … and {number:,} more", err=err)


def _tell_merge(done: Merged, names: Names) -> None:
    went = "would go" if done.act is None else "went"
    click.echo(f"{len(done.gone)} {went} into {_called(done.kept, names)}.")
    for each in done.gone:
        click.echo(f"  {_called(each, names)} {went}")
    if done.after:
        click.echo(f"  {_steps(done.before, done.after)}")
    for name, number in sorted(done.followed.items()):
        click.echo(f"  {number} {name} with them")
    _tell_yes(done.act)


def _called(id: Id, names: Names) -> str:
    """Return a record's id and, where it may be known, its name."""
    name = names.get(id)
    return harmless(id) if name is None else f"{harmless(id)}  {cell(name)}"


def _steps(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    steps = (f"{name}: {_shown(before.get(name))} > {_shown(value)}" for name, value in after.items())
    return ", ".join(steps)


def _shown(value: Any) -> str:
    return cell(value if value is None else str(value)) or "-"


def _tell_yes(act: Id | None) -> None:
    if act is None:
        click.echo("Nothing was written: say --yes to do it.")
    else:
        _tell_undo(act)


def _tell_undo(act: Id) -> None:
    click.echo(f"To take it back: opencrm undo {act}")


def _told(each: Proposal, names: Mapping[Id, str | None]) -> dict[str, Any]:
    why = ", ".join(f"{it.kind} {it.value}" if it.value else it.kind for it in each.reasons)
    return {
        "score": each.score,
        "one": each.one,
        "its name": names.get(each.one),
        "other": each.other,
        "other's name": names.get(each.other),
        "because of": why,
    }
