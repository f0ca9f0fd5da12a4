"""`opencrm rules export | plan | apply | try | runs | retry | off | on`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TextIO

import click

from opencrm.cli.commands.workspace.processes import add_text_commands
from opencrm.cli.lists import harmless, print_table
from opencrm.cli.options import DEFINITIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opencrm.app.invocation import Invocation
    from opencrm.core.process.rules import Rule
    from opencrm.services.process.overseeing.history import Told
    from opencrm.services.process.overseeing.rehearsing import Foretold
    from opencrm.services.reading.reader import Reader


@click.group()
def rules() -> None:
    """Show and change rules, as text; try them, and see what they did."""


add_text_commands(rules, "rules")


@rules.command("try")
@click.argument("key")
@click.option("--since", default="30d", show_default=True, metavar="TIME", help="From how long ago on, such as 2w.")
@click.option("--file", type=DEFINITIONS, help="Take the rule from FILE, which need not be applied.")
@click.pass_obj
def try_(invocation: Invocation, *, key: str, since: str, file: TextIO | None) -> None:
    """Say what the rule KEY would have done, by the journal of the past; nothing is written."""
    from opencrm.services.process.overseeing import rehearsing

    length = _length(since)
    with invocation.crm.read(invocation.principal) as reader:
        found = rehearsing.foretell(reader, _rule(reader, key, file), length)
    for line in _foretold(found):
        click.echo(harmless(line))


@rules.command()
@click.option("--rule", metavar="KEY", help="Only of this rule, or of this stage, such as windows.agreed.")
@click.option("--failed", is_flag=True, help="Only those that failed.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, metavar="N")
@click.pass_obj
def runs(invocation: Invocation, *, rule: str | None, failed: bool, limit: int) -> None:
    """Show what rules did, newest first, step by step."""
    from opencrm.services.process.overseeing import history

    with invocation.crm.read(invocation.principal) as reader:
        page = history.of_rules(reader, rule=rule, state=history.FAILED if failed else None, limit=limit)
    if not page.items:
        click.echo("No runs.")
        return
    rows = [
        [it.id, it.rule, f"{it.at:%Y-%m-%d %H:%M:%S}", f"{it.entity} {it.record_id}", it.state] for it in page.items
    ]
    print_table(("id", "rule", "at", "record", "state"), rows)
    for it in page.items:
        for line in _steps(it):
            click.echo(harmless(line))


@rules.command()
@click.argument("run")
@click.pass_obj
def retry(invocation: Invocation, *, run: str) -> None:
    """Let RUN, which failed, go on with the step that failed."""
    from opencrm.services.process.overseeing import history

    with invocation.crm.work(invocation.principal) as work:
        again = history.retry(work, run)
    click.echo(f"{again.source.name} goes on with the next worker.")


@rules.command()
@click.argument("key")
@click.option("--drop", is_flag=True, help="Give up what it has still to do, too.")
@click.pass_obj
def off(invocation: Invocation, *, key: str, drop: bool) -> None:
    """Switch the rule KEY off, a plugin's too."""
    from opencrm.services.definitions.process import switching

    with invocation.crm.work(invocation.principal) as work:
        switching.switch(work, key, "off", waiting="drop" if drop else "keep")
    click.echo(f"{key} is off.")


@rules.command()
@click.argument("key")
@click.pass_obj
def on(invocation: Invocation, *, key: str) -> None:
    """Switch the rule KEY on again."""
    from opencrm.services.definitions.process import switching

    with invocation.crm.work(invocation.principal) as work:
        switching.switch(work, key, "on")
    click.echo(f"{key} is on.")


def _length(text: str) -> timedelta:
    from opencrm.core.clock import duration
    from opencrm.errors import InputError

    try:
        return duration(text)
    except ValueError as error:
        raise InputError({"--since": [str(error)]}) from None


def _rule(reader: Reader, key: str, file: TextIO | None) -> Rule:
    from opencrm.services.definitions.process import planning, text
    from opencrm.services.process.overseeing import rehearsing

    if file is None:
        return rehearsing.rule_named(reader, key)
    return planning.rule_in(text.parse(file.read(), "rules"), key)


def _foretold(found: Foretold) -> Iterator[str]:
    yield f"{found.rule} {found}."
    for it in found.occasions:
        yield f"{it.at:%Y-%m-%d %H:%M}  {it.entity} {it.record_id}  {it.record or ''}".rstrip()
        yield from (f"  {action}" for action in it.actions)
    more = found.times - len(found.occasions)
    if more > 0:
        yield f"... and {more:,} times more"


def _steps(it: Told) -> Iterator[str]:
    yield f"{it.id} {it.rule}:"
    for step in it.steps:
        what = f"{step['action']} {step['detail'] or ''}".rstrip()
        yield f"  {what}: {step['state']}{_why(step['error'])}"
    yield from (f"  {action}: to be done" for action in it.rest)
    if it.error and it.state == "given_up":
        yield f"  given up{_why(it.error)}"
    elif it.error and it.state != "failed":
        yield f"  tried {it.attempts} times{_why(it.error)}"


def _why(error: str | None) -> str:
    return f": {error}" if error else ""
