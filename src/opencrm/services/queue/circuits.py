"""Circuits: a plugin that fails again and again is left alone for a while, and its owner sees why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs
from sqlalchemy import bindparam, delete, select, update

from opencrm.core.columns import key_column
from opencrm.services.queue.leases import backoff
from opencrm.services.queue.once import storable_error
from opencrm.storage import tables
from opencrm.storage.choosing import chosen
from opencrm.storage.transactions import Transaction
from opencrm.storage.upserts import upsert

MOST_FAILURES = 10
"""From so many failures in a row on a plugin's circuit is open."""
_FIRST, _LONGEST = timedelta(seconds=30), timedelta(minutes=15)
_TABLE = tables.circuit


@attrs.frozen(kw_only=True)
class Circuit:
    """A plugin whose last deliveries failed.

    Attributes:
        plugin: Its name.
        failures: How many in a row.
        since: When the first of them failed.
        until: Before when nothing is delivered to it; None where it still is.
        error: Why the last one failed.
    """

    plugin: str
    failures: int
    since: datetime
    until: datetime | None = None
    error: str | None = None

    @property
    def open(self) -> bool:
        """Whether nothing is delivered to it, but one now and then to see whether it can again."""
        return self.until is not None

    def opened_by(self, failures: int) -> bool:
        """Say whether it was the last so many failures that opened it."""
        return self.failures - failures < MOST_FAILURES <= self.failures


@attrs.frozen
class Outcome:
    """How a plugin's deliveries of one batch went.

    Attributes:
        succeeded: Whether it took one.
        failures: How many it failed at, after that.
        error: Why the last of them failed.
    """

    succeeded: bool = False
    failures: int = 0
    error: str = ""


def known(tx: Transaction) -> list[Circuit]:
    """Return the plugins whose last deliveries failed."""
    return [Circuit(**row) for row in tx.query("circuits", lambda: select(_TABLE).order_by(_TABLE.c.plugin), {})]


def ended(tx: Transaction, outcomes: Mapping[str, Outcome], now: datetime) -> tuple[list[Circuit], list[Circuit]]:
    """Write down how plugins fared; return the circuits that were opened and those that were closed by it.

    To be called last in a transaction: it locks a row of each plugin, in the order of their names.
    """
    before, opened, closed = {it.plugin: it for it in known(tx)}, [], []
    for plugin, outcome in sorted(outcomes.items()):
        if outcome.succeeded and plugin in before:
            _close(tx, plugin)
            closed += [before[plugin]] if before[plugin].open else []
        if outcome.failures:
            found = _failed(tx, plugin, outcome, now)
            opened += [found] if found.opened_by(outcome.failures) else []
    return opened, closed


def probe(tx: Transaction, one: Circuit, now: datetime) -> bool:
    """Keep others from trying a plugin as long as one delivery shows whether it can again.

    Returns:
        Whether that is so: not where somebody writes down at this moment how the plugin fares.
    """

    def build() -> Any:
        mine = select(_TABLE.c.plugin).where(_TABLE.c.plugin == bindparam("plugin_", type_=key_column(64)))
        free = mine if tx.sqlite else mine.with_for_update(skip_locked=True)
        until = bindparam("until_", type_=_TABLE.c.until.type)
        return update(_TABLE).where(chosen(_TABLE.c.plugin, free, sqlite=tx.sqlite)).values(until=until)

    return bool(tx.run("probe circuit", build, [{"plugin_": one.plugin, "until_": now + _FIRST}]))


def _failed(tx: Transaction, plugin: str, outcome: Outcome, now: datetime) -> Circuit:
    """Add failures to those there are; after enough in a row the circuit is open, for longer after each further one."""
    error = storable_error(outcome.error)
    row = {"plugin": plugin, "failures": outcome.failures, "since": now, "until": None, "error": error}
    found = Circuit(**tx.query("count failures", lambda: _adding(sqlite=tx.sqlite), row)[0])
    if found.failures < MOST_FAILURES:
        return found
    until = now + backoff(found.failures - MOST_FAILURES + 1, first=_FIRST, longest=_LONGEST)
    _leave_alone(tx, plugin, until)
    return attrs.evolve(found, until=until)


def _adding(*, sqlite: bool) -> Any:
    more = bindparam("failures", type_=_TABLE.c.failures.type)
    anew = {"failures": _TABLE.c.failures + more, "error": bindparam("error", type_=_TABLE.c.error.type)}
    statement = upsert(_TABLE, [column.name for column in _TABLE.c], ["plugin"], anew, sqlite=sqlite)
    return statement.returning(*_TABLE.c)


def _leave_alone(tx: Transaction, plugin: str, until: datetime) -> None:
    def build() -> Any:
        mine = _TABLE.c.plugin == bindparam("plugin_", type_=key_column(64))
        return update(_TABLE).where(mine).values(until=bindparam("until_", type_=_TABLE.c.until.type))

    tx.run("leave plugin alone", build, [{"plugin_": plugin, "until_": until}])


def _close(tx: Transaction, plugin: str) -> None:
    def build() -> Any:
        return delete(_TABLE).where(_TABLE.c.plugin == bindparam("plugin", type_=key_column(64)))

    tx.run("close circuit", build, [{"plugin": plugin}])


def troubles(tx: Transaction) -> dict[str, str]:
    """Return what is wrong with plugins that are left alone for a while, a sentence by name."""
    return {
        it.plugin: f"failed {it.failures} times in a row, and is told nothing until {it.until:%H:%M} UTC: {it.error}"
        for it in known(tx)
        if it.open
    }
