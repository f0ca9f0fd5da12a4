"""`opencrm dramatiq send | work`."""

from __future__ import annotations

import signal
import threading
from datetime import timedelta
from types import FrameType
from typing import Any

import click

from opencrm.embed import Invocation, duration
from opencrm.plugins.dramatiq.engine import actor_of, broker_at, sending

_BROKER = click.option(
    "--broker", envvar="OPENCRM_BROKER", required=True, metavar="URL", help="redis://, valkey:// or amqp://."
)
_SHORTEST = timedelta(seconds=1)


class _Length(click.ParamType[timedelta]):
    """A length of time, such as `10m`."""

    name = "length"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return it as a timedelta; refuse what is none, or no time at all."""
        try:
            found = value if isinstance(value, timedelta) else duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if found < _SHORTEST:
            self.fail("must be a second at least", param, ctx)
        return found


@click.group()
def dramatiq() -> None:
    """Have dramatiq do what plugins and rules do after a commit."""


@dramatiq.command()
@_BROKER
@click.option(
    "--lost-after",
    type=_Length(),
    default="10m",
    show_default=True,
    help="When a message that nobody began with is sent again.",
)
@click.pass_obj
def send(invocation: Invocation, *, broker: str, lost_after: timedelta) -> None:
    """Send what waits to the broker, and do what the clock asks for, until stopped.

    In the place of `opencrm worker`; one process is enough, several do no harm.
    """
    crm, found = invocation.crm, broker_at(broker)
    invocation.check_tables(crm)
    stop = _until_stopped()
    try:
        crm.sender(sending(found, crm), lasting=lost_after).run(stop)
    finally:
        found.close()


@dramatiq.command()
@_BROKER
@click.option("--threads", type=click.IntRange(1, 64), default=8, show_default=True, help="How much at a time.")
@click.pass_obj
def work(invocation: Invocation, *, broker: str, threads: int) -> None:
    """Do what the broker says, until stopped; any number of processes on any number of machines."""
    from dramatiq import Worker

    found = broker_at(broker)
    invocation.check_tables(invocation.crm)
    actor_of(found, invocation.crm)
    stop, worker = _until_stopped(), Worker(found, worker_threads=threads)
    worker.start()
    try:
        stop.wait()
    finally:
        worker.stop()
        found.close()


def _until_stopped() -> threading.Event:
    """Return what is set when the process is told to stop."""
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    return stop
