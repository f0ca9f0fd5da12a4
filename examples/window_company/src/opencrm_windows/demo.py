"""`opencrm windows-demo`: the company with its people, made and served."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

import click

from opencrm.embed import Invocation, Locale, demo_files
from opencrm_windows import company

FILE = "opencrm-windows.db"
MARK = 0x0C_DE_31
"""SQLite's `application_id` of this demo."""

DAYS = 30
LOCALE = Locale(region="GB", currency="GBP", zone="Europe/London")


@click.command("windows-demo")
@click.option("--db", metavar="FILE", help=f"An SQLite file.  [{FILE}]")
@click.option("--fresh", "again", is_flag=True, help="Make it anew, even if the file holds this demo already.")
@click.option("--serve/--no-serve", "serving", default=True, show_default=True, help="Serve it when it stands.")
@click.option("--host", metavar="ADDRESS", help="Address to listen on.  [OPENCRM_HOST; 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one.  [OPENCRM_PORT; 8000]")
@click.pass_obj
def demo(
    invocation: Invocation, *, db: str | None, again: bool, serving: bool, host: str | None, port: int | None
) -> None:
    """Make the window company, unless it stands already, and serve it.

    It is a sandbox: its owner may move its clock, to see what comes due.
    """
    file = demo_files.path_of(db or str(invocation.given.get("db", FILE)))
    if serving:
        invocation.check_server(host=host, port=port)
    if again or not file.exists():
        _make(invocation, file)
    crm = invocation.open(str(file))
    keys = company.keys(crm, label="demo", days=DAYS)
    _show(keys)
    if serving:
        invocation.run(crm, partial(_announce, keys), host=host, port=port)


def _make(invocation: Invocation, file: Path) -> None:
    with demo_files.fresh(file, MARK) as made, closing(invocation.open(str(made), locale=LOCALE)) as crm:
        company.make(crm)
        crm.sandbox.make(crm.sole_owner())


def _show(keys: Mapping[str, str]) -> None:
    click.echo(f"{company.NAME}. Keys for REST, good for {DAYS} days:")
    roles = {company.OWNER: "owner", **company.PEOPLE}
    for name, key in keys.items():
        click.echo(f"  {roles[name]:<11} {name:<9} {key}")


def _announce(keys: Mapping[str, str], address: str) -> None:
    click.echo(f"The form for requests is at {address}/forms/request, REST at {address}/api/docs. Ctrl-C stops.")
    click.echo("Send a request there. Then see Rory's call, let three days pass, and see what Ines, the head, is told:")
    click.echo(_curl(keys["Rory"], f"'{address}/api/v1/tasks?state=open&owner_id=me'"))
    later = "-H 'Content-Type: application/json' -d '{\"by\": \"3d\"}'"
    click.echo(_curl(keys[company.OWNER], f"{later} {address}/api/v1/clock/advance"))
    click.echo(_curl(keys["Ines"], f"{address}/api/v1/inbox"))


def _curl(key: str, rest: str) -> str:
    return f"  curl -H 'Authorization: Bearer {key}' {rest}"
