"""`opencrm demo`."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path

import click

from opencrm import CRM, Deal, Principal
from opencrm.embed import Invocation, Locale, demo_files, issue_token
from opencrm.plugins.demo.business import COLLEAGUES, COMPANY, CURRENCY, OWNER, Colleague
from opencrm.plugins.demo.selling import tell
from opencrm.plugins.demo.writing import size, write

DEFAULT = "opencrm-demo.db"
SEED = 7
DAYS = 30
LOCALE = Locale(region="GB", currency=CURRENCY, zone="Europe/London")
PLUGINS = ("sample_pipelines", "last_touch")


@click.command()
@click.option("--db", metavar="FILE", help=f"An SQLite file.  [{DEFAULT}]")
@click.option("--fresh", "again", is_flag=True, help="Make it anew, even if the file holds a demo already.")
@click.option("--serve/--no-serve", "serving", default=True, show_default=True, help="Serve it when it stands.")
@click.option("--host", metavar="ADDRESS", help="Address to listen on.  [OPENCRM_HOST; 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one.  [OPENCRM_PORT; 8000]")
@click.pass_obj
def demo(
    invocation: Invocation, *, db: str | None, again: bool, serving: bool, host: str | None, port: int | None
) -> None:
    """Make a window company with sample data and serve it.

    The company, its people and its clients are invented. While it is served, its queue is worked.
    """
    file = demo_files.path_of(db or str(invocation.given.get("db", DEFAULT)))
    if serving:
        invocation.check_server(host=host, port=port)
    if again or not demo_files.is_demo(file):
        _make(invocation, file)
    crm = invocation.open(str(file))
    if serving:
        invocation.run(crm, partial(_announce, crm, file), host=host, port=port)
    else:
        _show_keys(crm, file)


def _make(invocation: Invocation, file: Path) -> None:
    with demo_files.fresh(file) as made, closing(invocation.open(str(made), locale=LOCALE)) as crm:
        owner = crm.init(owner=OWNER.name, email=OWNER.email)
        for plugin in PLUGINS:
            crm.enable(owner, plugin)
        story = tell(SEED, crm.clock.now(), crm.catalogue.pipelines)
        with invocation.progress(f"Inventing {COMPANY}", size(story)) as step:
            write(crm, owner, story, step)


def _show_keys(crm: CRM, file: Path) -> None:
    """Print, for one person of each role, the unit, how many of the deals that person sees, and a key."""
    first: dict[str, Colleague] = {}
    for colleague in COLLEAGUES:
        first.setdefault(colleague.role, colleague)
    click.echo(f"{COMPANY} stands in {file}, with the sample pipelines that come with opencrm.")
    click.echo(f"A company with a process of its own is examples/window_company. Keys for REST, good for {DAYS} days:")
    every = _deals(crm, crm.principal(OWNER.email))
    for role, colleague in first.items():
        holder = crm.principal(colleague.email)
        reach = f"{_deals(crm, holder):>3} of {every} deals"
        click.echo(f"  {role:<14} {colleague.name:<17} {colleague.unit:<17} {reach}  {_key(crm, holder)}")


def _deals(crm: CRM, holder: Principal) -> int:
    with crm.read(holder) as reader:
        return reader.count(Deal)


def _key(crm: CRM, holder: Principal) -> str:
    with crm.work(holder) as work:
        return issue_token(work, holder.id, label="demo", days=DAYS)


def _announce(crm: CRM, file: Path, address: str) -> None:
    _show_keys(crm, file)
    click.echo(f"It answers at {address}; the documentation of REST is at {address}/api/docs. Ctrl-C stops.")
