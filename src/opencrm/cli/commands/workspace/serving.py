"""`opencrm serve | worker | run`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from opencrm.cli.border import line
from opencrm.cli.serving.logs import logs_on_stderr
from opencrm.cli.serving.stopping import GLANCE, Stop, stopped_by_signals
from opencrm.errors import Unavailable

if TYPE_CHECKING:
    from opencrm.app.crm import CRM
    from opencrm.app.invocation import Invocation

_PAUSE, _LONGEST_PAUSE = 0.4, 5.0
"""How many seconds pass before the database is looked for again: longer each time."""
_HOST = click.option("--host", metavar="ADDRESS", help="Address to listen on.  [OPENCRM_HOST; 127.0.0.1]")
_PORT = click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one.  [OPENCRM_PORT; 8000]")


@click.command()
@_HOST
@_PORT
@click.pass_obj
def serve(invocation: Invocation, host: str | None, port: int | None) -> None:
    """Serve REST."""
    invocation.serve(_sound(invocation), _announce, host=host, port=port)


@click.command()
@click.pass_obj
def worker(invocation: Invocation) -> None:
    """Work the queue until it is stopped; while the database is not there, wait for it."""
    with logs_on_stderr(), stopped_by_signals() as stop:
        crm = _awaited(invocation, stop)
        if crm is None:
            return
        with crm.worker().running() as under_way:
            click.echo("opencrm works the queue; Ctrl-C stops.", err=True)
            while not (stop.asked or under_way.done()):
                time.sleep(GLANCE)
    under_way.result()


@click.command()
@_HOST
@_PORT
@click.pass_obj
def run(invocation: Invocation, host: str | None, port: int | None) -> None:
    """Serve REST and work the queue, in one process."""
    crm = _sound(invocation)
    invocation.check_server(host=host, port=port)
    with logs_on_stderr():
        invocation.run(crm, _announce, host=host, port=port)


def _awaited(invocation: Invocation, stop: Stop) -> CRM | None:
    """Return the workspace once its database is there; None where the process is told to stop before."""
    pause = _PAUSE
    while not stop.asked:
        try:
            return _sound(invocation)
        except Unavailable as error:
            click.echo(line("warning", f"the worker waits: {error}"), err=True)
        for _ in range(round(pause / GLANCE)):
            if not stop.asked:
                time.sleep(GLANCE)
        pause = min(pause * 2, _LONGEST_PAUSE)
    return None


def _sound(invocation: Invocation) -> CRM:
    """Return the workspace, whose tables are up to date and which is set up.

    Raises:
        ConfigurationError: It is not so; says what to run.
    """
    invocation.check_tables(invocation.crm)
    _ = invocation.crm.configuration  # The queue of a workspace that is not set up would stay empty for ever.
    return invocation.crm


def _announce(address: str) -> None:
    click.echo(f"opencrm answers at {address} (documentation: {address}/api/docs); Ctrl-C stops.", err=True)
