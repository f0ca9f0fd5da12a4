"""`opencrm pipelines | rules`, `export | plan | apply`: both are text of one kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import click

from opencrm.cli.lists import harmless
from opencrm.cli.options import DEFINITIONS

if TYPE_CHECKING:
    from opencrm.app.invocation import Invocation
    from opencrm.services.definitions.process.steps import Plan
    from opencrm.services.definitions.process.text import Kind


def add_text_commands(group: click.Group, kind: Kind) -> None:
    """Give a group the commands `export`, `plan` and `apply`.

    Args:
        group: `pipelines` or `rules`.
        kind: The same as a word.
    """

    @group.command(help=f"Print the {kind} as TOML, which `plan` and `apply` read; those of plugins as comments.")
    @click.pass_obj
    def export(invocation: Invocation) -> None:
        from opencrm.services.definitions.process import text

        with invocation.crm.read(invocation.principal) as reader:
            click.echo(text.export(reader, kind), nl=False)

    @group.command(help="Say what `apply` would do with FILE, whom and how many records it touches; or refuse.")
    @click.argument("file", type=DEFINITIONS)
    @click.option("--retire", is_flag=True, help=f"Retire the {kind} that FILE does not name.")
    @click.pass_obj
    def plan(invocation: Invocation, *, file: TextIO, retire: bool) -> None:
        from opencrm.services.definitions.process import planning, text

        tables = text.parse(file.read(), kind)
        planning.judge(kind, tables)
        with invocation.crm.work(invocation.principal) as work:
            planned = planning.rehearse(work, kind, tables, retire=retire)
        _print(planned)

    @group.command(help=f"Make the {kind} what FILE says, all of it or nothing, in one act.")
    @click.argument("file", type=DEFINITIONS)
    @click.option("--retire", is_flag=True, help=f"Retire the {kind} that FILE does not name.")
    @click.pass_obj
    def apply(invocation: Invocation, *, file: TextIO, retire: bool) -> None:
        from opencrm.services.definitions.process import planning, text

        tables = text.parse(file.read(), kind)
        planning.judge(kind, tables)
        with invocation.crm.work(invocation.principal) as work:
            done = planning.carry_out(work, kind, tables, retire=retire)
            act = work.act
        _print(done)
        if done.steps:
            click.echo(f"To take it back: opencrm undo {act}")


def _print(plan: Plan) -> None:
    for line in [line for step in plan.steps for line in str(step).splitlines()] or ["Nothing to do."]:
        click.echo(harmless(line))
    for warning in plan.warnings:
        click.echo(harmless(f"warning: {warning}"), err=True)
