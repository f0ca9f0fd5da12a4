"""`opencrm windows-demo`: the company with its people, made and served."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from opencrm import CRM
from opencrm.embed import Invocation, Locale
from opencrm_windows import company

FILE = "opencrm-windows.db"
DAYS = 30
LOCALE = Locale(region="GB", currency="GBP", zone="Europe/London")


@click.command("windows-demo")
@click.option("--serve/--no-serve", "serving", default=True, show_default=True, help="Serve it when it stands.")
@click.option("--host", metavar="ADDRESS", help="Address to listen on.  [OPENCRM_HOST; 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one.  [OPENCRM_PORT; 8000]")
@click.pass_obj
def demo(invocation: Invocation, *, serving: bool, host: str | None, port: int | None) -> None:
    """Make the window company, unless it stands already, and serve it.

    Without --db it stands in opencrm-windows.db in the current folder.
    """
    file = Path(str(invocation.given.get("db", FILE)))
    if serving:
        invocation.check_server(host=host, port=port)
    if not file.exists():
        with closing(invocation.open(str(file), locale=LOCALE)) as made:
            company.make(made)
    crm = invocation.open(str(file))
    _show(crm)
    if serving:
        invocation.run(crm, _announce, host=host, port=port)


def _show(crm: CRM) -> None:
    click.echo(f"{company.NAME}. Keys for REST, good for {DAYS} days:")
    roles = {company.OWNER: "owner", **company.PEOPLE}
    for name, key in company.keys(crm, label="demo", days=DAYS).items():
        click.echo(f"  {roles[name]:<11} {name:<9} {key}")


def _announce(address: str) -> None:
    click.echo(f"The form for requests is at {address}/forms/request, REST at {address}/api/docs. Ctrl-C stops.")
