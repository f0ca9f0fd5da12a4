"""What the commands about many records share: how values are given, and how it is told what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from opencrm.cli.lists import cell, harmless

if TYPE_CHECKING:
    from opencrm.core.values import Id

    Names: TypeAlias = Mapping[Id, str | None]

yes_option = click.option("--yes", is_flag=True, help="Do it. Without this only what would be done is shown.")
set_option = click.option(
    "--set", "values", multiple=True, metavar="FIELD=VALUE", help="Give a field this value; FIELD= none."
)


def values_of(pairs: Sequence[str]) -> dict[str, Any]:
    """Return what `--set` gives, by field.

    Raises:
        InputError: One has another form.
    """
    from opencrm.errors import InputError

    found = {}
    for each in pairs:
        name, sign, value = each.partition("=")
        if not sign or not name.strip():
            raise InputError({"--set": [f"must be FIELD=VALUE, not {each!r}"]})
        found[name.strip()] = value or None
    return found


def called_by_name(id: Id, names: Names) -> str:
    """Return a record's id and, where it may be known, its name."""
    name = names.get(id)
    return harmless(id) if name is None else f"{harmless(id)}  {cell(name)}"


def steps(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return what a change does to each field."""
    steps = (f"{name}: {_shown(before.get(name))} > {_shown(value)}" for name, value in after.items())
    return ", ".join(steps)


def _shown(value: Any) -> str:
    return cell(value if value is None else str(value)) or "-"


def tell_yes(act: Id | None) -> None:
    """Say how to do what was only shown, or how to take back what was done."""
    if act is None:
        click.echo("Nothing was written: say --yes to do it.")
    else:
        tell_undo(act)


def tell_undo(act: Id) -> None:
    """Say how an act is taken back."""
    click.echo(f"To take it back: opencrm undo {act}")
