"""`opencrm edit` and `opencrm undo`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from opencrm.cli.commands.records.telling import (
    called_by_name,
    set_option,
    steps,
    tell_undo,
    tell_yes,
    values_of,
    yes_option,
)
from opencrm.cli.lists import harmless
from opencrm.cli.people import named
from opencrm.cli.wheres import by_options, called, check_one, condition_of, where_option

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation
    from opencrm.cli.commands.records.telling import Names
    from opencrm.core.entities import Core
    from opencrm.core.entity import Spec
    from opencrm.core.values import Id
    from opencrm.services.cleaning.editing import Edited
    from opencrm.services.cleaning.steps import MassEdit
    from opencrm.services.cleaning.taking_back import TakenBack
    from opencrm.services.reading.reader import Reader

_LISTED = 20


@click.command()
@click.argument("entity")
@where_option
@click.option("--id", "ids", multiple=True, metavar="ID", help="Which records, one by one.")
@click.option("--all", "everything", is_flag=True, help="All records.")
@set_option
@click.option("--owner", metavar="USER", help="Give them this owner, by name, e-mail or id.")
@click.option("--unit", metavar="UNIT", help="Put them into this unit, by name or id.")
@click.option("--move", metavar="STAGE", help="Move them to this stage.")
@click.option("--delete", is_flag=True, help="Take them away.")
@click.option("--restore", is_flag=True, help="Bring deleted ones back.")
@click.option("--whole", is_flag=True, help="All of them or none.")
@click.option("--act", metavar="ACT", help="Go on with an edit that was broken off.")
@yes_option
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
            set=values_of(values) or None,
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
        _tell(reader, spec, done)


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
    tell_undo(done.act)


def _steps_of(step: Callable[[int], None]) -> Callable[[TakenBack], None]:
    """Return what tells a progress bar of an undo how much further it is."""
    done = 0

    def tell(so_far: TakenBack) -> None:
        nonlocal done
        step(so_far.lines - done)
        done = so_far.lines

    return tell


def _found(reader: Reader, entity: type[Core], name: str | None) -> Id | None:
    from opencrm.services import organisation

    return None if name is None else organisation.find(reader, entity, name)


def _tell(reader: Reader, spec: Spec, done: Edited) -> None:
    from opencrm.services.reading.naming import names_of

    refusals = done.refusals[:_LISTED]
    shown = [*(each.record for each in done.samples), *(each.record for each in refusals)]
    refused = named(reader, [each.text for each in refusals])
    _tell_edit(done, names_of(reader, spec, shown, deleted=None), refused)


def _tell_edit(done: Edited, names: Names, refused: Mapping[str, str]) -> None:
    would = "would change" if done.act is None else "changed"
    told = [f"{done.found} found", f"{done.changed} {would}", f"{done.unchanged} so already"]
    click.echo(", ".join([*told, *(f"{number} {code}" for code, number in done.refused.items())]) + ".")
    for sample in done.samples[:_LISTED]:
        click.echo(f"  {called_by_name(sample.record, names)}  {steps(sample.before, sample.after)}")
    _tell_more(done.changed - len(done.samples[:_LISTED]))
    for refusal in done.refusals[:_LISTED]:
        click.echo(
            f"  {called_by_name(refusal.record, names)}  {refusal.code}: {harmless(refused[refusal.text])}", err=True
        )
    _tell_more(sum(done.refused.values()) - len(done.refusals[:_LISTED]), err=True)
    tell_yes(done.act)


def _tell_more(number: int, *, err: bool = False) -> None:
    if number > 0:
        click.echo(f"  … and {number:,} more", err=err)
