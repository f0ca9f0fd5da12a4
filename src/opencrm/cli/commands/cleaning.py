"""`opencrm edit`, `opencrm duplicates`, `opencrm merge` and `opencrm undo`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from opencrm.cli.lists import cell, harmless, print_table

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation
    from opencrm.core.conditions import Condition
    from opencrm.core.entities import Core
    from opencrm.core.values import Id
    from opencrm.services.cleaning.duplicates import Proposal
    from opencrm.services.cleaning.editing import Edited
    from opencrm.services.cleaning.merging import Merged
    from opencrm.services.cleaning.steps import MassEdit
    from opencrm.services.reading.reader import Reader

_LISTED = 20
_yes = click.option("--yes", is_flag=True, help="Do it. Without this only what would be done is shown.")
_set = click.option(
    "--set", "values", multiple=True, metavar="FIELD=VALUE", help="Give a field this value; FIELD= none."
)


@click.command()
@click.argument("entity")
@click.option(
    "--where", "pairs", multiple=True, metavar="FIELD[OP]=VALUE", help="Which records; several must all hold."
)
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
    pairs: tuple[str, ...],
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
    from opencrm.core.entities import Unit, User
    from opencrm.services.cleaning import editing
    from opencrm.services.cleaning.steps import MassEdit

    crm, principal = invocation.crm, invocation.principal
    with crm.read(principal) as reader:
        wish: MassEdit[Any] = MassEdit(
            reader.entity(entity),
            where=_where(pairs, everything=everything),
            ids=list(ids) or None,
            set=_values(values) or None,
            owner=_found(reader, User, owner),
            unit=_found(reader, Unit, unit),
            move=move,
            delete=delete,
            restore=restore,
            whole=whole,
        )
    done = editing.run(lambda: crm.work(principal), wish, act=act, rehearsed=not yes)
    _tell_edit(done)


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

    crm, principal = invocation.crm, invocation.principal
    if dismiss:
        with crm.work(principal) as work:
            duplicates.dismiss(work, entity, *dismiss)
        click.echo("They are two.")
        return
    with crm.read(principal) as reader:
        found = duplicates.find(reader, entity, limit=limit)
        rows = [_told(reader, entity, each) for each in found]
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

    with invocation.crm.work(invocation.principal) as work:
        wish: merging.Merge[Any] = merging.Merge(work.entity(entity), keep, others, _values(values))
        _tell_merge(merging.merge(work, wish) if yes else merging.rehearse(work, wish))


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
    done = taking_back.run(lambda: crm.work(principal), act, into=into)
    click.echo(f"{done.lines} taken back.")
    _tell_undo(done.act)


def _where(pairs: Sequence[str], *, everything: bool) -> Condition | None:
    from opencrm.core.conditions import TRUE, query_conditions
    from opencrm.errors import InputError

    if everything and pairs:
        raise InputError({"where": ["and --all cannot be said together"]})
    parted = [each.partition("=") for each in pairs]
    wrong = [name for name, sign, _ in parted if not sign]
    if wrong:
        raise InputError({"where": [f"must be FIELD=VALUE or FIELD[OP]=VALUE, not {name!r}" for name in wrong]})
    if parted:
        return query_conditions([(name, value) for name, _, value in parted])
    return TRUE if everything else None


def _values(pairs: Sequence[str]) -> dict[str, Any]:
    from opencrm.errors import InputError

    found = {}
    for each in pairs:
        name, sign, value = each.partition("=")
        if not sign or not name.strip():
            raise InputError({"set": [f"must be FIELD=VALUE, not {each!r}"]})
        found[name.strip()] = value or None
    return found


def _found(reader: Reader, entity: type[Core], name: str | None) -> Id | None:
    from opencrm.services import organisation

    return None if name is None else organisation.find(reader, entity, name)


def _tell_edit(done: Edited) -> None:
    would = "would change" if done.act is None else "changed"
    told = [f"{done.found} found", f"{done.changed} {would}", f"{done.unchanged} so already"]
    click.echo(", ".join([*told, *(f"{number} {code}" for code, number in done.refused.items())]) + ".")
    for sample in done.samples[:_LISTED]:
        click.echo(f"  {sample.record}  {_steps(sample.before, sample.after)}")
    for refusal in done.refusals[:_LISTED]:
        click.echo(f"  {harmless(refusal.record)}  {refusal.code}: {harmless(refusal.text)}", err=True)
    _tell_yes(done.act)


def _tell_merge(done: Merged) -> None:
    went = "would go" if done.act is None else "went"
    click.echo(f"{len(done.gone)} {went} into {done.kept}.")
    if done.after:
        click.echo(f"  {_steps(done.before, done.after)}")
    for name, number in sorted(done.followed.items()):
        click.echo(f"  {number} {name} with them")
    _tell_yes(done.act)


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


def _told(reader: Reader, entity: str, each: Proposal) -> dict[str, Any]:
    spec = reader.entity(entity)
    names = [reader.get(spec, id).get(spec.options.display) for id in (each.one, each.other)]
    why = ", ".join(f"{it.kind} {it.value}" if it.value else it.kind for it in each.reasons)
    return {
        "score": each.score,
        "one": each.one,
        "its name": str(names[0]),
        "other": each.other,
        "other's name": str(names[1]),
        "because of": why,
    }
